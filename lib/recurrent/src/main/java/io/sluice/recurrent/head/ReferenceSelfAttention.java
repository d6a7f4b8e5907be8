package io.sluice.recurrent.head;

import java.util.Arrays;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * {@link MultiHeadSelfAttention} in float64, the equations line by line, one sequence after the
 * other. Judges {@link FloatSelfAttention}; runs double networks.
 */
final class ReferenceSelfAttention implements HeadKernel {
  private final int H;
  private final int heads;
  private final boolean residual;
  private int T;
  private int B;
  private boolean[] mask;
  private double[][][] q; // [b][t][H]; k, v, context likewise
  private double[][][] k;
  private double[][][] v;
  private double[][][] context;
  private double[][][][] alpha; // [b][head][t][s]

  ReferenceSelfAttention(int H, int heads, boolean residual) {
    this.H = H;
    this.heads = heads;
    this.residual = residual;
  }

  @Override
  public void forward(int T, int B, boolean[] mask, Pointer parameters, Pointer x, Pointer y) {
    this.T = T;
    this.B = B;
    this.mask = mask;
    double[] p = read(parameters, 4 * H * H + 4 * H);
    double[] h = read(x, T * B * H);
    double[] out = new double[T * B * H];
    q = new double[B][T][];
    k = new double[B][T][];
    v = new double[B][T][];
    context = new double[B][T][H];
    alpha = new double[B][heads][T][T];
    for (int b = 0; b < B; b++) {
      for (int t = 0; t < T; t++) {
        q[b][t] = linear(p, 0, 3 * H * H, h, row(t, b));
        k[b][t] = linear(p, H * H, 3 * H * H + H, h, row(t, b));
        v[b][t] = linear(p, 2 * H * H, 3 * H * H + 2 * H, h, row(t, b));
      }
      for (int t = 0; t < T; t++) {
        if (isReal(t, b)) {
          for (int head = 0; head < heads; head++) {
            attend(b, head, t);
          }
          double[] o = linear(p, outWeight(), outWeight() + H * H, context[b][t], 0);
          for (int j = 0; j < H; j++) {
            out[row(t, b) + j] = residual ? h[row(t, b) + j] + o[j] : o[j];
          }
        }
      }
    }
    new DoublePointer(y).put(out);
  }

  private void attend(int b, int head, int t) {
    int d = H / heads;
    double[] weights = alpha[b][head][t];
    double max = Double.NEGATIVE_INFINITY;
    for (int s = 0; s < T; s++) {
      for (int j = head * d; j < (head + 1) * d; j++) {
        weights[s] += q[b][t][j] * k[b][s][j] / Math.sqrt(d);
      }
      if (isReal(s, b)) {
        max = Math.max(max, weights[s]);
      }
    }
    double sum = 0;
    for (int s = 0; s < T; s++) {
      weights[s] = isReal(s, b) ? Math.exp(weights[s] - max) : 0;
      sum += weights[s];
    }
    for (int s = 0; s < T; s++) {
      if (isReal(s, b)) {
        weights[s] /= sum;
        for (int j = head * d; j < (head + 1) * d; j++) {
          context[b][t][j] += weights[s] * v[b][s][j];
        }
      }
    }
  }

  @Override
  public void backward(Pointer parameters, Pointer x, Pointer dy, Pointer dx, Pointer dParameters) {
    double[] p = read(parameters, 4 * H * H + 4 * H);
    double[] h = read(x, T * B * H);
    double[] dOut = read(dy, T * B * H);
    double[] dp = new double[p.length];
    double[] dh = new double[h.length];
    for (int b = 0; b < B; b++) {
      double[][] dq = new double[T][H];
      double[][] dk = new double[T][H];
      double[][] dv = new double[T][H];
      for (int t = 0; t < T; t++) {
        if (isReal(t, b)) {
          double[] arriving = Arrays.copyOfRange(dOut, row(t, b), row(t, b) + H);
          double[] dContext = new double[H];
          linearBack(p, dp, outWeight(), outWeight() + H * H, context[b][t], 0, arriving, dContext);
          for (int head = 0; head < heads; head++) {
            attendBack(b, head, t, dContext, dq, dk, dv);
          }
        }
      }
      for (int t = 0; t < T; t++) {
        if (isReal(t, b)) {
          double[] back =
              residual ? Arrays.copyOfRange(dOut, row(t, b), row(t, b) + H) : new double[H];
          linearBack(p, dp, 0, 3 * H * H, h, row(t, b), dq[t], back);
          linearBack(p, dp, H * H, 3 * H * H + H, h, row(t, b), dk[t], back);
          linearBack(p, dp, 2 * H * H, 3 * H * H + 2 * H, h, row(t, b), dv[t], back);
          System.arraycopy(back, 0, dh, row(t, b), H);
        }
      }
    }
    new DoublePointer(dx).put(dh);
    new DoublePointer(dParameters).put(dp);
  }

  private void attendBack(
      int b, int head, int t, double[] dContext, double[][] dq, double[][] dk, double[][] dv) {
    int d = H / heads;
    double[] weights = alpha[b][head][t];
    double[] dWeights = new double[T];
    double mean = 0;
    for (int s = 0; s < T; s++) {
      if (isReal(s, b)) {
        for (int j = head * d; j < (head + 1) * d; j++) {
          dWeights[s] += dContext[j] * v[b][s][j];
          dv[s][j] += dContext[j] * weights[s];
        }
        mean += weights[s] * dWeights[s];
      }
    }
    for (int s = 0; s < T; s++) {
      if (isReal(s, b)) {
        double dScore = weights[s] * (dWeights[s] - mean) / Math.sqrt(d);
        for (int j = head * d; j < (head + 1) * d; j++) {
          dq[t][j] += dScore * k[b][s][j];
          dk[s][j] += dScore * q[b][t][j];
        }
      }
    }
  }

  private double[] linear(double[] p, int W, int bias, double[] in, int start) {
    double[] out = new double[H];
    for (int i = 0; i < H; i++) {
      out[i] = p[bias + i];
      for (int j = 0; j < H; j++) {
        out[i] += p[W + i * H + j] * in[start + j];
      }
    }
    return out;
  }

  private void linearBack(
      double[] p,
      double[] dp,
      int W,
      int bias,
      double[] in,
      int start,
      double[] dOut,
      double[] dIn) {
    for (int i = 0; i < H; i++) {
      dp[bias + i] += dOut[i];
      for (int j = 0; j < H; j++) {
        dp[W + i * H + j] += dOut[i] * in[start + j];
        dIn[j] += dOut[i] * p[W + i * H + j];
      }
    }
  }

  private int outWeight() {
    return 3 * H * H + 3 * H;
  }

  private int row(int t, int b) {
    return (t * B + b) * H;
  }

  private boolean isReal(int t, int b) {
    return mask == null || mask[t * B + b];
  }

  private static double[] read(Pointer memory, int length) {
    double[] values = new double[length];
    new DoublePointer(memory).get(values);
    return values;
  }
}
