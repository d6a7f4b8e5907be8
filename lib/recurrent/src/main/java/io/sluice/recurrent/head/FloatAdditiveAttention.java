package io.sluice.recurrent.head;

import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * {@link AdditiveAttention} in float32: products over all T·B rows, and between them one pass a
 * time step's rows long.
 *
 * <pre>{@code
 * forward    u = tanh(x·Wᵀ + b), score = u·v + c, α = softmax over t, y = Σ α·x
 * backward   dα = dy·x, ds = α(dα − Σ α·dα), dz = ds·v(1 − u²), in place of u
 *            dx = α·dy + dz·W, dW = dzᵀ·x, db = Σ dz, dv = Σ ds·u, dc = Σ ds
 * }</pre>
 *
 * <p><b>Shapes.</b>
 *
 * <pre>
 * parameters  W (A, H) | b (A) | v (A) | c (1)
 * x, dx       (T·B, H)
 * y, dy       (B, H)
 * u           (T·B, A)  kept for backward, off-heap
 * α           (T·B)     kept for backward
 * </pre>
 *
 * <p><b>Accuracy.</b> Scores and sums over time in float64, the rest in float32: within 1e-5 of
 * {@link ReferenceAdditiveAttention} for |x| ≤ 4.
 *
 * <p>Checked by {@code HeadKernelsTest}.
 */
final class FloatAdditiveAttention implements HeadKernel, AdditiveAttention.Attends {
  private final int H;
  private final int A;
  private final FloatBlock hidden = new FloatBlock();
  private final float[] biasAndScore;
  private int T;
  private int B;
  private boolean[] mask;
  private double[] alpha = {};

  // one time step
  private float[] u = {};
  private float[] h = {};
  private float[] dh = {};
  private float[] scratch = {};

  FloatAdditiveAttention(int H, int A) {
    this.H = H;
    this.A = A;
    this.biasAndScore = new float[2 * A + 1];
  }

  @Override
  public void forward(int T, int B, boolean[] mask, Pointer parameters, Pointer x, Pointer y) {
    this.T = T;
    this.B = B;
    this.mask = mask;
    reserve();
    FloatPointer W = new FloatPointer(parameters);
    FloatPointer steps = new FloatPointer(x);
    FloatPointer z = hidden.atLeast((long) T * B * A);
    FloatMath.multiply(false, true, T * B, A, H, steps, W, 0, z);
    FloatMath.at(W, (long) A * H).get(biasAndScore);
    for (int t = 0; t < T; t++) {
      z.position((long) t * B * A).get(u, 0, B * A);
      score(t);
      z.put(u, 0, B * A);
    }
    z.position(0);
    for (int b = 0; b < B; b++) {
      softmax(b);
    }
    float[] context = new float[B * H];
    for (int t = 0; t < T; t++) {
      steps.position((long) t * B * H).get(h, 0, B * H);
      for (int b = 0; b < B; b++) {
        if (isReal(t, b)) {
          float weight = (float) alpha[t * B + b];
          for (int j = b * H; j < (b + 1) * H; j++) {
            context[j] = Math.fma(weight, h[j], context[j]);
          }
        }
      }
    }
    new FloatPointer(y).put(context, 0, B * H);
  }

  /** u = tanh(u + bias) and the scores of one time step. */
  private void score(int t) {
    for (int b = 0; b < B; b++) {
      for (int a = 0; a < A; a++) {
        u[b * A + a] += biasAndScore[a];
      }
    }
    FloatMath.tanh(u, B * A, scratch);
    for (int b = 0; b < B; b++) {
      alpha[t * B + b] = FloatMath.dot(u, b * A, biasAndScore, A, A) + biasAndScore[2 * A];
    }
  }

