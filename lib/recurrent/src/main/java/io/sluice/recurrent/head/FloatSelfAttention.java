package io.sluice.recurrent.head;

import io.sluice.recurrent.kernel.Gemm;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * {@link MultiHeadSelfAttention} in float32: the projections are products over rows of all
 * sequences; scores are made for one head of one sequence at a time, those of a tile of time steps
 * after the other, and q, k and v are read in place by their row distance.
 *
 * <pre>{@code
 * forward    qkv = x·Wqkvᵀ + bqkv
 *            S = k·qᵀ/√d, P = softmax of S's columns, context = Pᵀ·v    per sequence, head and tile
 *            y = context·Woᵀ + bo (+ x)
 * backward   dWo = dyᵀ·context, dcontext = dy·Wo
 *            P again, as forward made it
 *            dv = P·dcontext, dP = v·dcontextᵀ, dS = P(dP − Σ P·dP)/√d, dq = dSᵀ·k, dk = dS·q
 *            dWqkv = dqkvᵀ·x, dx = dqkv·Wqkv (+ dy)
 * }</pre>
 *
 * <p><b>Shapes.</b>
 *
 * <pre>
 * parameters  Wq | Wk | Wv (H, H) | bq | bk | bv (H) | Wo (H, H) | bo (H)
 * x, y        (T·B, H)
 * qkv         (B·T, 3H)            kept for backward, off-heap; zero at masked steps. Row b·T + t:
 *                                  products take half again to twice as long over rows of a
 *                                  sequence that lie B rows apart
 * dqkv        (T·B, 3H)            off-heap
 * context     (T·B, H)             kept for backward, off-heap
 * P, dP       (T, tile)            of one tile: a column is what one time step sees. P is made
 *                                  again in backward, so that what is kept grows with T, not T²
 * </pre>
 *
 * <p><b>Accuracy.</b> Within 1e-5 of {@link ReferenceSelfAttention} for |x| ≤ 4. Weights below
 * 1e-33, of which products become denormals, count as zero.
 *
 * <p>Checked by {@code HeadKernelsTest}.
 */
final class FloatSelfAttention implements HeadKernel {
  /** Numbers of a tile of scores, unless those of one time step are more. */
  private static final int TILE = 64 * 1024;

  private final int H;
  private final int heads;
  private final boolean residual;
  private final int d;
  private final float scale;
  private final Gemm gemm = Gemm.here();
  private final FloatBlock some = new FloatBlock();
  private final FloatBlock qkv = new FloatBlock();
  private final FloatBlock dqkv = new FloatBlock();
  private final FloatBlock context = new FloatBlock();
  private final FloatBlock dContext = new FloatBlock();
  private final FloatBlock tile = new FloatBlock();
  private final FloatBlock dTile = new FloatBlock();
  private final List<FloatBlock> blocks = List.of(some, qkv, dqkv, context, dContext, tile, dTile);
  private final float[] block;
  private final FloatSoftmax softmax = new FloatSoftmax();
  private int T;
  private int B;
  private boolean[] mask;

  // a tile
  private float[] P = {};
  private float[] dP = {};

  FloatSelfAttention(int H, int heads, boolean residual) {
    this.H = H;
    this.heads = heads;
    this.residual = residual;
    this.d = H / heads;
    this.scale = (float) (1 / Math.sqrt(d));
    this.block = RowBlocks.room(3 * H);
  }

  @Override
  public long nativeBytes() {
    return Float.BYTES * blocks.stream().mapToLong(FloatBlock::size).sum();
  }

  @Override
  public void close() {
    blocks.forEach(FloatBlock::close);
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
    project(new FloatPointer(x), p, projected);
    for (int b = 0; b < B; b++) {
      for (int head = 0; head < heads; head++) {
        for (int from = 0; from < T; from += tileSteps()) {
          attend(b, head, from, projected, mixed);
        }
      }
    }
    FloatPointer out = new FloatPointer(y);
    if (residual) {
      Pointer.memcpy(y, x, (long) T * B * H * Float.BYTES);
    }
    float kept = residual ? 1 : 0;
    gemm.multiply(false, true, T * B, H, H, mixed, Addresses.at(p, outWeight()), kept, out);
    addBias(out, H, Addresses.at(p, outWeight() + (long) H * H));
  }

  /** q, k and v, their rows sequence after sequence: zero at masked steps. */
  private void project(FloatPointer x, FloatPointer p, FloatPointer projected) {
    int width = 3 * H;
    float[] added = new float[width];
    Addresses.at(p, 3L * H * H).get(added);
    int atOnce = RowBlocks.rows(width);
    FloatPointer z = some.atLeast((long) atOnce * width);
    for (int from = 0; from < T * B; from += atOnce) {
      int n = Math.min(atOnce, T * B - from);
      gemm.multiply(false, true, n, width, H, Addresses.at(x, (long) from * H), p, 0, z);
      z.get(block, 0, n * width);
      addBias(from, n, added, width);
      for (int r = 0; r < n; r++) {
        int row = from + r;
        projected.position(((long) row % B * T + row / B) * width).put(block, r * width, width);
      }
    }
    projected.position(0);
  }

  /** Context of the time steps of a tile, of one head of one sequence. */
  private void attend(int b, int head, int from, FloatPointer projected, FloatPointer mixed) {
    int n = Math.min(tileSteps(), T - from);
    FloatPointer own = weights(b, head, from, projected);
    FloatPointer v = Addresses.at(projected, qkvAt(b, head, 2, 0));
    FloatPointer target = Addresses.at(mixed, contextAt(b, head, from));
    gemm.multiply(true, false, n, d, T, 1, own, n, v, 3 * H, 0, target, B * H);
  }

