package io.sluice.recurrent.head;

import io.sluice.recurrent.kernel.Activations;
import io.sluice.recurrent.kernel.Gemm;
import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * {@link MultiHeadSelfAttention} in float32: the projections are one product over all T·B rows;
 * scores are made for one head of one sequence at a time, a tile of their rows after the other, and
 * q, k and v are read in place by their row distance.
 *
 * <pre>{@code
 * forward    qkv = x·Wqkvᵀ + bqkv
 *            P = softmax(q·kᵀ/√d), context = P·v      per sequence, head and tile
 *            y = context·Woᵀ + bo (+ x)
 * backward   dWo = dyᵀ·context, dcontext = dy·Wo
 *            P again, as forward made it
 *            dv = Pᵀ·dcontext, dP = dcontext·vᵀ, dS = P(dP − Σ_s P·dP)/√d, dq = dS·k, dk = dSᵀ·q
 *            dWqkv = dqkvᵀ·x, dx = dqkv·Wqkv (+ dy)
 * }</pre>
 *
 * <p><b>Shapes.</b>
 *
 * <pre>
 * parameters  Wq | Wk | Wv (H, H) | bq | bk | bv (H) | Wo (H, H) | bo (H)
 * x, y        (T·B, H)
 * qkv         (T·B, 3H)            kept for backward, off-heap; zero at masked steps
 * context     (T·B, H)             kept for backward, off-heap
 * P, dP       (tile, T)            of one tile; P is made again in backward, so that what is kept
 *                                  grows with T and not with T²
 * </pre>
 *
 * <p><b>Accuracy.</b> Within 1e-5 of {@link ReferenceSelfAttention} for |x| ≤ 4. Weights below
 * 1e-33, of which products become denormals, count as zero.
 *
 * <p>Checked by {@code HeadKernelsTest}.
 */
final class FloatSelfAttention implements HeadKernel {
  /** Numbers of a tile of scores, unless one row has more. */
  private static final int TILE = 64 * 1024;

  private final int H;
  private final int heads;
  private final boolean residual;
  private final int d;
  private final float scale;
  private final FloatBlock qkv = new FloatBlock();
  private final FloatBlock dqkv = new FloatBlock();
  private final FloatBlock context = new FloatBlock();
  private final FloatBlock dContext = new FloatBlock();
  private final FloatBlock tile = new FloatBlock();
  private final FloatBlock dTile = new FloatBlock();
  private final float[] block;
  private int T;
  private int B;
  private boolean[] mask;

  // a tile, and one row of it
  private float[] P = {};
  private float[] dP = {};
  private float[] row = {};
  private final float[] maxAndSum = new float[2];
  private FloatSoftmax softmax;

  FloatSelfAttention(int H, int heads, boolean residual) {
    this.H = H;
    this.heads = heads;
    this.residual = residual;
    this.d = H / heads;
    this.scale = (float) (1 / Math.sqrt(d));
    this.block = RowBlocks.room(3 * H);
  }

  @Override
  public void forward(int T, int B, boolean[] mask, Pointer parameters, Pointer x, Pointer y) {
    this.T = T;
    this.B = B;
    this.mask = mask;
    makeRoom();
    FloatPointer p = new FloatPointer(parameters);
    FloatPointer projected = qkv.atLeast((long) T * B * 3 * H);
    FloatPointer mixed = context.atLeast((long) T * B * H);
    Gemm.here().multiply(false, true, T * B, 3 * H, H, new FloatPointer(x), p, 0, projected);
    addBias(projected, 3 * H, FloatMath.at(p, 3L * H * H));
    for (int b = 0; b < B; b++) {
      for (int head = 0; head < heads; head++) {
        for (int from = 0; from < T; from += tileRows()) {
          attend(b, head, from, projected, mixed);
        }
      }
    }
    FloatPointer out = new FloatPointer(y);
    if (residual) {
      Pointer.memcpy(y, x, (long) T * B * H * Float.BYTES);
    }
    float kept = residual ? 1 : 0;
    Gemm.here().multiply(false, true, T * B, H, H, mixed, FloatMath.at(p, outWeight()), kept, out);
    addBias(out, H, FloatMath.at(p, outWeight() + (long) H * H));
  }

