package io.sluice.recurrent.head;

import io.sluice.recurrent.kernel.Activations;
import io.sluice.recurrent.kernel.Gemm;
import io.sluice.recurrent.kernel.Sums;
import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * {@link AdditiveAttention} in float32: products over all T·B rows, and between them passes over
 * blocks of rows.
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
 * <p><b>Accuracy.</b> Within 1e-5 of {@link ReferenceAdditiveAttention} for |x| ≤ 4. Weights below
 * 1e-33, of which products become denormals, count as zero.
 *
 * <p>Checked by {@code HeadKernelsTest}.
 */
final class FloatAdditiveAttention implements HeadKernel, AdditiveAttention.Attends {
  private final int H;
  private final int A;
  private final FloatBlock hidden = new FloatBlock();
  private final FloatSoftmax softmax = new FloatSoftmax();
  private final float[] biasAndScore;

  // a block of rows
  private final float[] u;
  private final float[] h;

  private int T;
  private int B;
  private boolean[] mask;
  private float[] alpha = {};

  FloatAdditiveAttention(int H, int A) {
    this.H = H;
    this.A = A;
    this.biasAndScore = new float[2 * A + 1];
    this.u = RowBlocks.room(A);
    this.h = RowBlocks.room(H);
  }

  @Override
  public long nativeBytes() {
    return Float.BYTES * hidden.size();
  }

  @Override
  public void close() {
    hidden.close();
  }

  @Override
  public void forward(int T, int B, boolean[] mask, Pointer parameters, Pointer x, Pointer y) {
    this.T = T;
    this.B = B;
    this.mask = mask;
    if (alpha.length != T * B) {
      alpha = new float[T * B];
    }
    FloatPointer W = new FloatPointer(parameters);
    FloatPointer steps = new FloatPointer(x);
    FloatPointer z = hidden.atLeast((long) T * B * A);
    Gemm.here().multiply(false, true, T * B, A, H, steps, W, 0, z);
    Addresses.at(W, (long) A * H).get(biasAndScore);
    scores(z);
    softmax();
    new FloatPointer(y).put(context(steps), 0, B * H);
  }

  /** z = tanh(z + bias), and the scores in place of α. */
  private void scores(FloatPointer z) {
    int atOnce = RowBlocks.rows(A);
    for (int from = 0; from < T * B; from += atOnce) {
      int n = Math.min(atOnce, T * B - from);
      z.position((long) from * A).get(u, 0, n * A);
      for (int r = 0; r < n; r++) {
        for (int a = 0; a < A; a++) {
          u[r * A + a] += biasAndScore[a];
        }
      }
      Activations.tanh(u, n * A);
      for (int r = 0; r < n; r++) {
        alpha[from + r] = Sums.dot(u, r * A, biasAndScore, A, A) + biasAndScore[2 * A];
      }
      z.put(u, 0, n * A);
    }
    z.position(0);
  }

  /** Scores into weights; zero at masked steps. */
  private void softmax() {
    for (int k = 0; k < T * B; k++) {
      if (!isReal(k)) {
        alpha[k] = Float.NEGATIVE_INFINITY;
      }
    }
    softmax.columns(alpha, T, B);
    for (int k = 0; k < T * B; k++) {
      if (!isReal(k)) {
        // of a sequence with no real step the softmax is NaN
        alpha[k] = 0;
      }
    }
  }

  /** Σ α·x (B, H). */
  private float[] context(FloatPointer steps) {
    float[] context = new float[B * H];
    int atOnce = RowBlocks.rows(H);
    for (int from = 0; from < T * B; from += atOnce) {
      int n = Math.min(atOnce, T * B - from);
      steps.position((long) from * H).get(h, 0, n * H);
      for (int r = 0; r < n; r++) {
        if (isReal(from + r)) {
          int target = (from + r) % B * H;
          float weight = alpha[from + r];
          for (int j = 0; j < H; j++) {
            context[target + j] = Math.fma(weight, h[r * H + j], context[target + j]);
          }
        }
      }
    }
    steps.position(0);
    return context;
  }

