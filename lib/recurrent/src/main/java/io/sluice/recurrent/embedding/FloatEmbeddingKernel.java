package io.sluice.recurrent.embedding;

import io.sluice.recurrent.kernel.FloatMemory;
import java.util.Arrays;
import org.bytedeco.javacpp.Pointer;

/**
 * {@link EmbeddingKernel} in float32. The gradient is summed id by id: rows are sorted by id, and
 * each row of {@code dW} is read and written once however often its id occurs.
 *
 * <p><b>Accuracy.</b> Sums in float32: of n occurrences of an id, about 6e-8 · n of their sum of
 * magnitudes at worst.
 *
 * <p><b>Cost.</b> (R, E) numbers read and written, and R · log R comparisons; nothing by V. No
 * native call, and no memory allocated once it has seen the longest batch.
 */
final class FloatEmbeddingKernel implements EmbeddingKernel {
  private final int V;
  private final int E;
  private final FloatMemory table = new FloatMemory();
  private final FloatMemory dTable = new FloatMemory();
  private final FloatMemory steps = new FloatMemory();
  private final FloatMemory dSteps = new FloatMemory();
  private final float[] row;
  private final float[] sum;

  /** id · 2³² + r. */
  private long[] order = new long[0];

  private int[] distinct = new int[0];

  FloatEmbeddingKernel(int V, int E) {
    this.V = V;
    this.E = E;
    this.row = new float[E];
    this.sum = new float[E];
  }

  @Override
  public void rows(int[] ids, int R, float[] factors, Pointer W, Pointer y) {
    FloatMemory from = table.at(W, (long) V * E);
    FloatMemory to = steps.at(y, (long) R * E);
    for (int r = 0; r < R; r++) {
      if (ids[r] < 0) {
        Arrays.fill(row, 0);
      } else {
        from.get((long) ids[r] * E, row, E);
        if (factors != null) {
          scale(row, factors[r]);
        }
      }
      to.put((long) r * E, row, E);
    }
  }

  private static void scale(float[] row, float factor) {
    for (int j = 0; j < row.length; j++) {
      row[j] *= factor;
    }
  }

  @Override
  public void addGradient(
      int[] ids, int R, float[] factors, Pointer dy, Pointer dW, TouchedRows touched) {
    FloatMemory from = dSteps.at(dy, (long) R * E);
    FloatMemory to = dTable.at(dW, (long) V * E);
    int n = sort(ids, R, factors);
    int groups = 0;
    for (int k = 0; k < n; ) {
      int id = (int) (order[k] >>> 32);
      Arrays.fill(sum, 0);
      for (; k < n && (int) (order[k] >>> 32) == id; k++) {
        int r = (int) order[k];
        from.get((long) r * E, row, E);
        add(row, factors == null ? 1 : factors[r], sum);
      }
      to.get((long) id * E, row, E);
      add(row, 1, sum);
      to.put((long) id * E, sum, E);
      distinct[groups++] = id;
    }
    if (touched != null) {
      touched.add(distinct, groups);
    }
  }

  /** Rows that count, by id and then by place; returns how many. */
  private int sort(int[] ids, int R, float[] factors) {
    if (order.length < R) {
      order = new long[R];
      distinct = new int[R];
    }
    int n = 0;
    for (int r = 0; r < R; r++) {
      if (ids[r] >= 0 && (factors == null || factors[r] != 0)) {
        order[n++] = (long) ids[r] << 32 | r;
      }
    }
    Arrays.sort(order, 0, n);
    return n;
  }

  private static void add(float[] row, float factor, float[] sum) {
    for (int j = 0; j < sum.length; j++) {
      sum[j] += factor * row[j];
    }
  }
}
