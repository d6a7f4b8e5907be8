package io.sluice.recurrent.head;

import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * {@link MultiHeadSelfAttention} in float32: the projections are one product over all T·B rows, and
 * each head of each sequence two (T, T, d) products more, read in place by their row distance.
 *
 * <pre>{@code
 * forward    qkv = x·Wqkvᵀ + bqkv
 *            P = softmax(q·kᵀ/√d), context = P·v      per sequence and head
 *            y = context·Woᵀ + bo
 * backward   dWo = dyᵀ·context, dcontext = dy·Wo
 *            dv = Pᵀ·dcontext, dP = dcontext·vᵀ, dS = P(dP − Σ_s P·dP)/√d, dq = dS·k, dk = dSᵀ·q
 *            dWqkv = dqkvᵀ·x, dx = dqkv·Wqkv
 * }</pre>
 *
 * <p><b>Shapes.</b>
 *
 * <pre>
 * parameters  Wq | Wk | Wv (H, H) | bq | bk | bv (H) | Wo (H, H) | bo (H)
 * x, y        (T·B, H)
 * qkv         (T·B, 3H)           kept for backward, off-heap; zero at masked steps
 * context     (T·B, H)            kept for backward, off-heap
 * P           (B, heads, T, T)    kept for backward, off-heap
 * </pre>
 *
 * <p><b>Accuracy.</b> Within 1e-5 of {@link ReferenceSelfAttention} for |x| ≤ 4.
 *
 * <p>Checked by {@code HeadKernelsTest}.
 */
final class FloatSelfAttention implements HeadKernel {
  private final int H;
  private final int heads;
  private final int d;
  private final float scale;
  private final FloatBlock qkv = new FloatBlock();
  private final FloatBlock dqkv = new FloatBlock();
  private final FloatBlock context = new FloatBlock();
  private final FloatBlock dContext = new FloatBlock();
  private final FloatBlock weights = new FloatBlock();
  private final FloatBlock dWeights = new FloatBlock();
  private int T;
  private int B;
  private boolean[] mask;

  // rows of a time step, or one (T, T)
  private float[] rows = {};
  private float[] square = {};
  private float[] dSquare = {};
  private float[] weightsRow = {};
  private float[] scratch = {};

  FloatSelfAttention(int H, int heads) {
    this.H = H;
    this.heads = heads;
    this.d = H / heads;
    this.scale = (float) (1 / Math.sqrt(d));
  }

  @Override
  public void forward(int T, int B, boolean[] mask, Pointer parameters, Pointer x, Pointer y) {
    this.T = T;
    this.B = B;
    this.mask = mask;
    reserve();
    FloatPointer p = new FloatPointer(parameters);
    FloatPointer projected = qkv.atLeast((long) T * B * 3 * H);
    FloatPointer mixed = context.atLeast((long) T * B * H);
    FloatPointer P = weights.atLeast((long) B * heads * T * T);
    FloatMath.multiply(false, true, T * B, 3 * H, H, new FloatPointer(x), p, 0, projected);
    addBias(projected, 3 * H, FloatMath.at(p, 3L * H * H));
    for (int b = 0; b < B; b++) {
      for (int head = 0; head < heads; head++) {
        attend(b, head, projected, P, mixed);
      }
    }
    projected.position(0);
    P.position(0);
    mixed.position(0);
    FloatPointer out = new FloatPointer(y);
    FloatMath.multiply(false, true, T * B, H, H, mixed, FloatMath.at(p, outWeight()), 0, out);
    addBias(out, H, FloatMath.at(p, outWeight() + (long) H * H));
  }

  /** One head of one sequence. */
  private void attend(int b, int head, FloatPointer projected, FloatPointer P, FloatPointer mixed) {
    FloatPointer q = FloatMath.at(projected, qkvAt(b, head, 0));
    FloatPointer k = FloatMath.at(projected, qkvAt(b, head, 1));
    FloatPointer v = FloatMath.at(projected, qkvAt(b, head, 2));
    FloatPointer own = FloatMath.at(P, squareAt(b, head));
    int apart = B * 3 * H;
    FloatMath.multiply(false, true, T, T, d, scale, q, apart, k, apart, 0, own, T);
    own.get(square, 0, T * T);
    for (int t = 0; t < T; t++) {
      softmax(b, t);
    }
    own.put(square, 0, T * T);
    FloatPointer target = FloatMath.at(mixed, (long) b * H + (long) head * d);
    FloatMath.multiply(false, false, T, d, T, 1, own, T, v, apart, 0, target, B * H);
  }

  /** Row t of the (T, T) scores into weights. */
  private void softmax(int b, int t) {
    if (!isReal(t, b)) {
      Arrays.fill(square, t * T, (t + 1) * T, 0);
      return;
    }
    System.arraycopy(square, t * T, weightsRow, 0, T);
    for (int s = 0; s < T; s++) {
      if (!isReal(s, b)) {
        weightsRow[s] = Float.NEGATIVE_INFINITY;
      }
    }
    double sum = FloatMath.exp(weightsRow, T, FloatMath.max(weightsRow, T), scratch);
    float factor = (float) (1 / sum);
    for (int s = 0; s < T; s++) {
      square[t * T + s] = isReal(s, b) ? weightsRow[s] * factor : 0;
    }
  }

