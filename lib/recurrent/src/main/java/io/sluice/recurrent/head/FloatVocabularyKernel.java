package io.sluice.recurrent.head;

import io.sluice.recurrent.kernel.MatrixProducts;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * {@link VocabularyKernel} in float32. Training goes through the rows in chunks, so that the logits
 * of all rows are never in memory:
 *
 * <pre>{@code
 * for each chunk of m rows
 *   z   = x·Wᵀ                                product
 *   nll = ln Σ exp(z + bias) − (z + bias)[id]
 *   dz  = factor·(softmax − onehot)           one pass over each row, in place of z
 *   dx  = dz·W, dW += dzᵀ·x, dbias += Σ dz    products
 * }</pre>
 *
 * <p><b>Memory.</b> One block of logits, (m, V) with m·V·4 ≤ {@value #CHUNK_BYTES} bytes or m =
 * {@value #LEAST_ROWS} where that is more: each chunk reads all of W and reads and writes all of
 * dW, and oneDNN's sgemm by Wᵀ does 109 GFLOP/s with 700 rows, 86 with 350 (V = 10,000, H = 650).
 * 64 rows are less than W itself where H is above 64. Kept for the next batch, as are two (m, H)
 * blocks where rows are left out. Probabilities are computed in the memory that they go to.
 *
 * <p><b>Rows left out</b> are not computed: the others of a chunk are gathered.
 *
 * <p><b>Accuracy.</b> Products, exponentials and their sums in float32, what is left in float64:
 * within 1e-5 of {@link ReferenceVocabularyKernel} (times 1 + magnitude) for |z| ≤ 10. Over
 * products in bfloat16 x, W and dz are rounded to it as their factors. The logarithm is not
 * clipped.
 *
 * <p>Checked by {@code VocabularyKernelsTest}.
 */
final class FloatVocabularyKernel implements VocabularyKernel {
  static final int CHUNK_BYTES = 32 << 20;
  static final int LEAST_ROWS = 64;

  private final int V;
  private final int H;
  private final boolean hasBias;
  private final MatrixProducts products;
  private final FloatSoftmax softmax = new FloatSoftmax();
  private final float[] bias;
  private final float[] dBias;
  private final float[] row;
  private final float[] maxAndSum = new float[2];
  private final FloatBlock logits;
  private final FloatBlock gathered = new FloatBlock();
  private final FloatBlock dGathered = new FloatBlock();

  FloatVocabularyKernel(int V, int H, boolean hasBias, MatrixProducts products) {
    this(V, H, hasBias, products, new FloatBlock());
  }

  /**
   * @param products its way to multiply
   * @param logits memory that others use too, one after the other
   */
  FloatVocabularyKernel(int V, int H, boolean hasBias, MatrixProducts products, FloatBlock logits) {
    this.products = products;
    this.logits = logits;
    this.V = V;
    this.H = H;
    this.hasBias = hasBias;
    this.bias = new float[hasBias ? V : 0];
    this.dBias = new float[hasBias ? V : 0];
    this.row = new float[V];
  }

  /** Rows of a chunk. */
  int chunk(int rows) {
    return (int) chunk(V, rows);
  }

  private static long chunk(int V, long rows) {
    return Math.min(rows, Math.max(LEAST_ROWS, CHUNK_BYTES / (Float.BYTES * (long) V)));
  }

  /**
   * What it holds while it trains on so many rows, none of them left out, in bytes: logits, and in
   * bfloat16 the weights, logits and inputs that products read.
   */
  static long trainingBytes(int V, int H, boolean isBf16, long rows) {
    long m = chunk(V, rows);
    long rounded = isBf16 ? Short.BYTES * ((long) V * H + m * V + 2 * m * H) : 0;
    return Float.BYTES * m * V + rounded;
  }

  /** Numbers that the blocks hold. */
  long ownedNumbers() {
    return logits.size() + gathered.size() + dGathered.size();
  }

  @Override
  public long nativeBytes() {
    return Float.BYTES * ownedNumbers() + products.nativeBytes();
  }

  @Override
  public void close() {
    closeRows();
    logits.close();
    products.close();
  }

  /** Frees what it shares with no other kernel. */
  void closeRows() {
    gathered.close();
    dGathered.close();
  }

  @Override
  public void losses(int[] ids, VocabularyMemory parameters, Pointer x, double[] nll) {
    run(ids, null, parameters, x, nll, null, null);
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
    run(ids, factors, parameters, x, nll, new FloatPointer(dx), dParameters);
  }

  /**
   * @param factors null where only the losses are wanted, and {@code dx} and {@code dParameters}
   *     with it
   */
  private void run(
      int[] ids,
      double[] factors,
      VocabularyMemory parameters,
      Pointer x,
      double[] nll,
      FloatPointer dx,
      VocabularyMemory dParameters) {
    FloatPointer dW = factors == null ? null : new FloatPointer(dParameters.W());
    Arrays.fill(nll, 0, ids.length, 0);
    int[] rows = rows(ids);
    int n = rows.length;
    if (factors != null) {
      Arrays.fill(dBias, 0);
      if (n < ids.length) {
        zero(dx, (long) ids.length * H);
      }
      if (n == 0) {
        zero(dW, (long) V * H);
      }
    }
    FloatPointer W = weights(parameters);
    FloatPointer steps = new FloatPointer(x);
    int most = chunk(n);
    try (MatrixProducts.Held ignored = products.hold(W, (long) V * H)) {
      for (int start = 0; start < n; start += most) {
        int m = Math.min(most, n - start);
        boolean together = rows[start + m - 1] - rows[start] == m - 1;
        FloatPointer X =
            together
                ? Addresses.at(steps, (long) rows[start] * H)
                : FloatRows.gather(steps, rows, start, m, H, gathered.atLeast((long) most * H));
        FloatPointer Z = logits.atLeast((long) most * V);
        products.multiply(false, true, m, V, H, X, W, 0, Z);
        for (int r = 0; r < m; r++) {
          int k = rows[start + r];
          Z.position((long) r * V).get(row, 0, V);
          nll[k] = exponentials(ids[k]);
          if (factors != null) {
            differences(ids[k], (float) factors[k]);
            Z.put(row, 0, V);
          }
        }
        Z.position(0);
        if (factors != null) {
          FloatPointer dX =
              together
                  ? Addresses.at(dx, (long) rows[start] * H)
                  : dGathered.atLeast((long) most * H);
          back(m, Z, W, X, dX, start == 0 ? 0 : 1, dW);
          if (!together) {
            FloatRows.scatter(dX, rows, start, m, H, dx);
          }
        }
      }
    }
    if (factors != null && hasBias) {
      new FloatPointer(dParameters.bias()).put(dBias, 0, V);
    }
  }

  /** From the gradients of m rows of logits to those of inputs and weights. */
  private void back(
      int m,
      FloatPointer Z,
      FloatPointer W,
      FloatPointer X,
      FloatPointer dX,
      float beta,
      FloatPointer dW) {
    try (MatrixProducts.Held ignored = products.hold(Z, (long) m * V)) {
      products.multiply(false, false, m, H, V, Z, W, 0, dX);
      products.multiply(true, false, V, H, m, Z, X, beta, dW);
    }
  }

  /** row = exp(row + bias − maximum); returns −ln of a class's probability. */
  private double exponentials(int id) {
    addBias();
    double logit = row[id];
    softmax.exponentials(row, V, maxAndSum);
    return Math.log(maxAndSum[1]) + (maxAndSum[0] - logit);
  }

  private void addBias() {
    for (int v = 0; v < bias.length; v++) {
      row[v] += bias[v];
    }
  }

  /** row = factor·(softmax − onehot), and adds it to the bias's gradient. */
  private void differences(int id, float factor) {
    FloatSoftmax.weigh(row, V, factor / maxAndSum[1]);
    row[id] -= factor;
    for (int v = 0; v < dBias.length; v++) {
      dBias[v] += row[v];
    }
  }

  @Override
  public void probabilities(
      int R, boolean[] mask, VocabularyMemory parameters, Pointer x, Pointer p) {
    FloatPointer Z = new FloatPointer(p);
    products.multiply(false, true, R, V, H, new FloatPointer(x), weights(parameters), 0, Z);
    for (int r = 0; r < R; r++) {
      Z.position((long) r * V);
      if (mask == null || mask[r]) {
        Z.get(row, 0, V);
        addBias();
        softmax.exponentials(row, V, maxAndSum);
        FloatSoftmax.weigh(row, V, 1 / maxAndSum[1]);
      } else {
        Arrays.fill(row, 0);
      }
      Z.put(row, 0, V);
    }
  }

  /**
   * Rows of logits without a bias become their softmax times a factor.
   *
   * @param Z (m, V), rows {@code stride} numbers apart
   * @param factors that of row r at {@code first + r·each}
   */
  void softmax(int m, FloatPointer Z, long stride, float[] factors, int first, int each) {
    for (int r = 0; r < m; r++) {
      Z.position(r * stride).get(row, 0, V);
      softmax.exponentials(row, V, maxAndSum);
      FloatSoftmax.weigh(row, V, factors[first + r * each] / maxAndSum[1]);
      Z.put(row, 0, V);
    }
  }

  /** W; reads the bias. */
  private FloatPointer weights(VocabularyMemory parameters) {
    if (hasBias) {
      new FloatPointer(parameters.bias()).get(bias, 0, V);
    }
    return new FloatPointer(parameters.W());
  }

  /** Rows that are not left out. */
  private static int[] rows(int[] ids) {
    return IntStream.range(0, ids.length).filter(r -> ids[r] >= 0).toArray();
  }

  private static void zero(FloatPointer memory, long numbers) {
    Pointer.memset(memory, 0, numbers * Float.BYTES);
  }
}
