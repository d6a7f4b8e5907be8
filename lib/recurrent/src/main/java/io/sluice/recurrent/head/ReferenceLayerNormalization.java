package io.sluice.recurrent.head;

import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * {@link LayerNormalization} in float64, the equations line by line. Judges {@link
 * FloatLayerNormalization}; runs double networks.
 */
final class ReferenceLayerNormalization implements HeadKernel {
  private final int H;
  private int T;
  private int B;
  private boolean[] mask;

  ReferenceLayerNormalization(int H) {
    this.H = H;
  }

  @Override
  public void forward(int T, int B, boolean[] mask, Pointer parameters, Pointer x, Pointer y) {
    this.T = T;
    this.B = B;
    this.mask = mask;
    double[] p = read(parameters, 2 * H);
    double[] h = read(x, T * B * H);
    double[] out = new double[T * B * H];
    for (int row = 0; row < T * B; row++) {
      if (mask == null || mask[row]) {
        double deviation = deviation(h, row);
        double mean = mean(h, row);
        for (int j = 0; j < H; j++) {
          out[row * H + j] = p[j] * (h[row * H + j] - mean) / deviation + p[H + j];
        }
      }
    }
    new DoublePointer(y).put(out);
  }

  @Override
  public void backward(Pointer parameters, Pointer x, Pointer dy, Pointer dx, Pointer dParameters) {
    double[] p = read(parameters, 2 * H);
    double[] h = read(x, T * B * H);
    double[] dOut = read(dy, T * B * H);
    double[] dh = new double[h.length];
    double[] dp = new double[2 * H];
    for (int row = 0; row < T * B; row++) {
      if (mask == null || mask[row]) {
        double deviation = deviation(h, row);
        double mean = mean(h, row);
        double sum = 0;
        double sumAlong = 0;
        for (int j = 0; j < H; j++) {
          double normal = (h[row * H + j] - mean) / deviation;
          dp[j] += dOut[row * H + j] * normal;
          dp[H + j] += dOut[row * H + j];
          sum += p[j] * dOut[row * H + j];
          sumAlong += p[j] * dOut[row * H + j] * normal;
        }
        for (int j = 0; j < H; j++) {
          double normal = (h[row * H + j] - mean) / deviation;
          dh[row * H + j] =
              (p[j] * dOut[row * H + j] - sum / H - normal * sumAlong / H) / deviation;
        }
      }
    }
    new DoublePointer(dx).put(dh);
    new DoublePointer(dParameters).put(dp);
  }

  private double mean(double[] h, int row) {
    double sum = 0;
    for (int j = 0; j < H; j++) {
      sum += h[row * H + j];
    }
    return sum / H;
  }

  /** √(σ² + ε) */
  private double deviation(double[] h, int row) {
    double mean = mean(h, row);
    double squares = 0;
    for (int j = 0; j < H; j++) {
      double apart = h[row * H + j] - mean;
      squares += apart * apart;
    }
    return Math.sqrt(squares / H + LayerNormalization.EPSILON);
  }

  private static double[] read(Pointer memory, int length) {
    double[] values = new double[length];
    new DoublePointer(memory).get(values);
    return values;
  }
}
