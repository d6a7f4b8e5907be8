package io.sluice.recurrent.optim;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Ranges of a flat array in ascending order, neighbours joined. Makes no object for a range, and
 * allocates only when it grows.
 *
 * <p>The operations here, over float32 arrays without gaps, give number by number the bits of
 * ND4J's over the whole array.
 */
final class Ranges {
  /** from, to, from, to, … */
  private long[] bounds = new long[16];

  private int used;

  /** [0, to). */
  static Ranges upTo(long to) {
    var ranges = new Ranges();
    ranges.add(0, to);
    return ranges;
  }

  void clear() {
    used = 0;
  }

  /** Adds [from, to), which does not begin before the end of what was added before. */
  void add(long from, long to) {
    if (from >= to) {
      return;
    }
    if (used > 0 && bounds[used - 1] == from) {
      bounds[used - 1] = to;
      return;
    }
    if (used == bounds.length) {
      bounds = Arrays.copyOf(bounds, 2 * used);
    }
    bounds[used++] = from;
    bounds[used++] = to;
  }

  /** A copy of what lies before a place. */
  Ranges before(long end) {
    return within(0, end);
  }

  /** A copy of what lies in [start, end). */
  Ranges within(long start, long end) {
    var ranges = new Ranges();
    for (int k = 0; k < count() && from(k) < end; k++) {
      ranges.add(Math.max(start, from(k)), Math.min(end, to(k)));
    }
    return ranges;
  }

  int count() {
    return used / 2;
  }

  /** Numbers in all of them. */
  long numbers() {
    long numbers = 0;
    for (int k = 0; k < count(); k++) {
      numbers += to(k) - from(k);
    }
    return numbers;
  }

  /**
   * Cut into parts of about as many numbers each, one behind the other. A cut is where a block of
   * {@link FloatBlocks} begins.
   */
  List<Ranges> parts(int count) {
    long share = (numbers() + count - 1) / count;
    var parts = new ArrayList<Ranges>();
    var part = new Ranges();
    long room = share;
    for (int k = 0; k < count(); k++) {
      long from = from(k);
      long to = to(k);
      while (to - from > room && parts.size() < count - 1) {
        long cut =
            Math.min(
                to, (from + room + FloatBlocks.SIZE - 1) / FloatBlocks.SIZE * FloatBlocks.SIZE);
        part.add(from, cut);
        parts.add(part);
        part = new Ranges();
        room = share;
        from = cut;
      }
      part.add(from, to);
      room -= to - from;
    }
    parts.add(part);
    while (parts.size() < count) {
      parts.add(new Ranges());
    }
    return parts;
  }

  long from(int k) {
    return bounds[2 * k];
  }

  long to(int k) {
    return bounds[2 * k + 1];
  }

  /** The part of a vector that a range is. */
  INDArray view(INDArray flat, int k) {
    return flat.get(NDArrayIndex.interval(from(k), to(k)));
  }

  /**
   * Adds the rows of a vector that have a number other than zero.
   *
   * @param array begins with the rows
   */
  void addNonZero(INDArray array, RowBlock rows) {
    if (FloatBlocks.canHold(array)) {
      var blocks = new FloatBlocks(array);
      float[] block = new float[FloatBlocks.SIZE];
      for (int row = 0; row < rows.count(); row++) {
        addIfNonZero(blocks, block, row, rows.size());
      }
      return;
    }
    INDArray flat = array.reshape(array.length());
    for (long row = 0; row < rows.count(); row++) {
      long from = row * rows.size();
      INDArray view = flat.get(NDArrayIndex.interval(from, from + rows.size()));
      if (view.amaxNumber().doubleValue() != 0) {
        add(from, from + rows.size());
      }
    }
  }

  /** Adds a row of {@code size} numbers unless all are zero. */
  void addIfNonZero(FloatBlocks array, float[] block, int row, int size) {
    long from = (long) row * size;
    long to = from + size;
    for (long at = from; at < to; ) {
      int n = FloatBlocks.pieceAt(at, to);
      array.get(at, block, n);
      if (!isZero(block, n)) {
        add(from, to);
        return;
      }
      at += n;
    }
  }

  private static boolean isZero(float[] block, int n) {
    for (int k = 0; k < n; k++) {
      if (block[k] != 0) {
        return false;
      }
    }
    return true;
  }

  /** Work on numbers [from, from + n), which lie in one block of {@link FloatBlocks}. */
  interface Piece {
    void at(long from, int n);
  }

  /** Does some work piece by piece, in ascending order. */
  void pieces(Piece work) {
    for (int k = 0; k < used; k += 2) {
      for (long at = bounds[k]; at < bounds[k + 1]; ) {
        int n = FloatBlocks.pieceAt(at, bounds[k + 1]);
        work.at(at, n);
        at += n;
      }
    }
  }

  /** array = array · factor. */
  void scale(INDArray array, double factor) {
    var blocks = new FloatBlocks(array);
    float[] block = new float[FloatBlocks.SIZE];
    float f = (float) factor;
    pieces(
        (from, n) -> {
          blocks.get(from, block, n);
          for (int k = 0; k < n; k++) {
            block[k] *= f;
          }
          blocks.put(from, block, n);
        });
  }

  /** array = array + sign · other. */
  void add(INDArray array, INDArray other, float sign) {
    var blocks = new FloatBlocks(array);
    var others = new FloatBlocks(other);
    float[] a = new float[FloatBlocks.SIZE];
    float[] b = new float[FloatBlocks.SIZE];
    pieces(
        (from, n) -> {
          blocks.get(from, a, n);
          others.get(from, b, n);
          for (int k = 0; k < n; k++) {
            a[k] += sign * b[k];
          }
          blocks.put(from, a, n);
        });
  }

  /** array = array − other · a · b · c, rounded after each. */
  void descend(INDArray array, INDArray other, float a, float b, float c) {
    var blocks = new FloatBlocks(array);
    var others = new FloatBlocks(other);
    float[] values = new float[FloatBlocks.SIZE];
    float[] slopes = new float[FloatBlocks.SIZE];
    pieces(
        (from, n) -> {
          blocks.get(from, values, n);
          others.get(from, slopes, n);
          for (int k = 0; k < n; k++) {
            values[k] -= slopes[k] * a * b * c;
          }
          blocks.put(from, values, n);
        });
  }

  /** array = 0. */
  void zero(INDArray array) {
    var blocks = new FloatBlocks(array);
    float[] zeros = new float[FloatBlocks.SIZE];
    pieces((from, n) -> blocks.put(from, zeros, n));
  }
}
