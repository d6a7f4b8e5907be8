package io.sluice.recurrent.head;

import io.sluice.recurrent.kernel.Activations;
import io.sluice.recurrent.kernel.Sums;
import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * {@link LayerNormalization} in float32, in one pass over blocks of rows each way.
 *
 * <pre>{@code
 * forward    x̂ = (x − μ)·r, r = 1/√(σ² + ε), y = g·x̂ + b      per row
 * backward   e = g·dy, dx = r(e − mean(e) − x̂·mean(e·x̂))     per row
 *            dg = Σ dy·x̂, db = Σ dy
 * }</pre>
 *
 * <p><b>Shapes.</b>
 *
 * <pre>
 * parameters   g (H) | b (H)
 * x, y, dx     (T·B, H)
 * μ, r         (T·B) each  kept for backward
 * </pre>
 *
 * <p><b>Accuracy.</b> Within 1e-5 of {@link ReferenceLayerNormalization} where σ is not small
 * beside μ: x − μ then has lost what float32 had not. The variance is taken around the mean, not as
 * a difference of squares. NaN stays in its row.
 *
 * <p>Checked by {@code HeadKernelsTest}.
 */
final class FloatLayerNormalization implements HeadKernel {
  private final int H;
  private final float[] gain;
  private final float[] bias;

  // a block of rows
  private final float[] x;
  private final float[] dy;

  private int T;
  private int B;
  private boolean[] mask;
  private float[] mean = {};
  private float[] inverse = {};

  FloatLayerNormalization(int H) {
    this.H = H;
    this.gain = new float[H];
    this.bias = new float[H];
    this.x = RowBlocks.room(H);
    this.dy = RowBlocks.room(H);
  }

  @Override
  public void forward(
      int T, int B, boolean[] mask, Pointer parameters, Pointer input, Pointer output) {
    this.T = T;
    this.B = B;
    this.mask = mask;
    if (mean.length < T * B) {
      mean = new float[T * B];
      inverse = new float[T * B];
    }
    FloatPointer p = new FloatPointer(parameters);
    p.get(gain);
    Addresses.at(p, H).get(bias);
    FloatPointer in = new FloatPointer(input);
    FloatPointer out = new FloatPointer(output);
    int atOnce = RowBlocks.rows(H);
    for (int from = 0; from < T * B; from += atOnce) {
      int n = Math.min(atOnce, T * B - from);
      in.position((long) from * H).get(x, 0, n * H);
      for (int r = 0; r < n; r++) {
        if (mask == null || mask[from + r]) {
          normalize(from + r, r * H);
        } else {
          Arrays.fill(x, r * H, (r + 1) * H, 0);
        }
      }
      out.position((long) from * H).put(x, 0, n * H);
    }
  }

  /** One row of the block, in place. */
  private void normalize(int k, int row) {
    float mu = Sums.sum(x, row, H) / H;
    for (int j = row; j < row + H; j++) {
      x[j] -= mu;
    }
    float variance = Sums.dot(x, row, x, row, H) / H;
    float r = (float) (1 / Math.sqrt(variance + LayerNormalization.EPSILON));
    for (int j = 0; j < H; j++) {
      x[row + j] = Math.fma(gain[j] * r, x[row + j], bias[j]);
    }
    mean[k] = mu;
    inverse[k] = r;
  }

  @Override
  public void backward(
      Pointer parameters, Pointer input, Pointer arriving, Pointer dx, Pointer dParameters) {
    FloatPointer in = new FloatPointer(input);
    FloatPointer dOut = new FloatPointer(arriving);
    FloatPointer dIn = new FloatPointer(dx);
    float[] dGain = new float[H];
    float[] dBias = new float[H];
    int atOnce = RowBlocks.rows(H);
    for (int from = 0; from < T * B; from += atOnce) {
      int n = Math.min(atOnce, T * B - from);
      long start = (long) from * H;
      in.position(start).get(x, 0, n * H);
      dOut.position(start).get(dy, 0, n * H);
      Activations.flush(dy, n * H);
      for (int r = 0; r < n; r++) {
        if (mask == null || mask[from + r]) {
          backward(from + r, r * H, dGain, dBias);
        } else {
          Arrays.fill(dy, r * H, (r + 1) * H, 0);
        }
      }
      Activations.flush(dy, n * H);
      dIn.position(start).put(dy, 0, n * H);
    }
    FloatPointer dp = new FloatPointer(dParameters);
    dp.put(dGain);
    Addresses.at(dp, H).put(dBias);
  }

  /** One row: x̂ in place of x, dx in place of dy. */
  private void backward(int k, int row, float[] dGain, float[] dBias) {
    float mu = mean[k];
    float r = inverse[k];
    for (int j = 0; j < H; j++) {
      float normal = (x[row + j] - mu) * r;
      float d = dy[row + j];
      dGain[j] = Math.fma(d, normal, dGain[j]);
      dBias[j] += d;
      x[row + j] = normal;
      dy[row + j] = gain[j] * d;
    }
    float all = Sums.sum(dy, row, H) / H;
    float along = Sums.dot(dy, row, x, row, H) / H;
    for (int j = row; j < row + H; j++) {
      dy[j] = r * (dy[j] - all - x[j] * along);
    }
  }
}
