package io.sluice.recurrent.head;

import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * {@link VocabularyKernel} in float64, the equations line by line, one row after the other. Judges
 * {@link FloatVocabularyKernel}; runs double networks, whose gradients DL4J's central differences
 * judge.
 */
final class ReferenceVocabularyKernel implements VocabularyKernel {
  private final int V;
  private final int H;
  private final boolean hasBias;

  ReferenceVocabularyKernel(int V, int H, boolean hasBias) {
    this.V = V;
    this.H = H;
    this.hasBias = hasBias;
  }

  @Override
  public void losses(int[] ids, VocabularyMemory parameters, Pointer x, double[] nll) {
    double[] w = read(parameters);
    for (int r = 0; r < ids.length; r++) {
      nll[r] = 0;
      if (ids[r] >= 0) {
        double[] z = logits(w, read(x, r, H));
        nll[r] = logSum(z) - z[ids[r]];
      }
    }
  }

  @Override
  public void gradients(
      int[] ids,
      double[] factors,
      VocabularyMemory parameters,
      Pointer x,
      double[] nll,
      Pointer dx,
      VocabularyMemory dParameters) {
    double[] w = read(parameters);
    double[] dw = new double[w.length];
    for (int r = 0; r < ids.length; r++) {
      nll[r] = 0;
      double[] dh = new double[H];
      if (ids[r] >= 0) {
        double[] h = read(x, r, H);
        double[] z = logits(w, h);
        double logSum = logSum(z);
        nll[r] = logSum - z[ids[r]];
        for (int v = 0; v < V; v++) {
          double dz = factors[r] * (Math.exp(z[v] - logSum) - (v == ids[r] ? 1 : 0));
          for (int j = 0; j < H; j++) {
            dh[j] += dz * w[v * H + j];
            dw[v * H + j] += dz * h[j];
          }
          if (hasBias) {
            dw[V * H + v] += dz;
          }
        }
      }
      new DoublePointer(dx).position((long) r * H).put(dh);
    }
    new DoublePointer(dParameters.W()).put(dw, 0, V * H);
    if (hasBias) {
      new DoublePointer(dParameters.bias()).put(dw, V * H, V);
    }
  }

  @Override
  public void probabilities(
      int R, boolean[] mask, VocabularyMemory parameters, Pointer x, Pointer p) {
    double[] w = read(parameters);
    for (int r = 0; r < R; r++) {
      double[] row = new double[V];
      if (mask == null || mask[r]) {
        double[] z = logits(w, read(x, r, H));
        double logSum = logSum(z);
        for (int v = 0; v < V; v++) {
          row[v] = Math.exp(z[v] - logSum);
        }
      }
      new DoublePointer(p).position((long) r * V).put(row);
    }
  }

  private double[] logits(double[] w, double[] h) {
    double[] z = new double[V];
    for (int v = 0; v < V; v++) {
      z[v] = hasBias ? w[V * H + v] : 0;
      for (int j = 0; j < H; j++) {
        z[v] += w[v * H + j] * h[j];
      }
    }
    return z;
  }

  private static double logSum(double[] z) {
    double max = Double.NEGATIVE_INFINITY;
    for (double each : z) {
      max = Math.max(max, each);
    }
    double sum = 0;
    for (double each : z) {
      sum += Math.exp(each - max);
    }
    return max + Math.log(sum);
  }

  /** W and behind it the bias. */
  private double[] read(VocabularyMemory parameters) {
    double[] w = new double[V * (H + (hasBias ? 1 : 0))];
    new DoublePointer(parameters.W()).get(w, 0, V * H);
    if (hasBias) {
      new DoublePointer(parameters.bias()).get(w, V * H, V);
    }
    return w;
  }

  /** Row {@code row} of rows of {@code length} numbers. */
  private static double[] read(Pointer memory, int row, int length) {
    double[] values = new double[length];
    new DoublePointer(memory).position((long) row * length).get(values);
    return values;
  }
}