  /** Scores of one sequence into weights. */
  private void softmax(int b) {
    double max = Double.NEGATIVE_INFINITY;
    for (int t = 0; t < T; t++) {
      if (isReal(t, b)) {
        max = Math.max(max, alpha[t * B + b]);
      }
    }
    double sum = 0;
    for (int t = 0; t < T; t++) {
      int k = t * B + b;
      alpha[k] = isReal(t, b) ? Math.exp(alpha[k] - max) : 0;
      sum += alpha[k];
    }
    for (int t = 0; t < T; t++) {
      if (isReal(t, b)) {
        alpha[t * B + b] /= sum;
      }
    }
  }

  @Override
  public void backward(
      Pointer parameters, Pointer x, Pointer dy, Pointer dx, Pointer dParameters) {
    FloatPointer W = new FloatPointer(parameters);
    FloatPointer steps = new FloatPointer(x);
    FloatPointer dSteps = new FloatPointer(dx);
    FloatPointer z = hidden.memory();
    float[] dContext = new float[B * H];
    new FloatPointer(dy).get(dContext);
    double[] dScore = dScores(steps, dContext);
    float[] dBiasAndScore = new float[2 * A + 1];
    for (int t = 0; t < T; t++) {
      z.position((long) t * B * A).get(u, 0, B * A);
      for (int b = 0; b < B; b++) {
        backward(t, b, (float) dScore[t * B + b], dBiasAndScore, dContext);
      }
      z.put(u, 0, B * A);
      dSteps.position((long) t * B * H).put(dh, 0, B * H);
    }
    z.position(0);
    dSteps.position(0);
    steps.position(0);
    FloatMath.multiply(false, false, T * B, H, A, z, W, 1, dSteps);
    FloatPointer dW = new FloatPointer(dParameters);
    FloatMath.multiply(true, false, A, H, T * B, z, steps, 0, dW);
    FloatMath.at(dW, (long) A * H).put(dBiasAndScore);
  }

  /** ∂L/∂score (T·B). */
  private double[] dScores(FloatPointer steps, float[] dContext) {
    double[] dScore = new double[T * B];
    double[] mean = new double[B];
    for (int t = 0; t < T; t++) {
      steps.position((long) t * B * H).get(h, 0, B * H);
      for (int b = 0; b < B; b++) {
        if (isReal(t, b)) {
          dScore[t * B + b] = FloatMath.dot(h, b * H, dContext, b * H, H);
          mean[b] += alpha[t * B + b] * dScore[t * B + b];
        }
      }
    }
    for (int k = 0; k < T * B; k++) {
      dScore[k] = mask == null || mask[k] ? alpha[k] * (dScore[k] - mean[k % B]) : 0;
    }
    return dScore;
  }

  /** One row: dz in place of u, α·dy into dh. */
  private void backward(int t, int b, float ds, float[] dBiasAndScore, float[] dContext) {
    if (!isReal(t, b)) {
      Arrays.fill(u, b * A, (b + 1) * A, 0);
      Arrays.fill(dh, b * H, (b + 1) * H, 0);
      return;
    }
    int row = b * A;
    for (int a = 0; a < A; a++) {
      float tanh = u[row + a];
      float dz = ds * biasAndScore[A + a] * (1 - tanh * tanh);
      dBiasAndScore[a] += dz;
      dBiasAndScore[A + a] = Math.fma(ds, tanh, dBiasAndScore[A + a]);
      u[row + a] = dz;
    }
    dBiasAndScore[2 * A] += ds;
    float weight = (float) alpha[t * B + b];
    for (int j = b * H; j < (b + 1) * H; j++) {
      dh[j] = weight * dContext[j];
    }
  }

  private boolean isReal(int t, int b) {
    return mask == null || mask[t * B + b];
  }

  private void reserve() {
    if (alpha.length != T * B) {
      alpha = new double[T * B];
    }
    if (u.length < B * A || h.length < B * H) {
      u = new float[B * A];
      scratch = new float[B * A];
      h = new float[B * H];
      dh = new float[B * H];
    }
  }

  @Override
  public INDArray weights() {
    double[][] weights = new double[B][T];
    for (int k = 0; k < T * B; k++) {
      weights[k % B][k / B] = alpha[k];
    }
    return Series.detached(weights);
  }
}