  /** Context of the time steps of a tile, of one head of one sequence. */
  private void attend(int b, int head, int from, FloatPointer projected, FloatPointer mixed) {
    int n = Math.min(tileRows(), T - from);
    FloatPointer own = weights(b, head, from, projected);
    FloatPointer v = FloatMath.at(projected, qkvAt(b, head, 2, 0));
    FloatPointer target = FloatMath.at(mixed, contextAt(b, head, from));
    Gemm.here().multiply(false, false, n, d, T, 1, own, T, v, B * 3 * H, 0, target, B * H);
  }

  /** P of a tile, in Java memory and off-heap; zero where either step is masked. */
  private FloatPointer weights(int b, int head, int from, FloatPointer projected) {
    int n = Math.min(tileRows(), T - from);
    int apart = B * 3 * H;
    FloatPointer own = tile.memory();
    FloatPointer q = FloatMath.at(projected, qkvAt(b, head, 0, from));
    FloatPointer k = FloatMath.at(projected, qkvAt(b, head, 1, 0));
    Gemm.here().multiply(false, true, n, T, d, scale, q, apart, k, apart, 0, own, T);
    own.get(P, 0, n * T);
    for (int r = 0; r < n; r++) {
      if (isReal((from + r) * B + b)) {
        softmax(b, r * T);
      } else {
        Arrays.fill(P, r * T, (r + 1) * T, 0);
      }
    }
    own.put(P, 0, n * T);
    return own;
  }

  /** A row of scores in P into weights. */
  private void softmax(int b, int start) {
    System.arraycopy(P, start, row, 0, T);
    if (mask != null) {
      for (int s = 0; s < T; s++) {
        row[s] = mask[s * B + b] ? row[s] : Float.NEGATIVE_INFINITY;
      }
    }
    softmax.exponentials(row, maxAndSum);
    softmax.scale(row, 1 / maxAndSum[1]);
    System.arraycopy(row, 0, P, start, T);
  }

  @Override
  public void backward(Pointer parameters, Pointer x, Pointer dy, Pointer dx, Pointer dParameters) {
    FloatPointer p = new FloatPointer(parameters);
    FloatPointer dp = new FloatPointer(dParameters);
    FloatPointer dIn = new FloatPointer(dx);
    FloatPointer projected = qkv.memory();
    FloatPointer mixed = context.memory();
    FloatPointer dProjected = dqkv.atLeast((long) T * B * 3 * H);
    FloatPointer dMixed = dContext.atLeast((long) T * B * H);
    FloatPointer dOut = RowBlocks.copyReal(new FloatPointer(dy), T * B, H, mask, block, dIn);
    FloatPointer Wo = FloatMath.at(p, outWeight());
    Gemm.here().multiply(true, false, H, H, T * B, dOut, mixed, 0, FloatMath.at(dp, outWeight()));
    sumRows(dOut, H, FloatMath.at(dp, outWeight() + (long) H * H));
    Gemm.here().multiply(false, false, T * B, H, H, dOut, Wo, 0, dMixed);
    for (int b = 0; b < B; b++) {
      for (int head = 0; head < heads; head++) {
        for (int from = 0; from < T; from += tileRows()) {
          attendBack(b, head, from, projected, dMixed, dProjected);
        }
      }
    }
    FloatPointer real = new FloatPointer(x);
    if (mask != null) {
      // dcontext has done its work
      real = RowBlocks.copyReal(real, T * B, H, mask, block, dMixed);
    }
    Gemm.here().multiply(true, false, 3 * H, H, T * B, dProjected, real, 0, dp);
    sumRows(dProjected, 3 * H, FloatMath.at(dp, 3L * H * H));
    Gemm.here().multiply(false, false, T * B, H, 3 * H, dProjected, p, residual ? 1 : 0, dIn);
  }

