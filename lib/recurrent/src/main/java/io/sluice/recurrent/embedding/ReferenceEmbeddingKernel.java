package io.sluice.recurrent.embedding;

import java.util.stream.IntStream;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * {@link EmbeddingKernel} in float64, the equations line by line. Judges {@link
 * FloatEmbeddingKernel}; runs double networks, whose gradients DL4J's central differences judge.
 */
final class ReferenceEmbeddingKernel implements EmbeddingKernel {
  private final int E;

  ReferenceEmbeddingKernel(int E) {
    this.E = E;
  }

  @Override
  public void rows(int[] ids, int R, float[] factors, Pointer W, Pointer y) {
    for (int r = 0; r < R; r++) {
      double[] row = new double[E];
      if (ids[r] >= 0) {
        at(W, ids[r]).get(row);
        scale(row, factors, r);
      }
      at(y, r).put(row);
    }
  }

  @Override
  public void addGradient(
      int[] ids, int R, float[] factors, Pointer dy, Pointer dW, TouchedRows touched) {
    for (int r = 0; r < R; r++) {
      if (counts(ids, factors, r)) {
        double[] row = new double[E];
        double[] sum = new double[E];
        at(dy, r).get(row);
        scale(row, factors, r);
        at(dW, ids[r]).get(sum);
        for (int j = 0; j < E; j++) {
          sum[j] += row[j];
        }
        at(dW, ids[r]).put(sum);
      }
    }
    if (touched != null) {
      int[] sorted =
          IntStream.range(0, R)
              .filter(r -> counts(ids, factors, r))
              .map(r -> ids[r])
              .sorted()
              .distinct()
              .toArray();
      touched.add(sorted, sorted.length);
    }
  }

  private static boolean counts(int[] ids, float[] factors, int r) {
    return ids[r] >= 0 && (factors == null || factors[r] != 0);
  }

  private static void scale(double[] row, float[] factors, int r) {
    for (int j = 0; factors != null && j < row.length; j++) {
      row[j] *= factors[r];
    }
  }

  private DoublePointer at(Pointer memory, int row) {
    return new DoublePointer(memory).position((long) row * E);
  }
}