  /** P of a tile, in Java memory and off-heap; zero where either step is masked. */
  private FloatPointer weights(int b, int head, int from, FloatPointer projected) {
    int n = Math.min(tileSteps(), T - from);
    FloatPointer own = tile.memory();
    FloatPointer q = Addresses.at(projected, qkvAt(b, head, 0, from));
    FloatPointer k = Addresses.at(projected, qkvAt(b, head, 1, 0));
    gemm.multiply(false, true, T, n, d, scale, k, 3 * H, q, 3 * H, 0, own, n);
    own.get(P, 0, T * n);
    for (int s = 0; s < T; s++) {
      if (!isReal(s * B + b)) {
        Arrays.fill(P, s * n, (s + 1) * n, Float.NEGATIVE_INFINITY);
      }
    }
    softmax.columns(P, T, n);
    for (int c = 0; c < n; c++) {
      if (!isReal((from + c) * B + b)) {
        for (int s = 0; s < T; s++) {
          P[s * n + c] = 0;
        }
      }
    }
    own.put(P, 0, T * n);
    return own;
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
    FloatPointer Wo = Addresses.at(p, outWeight());
    gemm.multiply(true, false, H, H, T * B, dOut, mixed, 0, Addresses.at(dp, outWeight()));
    sumRows(dOut, H, Addresses.at(dp, outWeight() + (long) H * H));
    gemm.multiply(false, false, T * B, H, H, dOut, Wo, 0, dMixed);
    for (int b = 0; b < B; b++) {
      for (int head = 0; head < heads; head++) {
        for (int from = 0; from < T; from += tileSteps()) {
          attendBack(b, head, from, projected, dMixed, dProjected);
        }
      }
    }
    FloatPointer real = new FloatPointer(x);
    if (mask != null) {
      // dcontext has done its work
      real = RowBlocks.copyReal(real, T * B, H, mask, block, dMixed);
    }
    gemm.multiply(true, false, 3 * H, H, T * B, dProjected, real, 0, dp);
    sumRows(dProjected, 3 * H, Addresses.at(dp, 3L * H * H));
    gemm.multiply(false, false, T * B, H, 3 * H, dProjected, p, residual ? 1 : 0, dIn);
  }

  private void attendBack(
      int b,
      int head,
      int from,
      FloatPointer projected,
      FloatPointer dMixed,
      FloatPointer dProjected) {
    int n = Math.min(tileSteps(), T - from);
    int apart = B * 3 * H;
    float summed = from == 0 ? 0 : 1;
    FloatPointer dOwn = dTile.memory();
    FloatPointer arriving = Addresses.at(dMixed, contextAt(b, head, from));
    FloatPointer q = Addresses.at(projected, qkvAt(b, head, 0, from));
    FloatPointer k = Addresses.at(projected, qkvAt(b, head, 1, 0));
    FloatPointer v = Addresses.at(projected, qkvAt(b, head, 2, 0));
    FloatPointer dq = Addresses.at(dProjected, dQkvAt(b, head, 0, from));
    FloatPointer dk = Addresses.at(dProjected, dQkvAt(b, head, 1, 0));
    FloatPointer dv = Addresses.at(dProjected, dQkvAt(b, head, 2, 0));
    FloatPointer own = weights(b, head, from, projected);
    gemm.multiply(false, false, T, d, n, 1, own, n, arriving, B * H, summed, dv, apart);
    gemm.multiply(false, true, T, n, d, 1, v, 3 * H, arriving, B * H, 0, dOwn, n);
    dOwn.get(dP, 0, T * n);
    softmax.columnsBack(P, dP, T, n);
    dOwn.put(dP, 0, T * n);
    gemm.multiply(true, false, n, d, T, scale, dOwn, n, k, 3 * H, 0, dq, apart);
    gemm.multiply(false, false, T, d, n, scale, dOwn, n, q, 3 * H, summed, dk, apart);
  }

  /** Adds a bias to each row of a (T·B, width); masked rows become zero. */
  private void addBias(FloatPointer matrix, int width, FloatPointer bias) {
    float[] added = new float[width];
    bias.get(added);
    int atOnce = RowBlocks.rows(width);
    for (int from = 0; from < T * B; from += atOnce) {
      int n = Math.min(atOnce, T * B - from);
      matrix.position((long) from * width).get(block, 0, n * width);
      addBias(from, n, added, width);
      matrix.put(block, 0, n * width);
    }
    matrix.position(0);
  }

  /** The same of the rows in the block. */
  private void addBias(int from, int n, float[] added, int width) {
    for (int r = 0; r < n; r++) {
      if (isReal(from + r)) {
        for (int j = 0; j < width; j++) {
          block[r * width + j] += added[j];
        }
      } else {
        Arrays.fill(block, r * width, (r + 1) * width, 0);
      }
    }
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

  /** Time steps whose scores are made at once. */
  private int tileSteps() {
    return Math.max(1, Math.min(T, TILE / T));
  }

  /** Row t of q (0), k (1) or v (2). */
  private long qkvAt(int b, int head, int part, int t) {
    return ((long) b * T + t) * 3 * H + (long) part * H + (long) head * d;
  }

  /** Row t of dq, dk or dv. */
  private long dQkvAt(int b, int head, int part, int t) {
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
    int size = tileSteps() * T;
    tile.atLeast(size);
    dTile.atLeast(size);
    if (P.length < size) {
      P = new float[size];
      dP = new float[size];
    }
  }
}