  @Override
  public void backward(
      Pointer parameters, Pointer x, Pointer dy, Pointer dx, Pointer dParameters) {
    FloatPointer p = new FloatPointer(parameters);
    FloatPointer dp = new FloatPointer(dParameters);
    FloatPointer projected = qkv.memory();
    FloatPointer mixed = context.memory();
    FloatPointer P = weights.memory();
    FloatPointer dProjected = dqkv.atLeast((long) T * B * 3 * H);
    FloatPointer dMixed = dContext.atLeast((long) T * B * H);
    FloatPointer dP = dWeights.atLeast((long) T * T);
    FloatPointer Wo = FloatMath.at(p, outWeight());
    FloatPointer arriving = new FloatPointer(dy);
    if (mask != null) {
      arriving = unmasked(arriving, new FloatPointer(dx));
    }
    FloatMath.multiply(
        true, false, H, H, T * B, arriving, mixed, 0, FloatMath.at(dp, outWeight()));
    sumRows(arriving, H, FloatMath.at(dp, outWeight() + (long) H * H));
    FloatMath.multiply(false, false, T * B, H, H, arriving, Wo, 0, dMixed);
    for (int b = 0; b < B; b++) {
      for (int head = 0; head < heads; head++) {
        attendBack(b, head, projected, P, dMixed, dP, dProjected);
      }
    }
    FloatMath.multiply(true, false, 3 * H, H, T * B, dProjected, new FloatPointer(x), 0, dp);
    sumRows(dProjected, 3 * H, FloatMath.at(dp, 3L * H * H));
    FloatMath.multiply(false, false, T * B, H, 3 * H, dProjected, p, 0, new FloatPointer(dx));
  }

  private void attendBack(
      int b,
      int head,
      FloatPointer projected,
      FloatPointer P,
      FloatPointer dMixed,
      FloatPointer dP,
      FloatPointer dProjected) {
    FloatPointer own = FloatMath.at(P, squareAt(b, head));
    FloatPointer arriving = FloatMath.at(dMixed, (long) b * H + (long) head * d);
    FloatPointer q = FloatMath.at(projected, qkvAt(b, head, 0));
    FloatPointer k = FloatMath.at(projected, qkvAt(b, head, 1));
    FloatPointer v = FloatMath.at(projected, qkvAt(b, head, 2));
    FloatPointer dq = FloatMath.at(dProjected, qkvAt(b, head, 0));
    FloatPointer dk = FloatMath.at(dProjected, qkvAt(b, head, 1));
    FloatPointer dv = FloatMath.at(dProjected, qkvAt(b, head, 2));
    int apart = B * 3 * H;
    FloatMath.multiply(true, false, T, d, T, 1, own, T, arriving, B * H, 0, dv, apart);
    FloatMath.multiply(false, true, T, T, d, 1, arriving, B * H, v, apart, 0, dP, T);
    own.get(square, 0, T * T);
    dP.get(dSquare, 0, T * T);
    for (int t = 0; t < T; t++) {
      float mean = FloatMath.dot(square, t * T, dSquare, t * T, T);
      for (int s = t * T; s < (t + 1) * T; s++) {
        dSquare[s] = square[s] * (dSquare[s] - mean);
      }
    }
    dP.put(dSquare, 0, T * T);
    FloatMath.multiply(false, false, T, d, T, scale, dP, T, k, apart, 0, dq, apart);
    FloatMath.multiply(true, false, T, d, T, scale, dP, T, q, apart, 0, dk, apart);
  }

  /** Adds a bias to each row of a (T·B, n); masked rows become zero. */
  private void addBias(FloatPointer matrix, int n, FloatPointer bias) {
    float[] added = new float[n];
    bias.get(added);
    for (int t = 0; t < T; t++) {
      matrix.position((long) t * B * n).get(rows, 0, B * n);
      for (int b = 0; b < B; b++) {
        if (isReal(t, b)) {
          for (int j = 0; j < n; j++) {
            rows[b * n + j] += added[j];
          }
        } else {
          Arrays.fill(rows, b * n, (b + 1) * n, 0);
        }
      }
      matrix.put(rows, 0, B * n);
    }
    matrix.position(0);
  }

  /** sums (n) of the columns of a (T·B, n). */
  private void sumRows(FloatPointer matrix, int n, FloatPointer sums) {
    float[] sum = new float[n];
    for (int t = 0; t < T; t++) {
      matrix.position((long) t * B * n).get(rows, 0, B * n);
      for (int b = 0; b < B; b++) {
        for (int j = 0; j < n; j++) {
          sum[j] += rows[b * n + j];
        }
      }
    }
    matrix.position(0);
    sums.put(sum);
  }

  /** A copy of the arriving gradient in {@code target}, zero at masked steps. */
  private FloatPointer unmasked(FloatPointer arriving, FloatPointer target) {
    for (int t = 0; t < T; t++) {
      arriving.position((long) t * B * H).get(rows, 0, B * H);
      for (int b = 0; b < B; b++) {
        if (!isReal(t, b)) {
          Arrays.fill(rows, b * H, (b + 1) * H, 0);
        }
      }
      target.position((long) t * B * H).put(rows, 0, B * H);
    }
    return target.position(0);
  }

  private long qkvAt(int b, int head, int part) {
    return (long) b * 3 * H + (long) part * H + (long) head * d;
  }

  private long squareAt(int b, int head) {
    return ((long) b * heads + head) * T * T;
  }

  private long outWeight() {
    return 3L * H * H + 3L * H;
  }

  private boolean isReal(int t, int b) {
    return mask == null || mask[t * B + b];
  }

  private void reserve() {
    if (rows.length < B * 3 * H) {
      rows = new float[B * 3 * H];
    }
    if (square.length < T * T) {
      square = new float[T * T];
      dSquare = new float[T * T];
      weightsRow = new float[T];
      scratch = new float[T];
    }
  }
}
