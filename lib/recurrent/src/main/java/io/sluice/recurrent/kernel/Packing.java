package io.sluice.recurrent.kernel;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Where each unmasked time step of a batch goes when the masked ones are left out.
 *
 * <p>A masked step is skipped: it puts out zero and hands the state on unchanged. So only the order
 * of a sequence's unmasked steps matters, and masks on the left, on the right and inside are one
 * case: each sequence is closed up, sequences are sorted by length, longest first, and cut where
 * one ends into segments of time with a constant number of rows. A segment is one kernel call.
 *
 * <p>A call has a cost of its own, so segments may be joined where that is cheaper than the steps
 * it adds: a sequence that ends inside a segment runs on over zeros, and what it puts out is
 * dropped. Its state after the segment is then not the state at its end, so with {@code exact}
 * nothing is joined.
 *
 * <p>All steps here count in reading order: 0 is the first step that the kernel reads, which for a
 * {@link Direction#BACKWARD} kernel is the last in time.
 *
 * <p>Source: packed sequences as in cuDNN and PyTorch; the joining is the shortest path over the
 * lengths.
 */
final class Packing {
  /** Padding in {@link #sources()}. */
  static final int NOTHING = -1;

  /** Lengths that are tried as ends of segments; more are thinned out unless exact. */
  private static final int CANDIDATES = 32;

  /**
   * One kernel call.
   *
   * @param firstRow where it starts in packed memory, in rows
   * @param steps T of the call
   * @param sequences B of the call: the longest ones
   */
  record Segment(int firstRow, int steps, int sequences) {}

  private final int[] order;
  private final int[] lengths;
  private final int[] sources;
  private final List<Segment> segments;

  private Packing(int[] order, int[] lengths, int[] sources, List<Segment> segments) {
    this.order = order;
    this.lengths = lengths;
    this.sources = sources;
    this.segments = segments;
  }

  /**
   * @param mask (B, T) row-major: 0 is a masked step
   * @param exact whether the state at each sequence's end is wanted
   * @param callCost what a kernel call costs by itself, in rows (one time step of one sequence)
   */
  static Packing of(float[] mask, int T, int B, Direction direction, boolean exact, long callCost) {
    int[] length = new int[B];
    for (int b = 0; b < B; b++) {
      for (int t = 0; t < T; t++) {
        length[b] += mask[b * T + t] != 0 ? 1 : 0;
      }
    }
    int[] order = longestFirst(length);
    int[] sorted = new int[B];
    for (int r = 0; r < B; r++) {
      sorted[r] = length[order[r]];
    }
    List<Segment> segments = segments(ends(sorted, exact, callCost), sorted);
    return new Packing(order, sorted, sources(mask, T, B, direction, order, segments), segments);
  }

  /** Sequence of each row of a packed state. */
  int[] order() {
    return order;
  }

  /** Unmasked steps of each row of a packed state, descending. */
  int[] lengths() {
    return lengths;
  }

  /** In reading order. */
  List<Segment> segments() {
    return segments;
  }

  /** For each row of packed memory t·B + b of the row it holds, or {@link #NOTHING}. */
  int[] sources() {
    return sources;
  }

  private static int[] longestFirst(int[] length) {
    // length in the high half, inverted index in the low half: equal lengths keep their order
    long[] keys = new long[length.length];
    for (int b = 0; b < length.length; b++) {
      keys[b] = -((long) length[b] << Integer.SIZE) + b;
    }
    Arrays.sort(keys);
    int[] order = new int[length.length];
    for (int r = 0; r < order.length; r++) {
      order[r] = (int) keys[r];
    }
    return order;
  }

  /** Steps at which segments end, ascending. */
  private static int[] ends(int[] sorted, boolean exact, long callCost) {
    int[] distinct = Arrays.stream(sorted).filter(l -> l > 0).sorted().distinct().toArray();
    if (exact || distinct.length <= 1) {
      return distinct;
    }
    int[] candidates = thinned(distinct);
    // cost of the cheapest way to cover [0, candidates[i])
    int n = candidates.length;
    long[] cost = new long[n];
    int[] previous = new int[n];
    for (int i = 0; i < n; i++) {
      cost[i] = Long.MAX_VALUE;
      for (int j = -1; j < i; j++) {
        int start = j < 0 ? 0 : candidates[j];
        long whole =
            (j < 0 ? 0 : cost[j])
                + callCost
                + (long) (candidates[i] - start) * running(sorted, start);
        if (whole < cost[i]) {
          cost[i] = whole;
          previous[i] = j;
        }
      }
    }
    var ends = new ArrayList<Integer>();
    for (int i = n - 1; i >= 0; i = previous[i]) {
      ends.add(0, candidates[i]);
    }
    return ends.stream().mapToInt(Integer::intValue).toArray();
  }

  private static int[] thinned(int[] distinct) {
    if (distinct.length <= CANDIDATES) {
      return distinct;
    }
    int[] candidates = new int[CANDIDATES];
    for (int i = 0; i < CANDIDATES; i++) {
      candidates[i] = distinct[(i + 1) * distinct.length / CANDIDATES - 1];
    }
    return candidates;
  }

  /** Sequences longer than {@code step}. */
  private static int running(int[] sorted, int step) {
    int rows = 0;
    while (rows < sorted.length && sorted[rows] > step) {
      rows++;
    }
    return rows;
  }

  private static List<Segment> segments(int[] ends, int[] sorted) {
    var segments = new ArrayList<Segment>();
    int start = 0;
    int row = 0;
    for (int end : ends) {
      int sequences = running(sorted, start);
      segments.add(new Segment(row, end - start, sequences));
      row = Math.addExact(row, Math.multiplyExact(end - start, sequences));
      start = end;
    }
    return List.copyOf(segments);
  }

  private static int[] sources(
      float[] mask, int T, int B, Direction direction, int[] order, List<Segment> segments) {
    int rows = 0;
    for (Segment segment : segments) {
      rows += segment.steps * segment.sequences;
    }
    int[] sources = new int[rows];
    Arrays.fill(sources, NOTHING);
    boolean forward = direction == Direction.FORWARD;
    for (int r = 0; r < B; r++) {
      int b = order[r];
      int t = forward ? -1 : T;
      for (Segment segment : segments) {
        if (r >= segment.sequences) {
          break;
        }
        for (int s = 0; s < segment.steps; s++) {
          do {
            t += forward ? 1 : -1;
          } while (t >= 0 && t < T && mask[b * T + t] == 0);
          if (t < 0 || t >= T) {
            break;
          }
          // a step's place in a segment is its place in time
          int place = forward ? s : segment.steps - 1 - s;
          sources[segment.firstRow + place * segment.sequences + r] = t * B + b;
        }
      }
    }
    return sources;
  }
}
