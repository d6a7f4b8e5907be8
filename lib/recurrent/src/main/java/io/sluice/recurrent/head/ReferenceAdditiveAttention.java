package io.sluice.recurrent.head;

import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * {@link AdditiveAttention} in float64, the equations line by line, one sequence after the other.
 * Judges {@link FloatAdditiveAttention}; runs double networks, whose gradients DL4J's central
 * differences judge.
 */
final class ReferenceAdditiveAttention implements HeadKernel, AdditiveAttention.Attends {
  private final int H;
  private final int A;
  private int T;
  private int B;
  private boolean[] mask;
  private double[][][] tanh; // [b][t][A]
  private double[][] alpha; // [b][t]

  ReferenceAdditiveAttention(int H, int A) {
    this.H = H;
    this.A = A;
  }

  @Override
  public void forward(int T, int B, boolean[] mask, Pointer parameters, Pointer x, Pointer y) {
    this.T = T;
    this.B = B;
    this.mask = mask;
    double[] p = read(parameters, A * H + 2 * A + 1);
    double[] h = read(x, T * B * H);
    tanh = new double[B][T][A];
    alpha = new double[B][T];
    double[] context = new double[B * H];
    for (int b = 0; b < B; b++) {
      double[] score = new double[T];
      double max = Double.NEGATIVE_INFINITY;
      for (int t = 0; t < T; t++) {
        score[t] = p[A * H + 2 * A];
        for (int a = 0; a < A; a++) {
          double z = p[A * H + a];
          for (int j = 0; j < H; j++) {
            z += p[a * H + j] * h[(t * B + b) * H + j];
          }
          tanh[b][t][a] = Math.tanh(z);
          score[t] += p[A * H + A + a] * tanh[b][t][a];
        }
        if (isReal(t, b)) {
          max = Math.max(max, score[t]);
        }
      }
      double sum = 0;
      for (int t = 0; t < T; t++) {
        alpha[b][t] = isReal(t, b) ? Math.exp(score[t] - max) : 0;
        sum += alpha[b][t];
      }
      for (int t = 0; t < T; t++) {
        if (isReal(t, b)) {
          alpha[b][t] /= sum;
          for (int j = 0; j < H; j++) {
            context[b * H + j] += alpha[b][t] * h[(t * B + b) * H + j];
          }
        }
      }
    }
    new DoublePointer(y).put(context);
  }

  @Override
  public void backward(Pointer parameters, Pointer x, Pointer dy, Pointer dx, Pointer dParameters) {
    double[] p = read(parameters, A * H + 2 * A + 1);
    double[] h = read(x, T * B * H);
    double[] dContext = read(dy, B * H);
    double[] dp = new double[p.length];
    double[] dh = new double[h.length];
    for (int b = 0; b < B; b++) {
      double[] dAlpha = new double[T];
      double mean = 0;
      for (int t = 0; t < T; t++) {
        if (isReal(t, b)) {
          for (int j = 0; j < H; j++) {
            dAlpha[t] += dContext[b * H + j] * h[(t * B + b) * H + j];
          }
          mean += alpha[b][t] * dAlpha[t];
        }
      }
      for (int t = 0; t < T; t++) {
        if (!isReal(t, b)) {
          continue;
        }
        double dScore = alpha[b][t] * (dAlpha[t] - mean);
        int row = (t * B + b) * H;
        for (int j = 0; j < H; j++) {
          dh[row + j] += alpha[b][t] * dContext[b * H + j];
        }
        dp[A * H + 2 * A] += dScore;
        for (int a = 0; a < A; a++) {
          double u = tanh[b][t][a];
          dp[A * H + A + a] += dScore * u;
          double dz = dScore * p[A * H + A + a] * (1 - u * u);
          dp[A * H + a] += dz;
          for (int j = 0; j < H; j++) {
            dp[a * H + j] += dz * h[row + j];
            dh[row + j] += dz * p[a * H + j];
          }
        }
      }
    }
    new DoublePointer(dx).put(dh);
    new DoublePointer(dParameters).put(dp);
  }

  private boolean isReal(int t, int b) {
    return mask == null || mask[t * B + b];
  }

  private static double[] read(Pointer memory, int length) {
    double[] values = new double[length];
    new DoublePointer(memory).get(values);
    return values;
  }

  @Override
  public INDArray weights() {
    return Series.detached(alpha);
  }
}