  private void attendBack(
      int b,
      int head,
      int from,
      FloatPointer projected,
      FloatPointer dMixed,
      FloatPointer dProjected) {
    int n = Math.min(tileRows(), T - from);
    int apart = B * 3 * H;
    float summed = from == 0 ? 0 : 1;
    FloatPointer dOwn = dTile.memory();
    FloatPointer arriving = FloatMath.at(dMixed, contextAt(b, head, from));
    FloatPointer q = FloatMath.at(projected, qkvAt(b, head, 0, from));
    FloatPointer k = FloatMath.at(projected, qkvAt(b, head, 1, 0));
    FloatPointer v = FloatMath.at(projected, qkvAt(b, head, 2, 0));
    FloatPointer dq = FloatMath.at(dProjected, qkvAt(b, head, 0, from));
    FloatPointer dk = FloatMath.at(dProjected, qkvAt(b, head, 1, 0));
    FloatPointer dv = FloatMath.at(dProjected, qkvAt(b, head, 2, 0));
    FloatPointer own = weights(b, head, from, projected);
    Gemm.here().multiply(true, false, T, d, n, 1, own, T, arriving, B * H, summed, dv, apart);
    Gemm.here().multiply(false, true, n, T, d, 1, arriving, B * H, v, apart, 0, dOwn, T);
    dOwn.get(dP, 0, n * T);
    for (int start = 0; start < n * T; start += T) {
      float mean = FloatMath.dot(P, start, dP, start, T);
      for (int s = start; s < start + T; s++) {
        dP[s] = P[s] * (dP[s] - mean);
      }
    }
    Activations.flush(dP, n * T);
    dOwn.put(dP, 0, n * T);
    Gemm.here().multiply(false, false, n, d, T, scale, dOwn, T, k, apart, 0, dq, apart);
    Gemm.here().multiply(true, false, T, d, n, scale, dOwn, T, q, apart, summed, dk, apart);
  }

  /** Adds a bias to each row of a (T·B, width); masked rows become zero. */
  private void addBias(FloatPointer matrix, int width, FloatPointer bias) {
    float[] added = new float[width];
    bias.get(added);
    int atOnce = RowBlocks.rows(width);
    for (int from = 0; from < T * B; from += atOnce) {
      int n = Math.min(atOnce, T * B - from);
      matrix.position((long) from * width).get(block, 0, n * width);
      for (int r = 0; r < n; r++) {
        if (isReal(from + r)) {
          for (int j = 0; j < width; j++) {
            block[r * width + j] += added[j];
          }
        } else {
          Arrays.fill(block, r * width, (r + 1) * width, 0);
        }
      }
      matrix.put(block, 0, n * width);
    }
    matrix.position(0);
  }

  /** sums (width) of the columns of a (T·B, width). */
  private void sumRows(FloatPointer matrix, int width, FloatPointer sums) {
    float[] sum = new float[width];
    int atOnce = RowBlocks.rows(width);
    for (int from = 0; from < T * B; from += atOnce) {
      int n = Math.min(atOnce, T * B - from);
      matrix.position((long) from * width).get(block, 0, n * width);
      for (int r = 0; r < n; r++) {
        for (int j = 0; j < width; j++) {
          sum[j] += block[r * width + j];
        }
      }
    }
    matrix.position(0);
    sums.put(sum);
  }

  private int tileRows() {
    return Math.max(1, Math.min(T, TILE / T));
  }

  /** Row t of q (0), k (1) or v (2). */
  private long qkvAt(int b, int head, int part, int t) {
    return ((long) t * B + b) * 3 * H + (long) part * H + (long) head * d;
  }

  private long contextAt(int b, int head, int t) {
    return ((long) t * B + b) * H + (long) head * d;
  }

  private long outWeight() {
    return 3L * H * H + 3L * H;
  }

  private boolean isReal(int row) {
    return mask == null || mask[row];
  }

  private void makeRoom() {
    int size = tileRows() * T;
    tile.atLeast(size);
    dTile.atLeast(size);
    if (P.length < size) {
      P = new float[size];
      dP = new float[size];
    }
    if (row.length != T) {
      row = new float[T];
      softmax = new FloatSoftmax(T);
    }
  }
}