  @Override
  public void backward(Pointer parameters, Pointer x, Pointer dy, Pointer dx, Pointer dParameters) {
    FloatPointer W = new FloatPointer(parameters);
    FloatPointer steps = new FloatPointer(x);
    FloatPointer dSteps = new FloatPointer(dx);
    FloatPointer dW = new FloatPointer(dParameters);
    FloatPointer z = hidden.memory();
    float[] dContext = new float[B * H];
    new FloatPointer(dy).get(dContext);
    Activations.flush(dContext, B * H);
    float[] dBiasAndScore = new float[2 * A + 1];
    dHidden(z, dScores(steps, dContext), dBiasAndScore);
    Addresses.at(dW, (long) A * H).put(dBiasAndScore);
    FloatPointer real = steps;
    if (mask != null) {
      // dx is free until it is written
      real = RowBlocks.copyReal(steps, T * B, H, mask, h, dSteps);
    }
    Gemm.here().multiply(true, false, A, H, T * B, z, real, 0, dW);
    weighted(dContext, dSteps);
    Gemm.here().multiply(false, false, T * B, H, A, z, W, 1, dSteps);
  }

  /** ∂L/∂score (T·B). */
  private float[] dScores(FloatPointer steps, float[] dContext) {
    float[] dScore = new float[T * B];
    int atOnce = RowBlocks.rows(H);
    for (int from = 0; from < T * B; from += atOnce) {
      int n = Math.min(atOnce, T * B - from);
      steps.position((long) from * H).get(h, 0, n * H);
      for (int r = 0; r < n; r++) {
        int k = from + r;
        if (isReal(k)) {
          dScore[k] = Sums.dot(h, r * H, dContext, k % B * H, H);
        }
      }
    }
    steps.position(0);
    softmax.columnsBack(alpha, dScore, T, B);
    return dScore;
  }

  /** dz in place of u, and the sums over its rows. */
  private void dHidden(FloatPointer z, float[] dScore, float[] dBiasAndScore) {
    int atOnce = RowBlocks.rows(A);
    for (int from = 0; from < T * B; from += atOnce) {
      int n = Math.min(atOnce, T * B - from);
      z.position((long) from * A).get(u, 0, n * A);
      for (int r = 0; r < n; r++) {
        dHidden(r * A, isReal(from + r), dScore[from + r], dBiasAndScore);
      }
      Activations.flush(u, n * A);
      z.put(u, 0, n * A);
    }
    z.position(0);
  }

  private void dHidden(int row, boolean real, float ds, float[] dBiasAndScore) {
    if (!real) {
      Arrays.fill(u, row, row + A, 0);
      return;
    }
    for (int a = 0; a < A; a++) {
      float tanh = u[row + a];
      float dz = ds * biasAndScore[A + a] * (1 - tanh * tanh);
      dBiasAndScore[a] += dz;
      dBiasAndScore[A + a] = Math.fma(ds, tanh, dBiasAndScore[A + a]);
      u[row + a] = dz;
    }
    dBiasAndScore[2 * A] += ds;
  }

  /** dx = α·dy; zero at masked steps. */
  private void weighted(float[] dContext, FloatPointer dSteps) {
    int atOnce = RowBlocks.rows(H);
    for (int from = 0; from < T * B; from += atOnce) {
      int n = Math.min(atOnce, T * B - from);
      for (int r = 0; r < n; r++) {
        if (!isReal(from + r)) {
          Arrays.fill(h, r * H, (r + 1) * H, 0);
          continue;
        }
        int source = (from + r) % B * H;
        float weight = alpha[from + r];
        for (int j = 0; j < H; j++) {
          h[r * H + j] = weight * dContext[source + j];
        }
      }
      dSteps.position((long) from * H).put(h, 0, n * H);
    }
    dSteps.position(0);
  }

  private boolean isReal(int row) {
    return mask == null || mask[row];
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
