package io.sluice.recurrent.head;

import io.sluice.recurrent.kernel.Gemm;
import io.sluice.recurrent.kernel.MatrixProducts;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * {@link AdaptiveSoftmax} in float32: one {@link FloatVocabularyKernel} over the head's classes for
 * all rows, then one a cluster for the rows whose id is in it.
 *
 * <pre>{@code
 * nll = −ln p(headClass(id) | head)
 * for each cluster c, its n rows gathered
 *   y   = x·Pᶜᵀ                    (n, Hᶜ)
 *   nll += −ln p(id − nᶜ | c)      softmax over Wᶜ·y, with dy and dWᶜ
 *   dx  += dy·Pᶜ, dPᶜ = dyᵀ·x
 * }</pre>
 *
 * <p><b>Memory.</b> One block of logits for head and clusters, as large as the largest of them
 * needs ({@link FloatVocabularyKernel}), and what is gathered: twice (n, H + Hᶜ) of the cluster
 * with the most rows.
 *
 * <p><b>Accuracy.</b> As the kernels that it is made of, within 1e-5 of {@link
 * ReferenceAdaptiveKernel} (times 1 + magnitude) for |z| ≤ 10.
 *
 * <p>Checked by {@code AdaptiveKernelsTest}; timed by {@code VocabularyBenchmark}.
 */
final class FloatAdaptiveKernel implements VocabularyKernel {
  private final AdaptiveShape shape;
  private final MatrixProducts products;
  private final int H;
  private final FloatVocabularyKernel head;
  private final FloatVocabularyKernel[] words;
  private final FloatBlock logits = new FloatBlock();
  private final FloatBlock gathered = new FloatBlock();
  private final FloatBlock dGathered = new FloatBlock();
  private final FloatBlock projected = new FloatBlock();
  private final FloatBlock dProjected = new FloatBlock();

  FloatAdaptiveKernel(AdaptiveShape shape, MatrixProducts products) {
    this.shape = shape;
    this.products = products;
    this.H = shape.H();
    this.head =
        new FloatVocabularyKernel(shape.headClasses(), H, shape.hasBias(), products, logits);
    this.words = new FloatVocabularyKernel[shape.clusters()];
    for (int c = 0; c < words.length; c++) {
      words[c] =
          new FloatVocabularyKernel(shape.words(c), shape.inputs()[c], false, products, logits);
    }
  }

  /** Numbers that the blocks hold. */
  long ownedNumbers() {
    return head.ownedNumbers()
        + gathered.size()
        + dGathered.size()
        + projected.size()
        + dProjected.size();
  }

  /** What it holds at most while it trains on so many rows, in bytes. */
  static long trainingBytes(AdaptiveShape shape, boolean isBf16, long rows) {
    int H = shape.H();
    long most = FloatVocabularyKernel.trainingBytes(shape.headClasses(), H, isBf16, rows);
    int widest = 0;
    for (int c = 0; c < shape.clusters(); c++) {
      int inputs = shape.inputs()[c];
      widest = Math.max(widest, inputs);
      most =
          Math.max(most, FloatVocabularyKernel.trainingBytes(shape.words(c), inputs, isBf16, rows));
    }
    return most + Float.BYTES * 2 * rows * (H + widest);
  }

  @Override
  public long nativeBytes() {
    return Float.BYTES * ownedNumbers() + products.nativeBytes();
  }

  @Override
  public void close() {
    for (FloatVocabularyKernel cluster : words) {
      cluster.closeRows();
    }
    for (FloatBlock block : List.of(gathered, dGathered, projected, dProjected)) {
      block.close();
    }
    head.close(); // the logits and products that all share
  }

  @Override
  public void losses(int[] ids, VocabularyMemory parameters, Pointer x, double[] nll) {
    head.losses(headClasses(ids), head(parameters), x, nll);
    for (int c = 0; c < words.length; c++) {
      new Cluster(c, ids).losses(parameters, x, nll);
    }
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
    head.gradients(headClasses(ids), factors, head(parameters), x, nll, dx, head(dParameters));
    for (int c = 0; c < words.length; c++) {
      new Cluster(c, ids).gradients(factors, parameters, x, nll, dx, dParameters);
    }
  }

  private int[] headClasses(int[] ids) {
    return Arrays.stream(ids).map(shape::headClass).toArray();
  }

  private VocabularyMemory head(VocabularyMemory parameters) {
    return VocabularyMemory.together(
        parameters.W(), (long) shape.headClasses() * H, shape.hasBias(), Float.BYTES);
  }

  private FloatPointer projection(VocabularyMemory parameters, int cluster) {
    return Addresses.at(new FloatPointer(parameters.W()), shape.projection(cluster));
  }

  private VocabularyMemory words(VocabularyMemory parameters, int cluster) {
    return new VocabularyMemory(
        Addresses.at(new FloatPointer(parameters.W()), shape.weights(cluster)), null);
  }

  /** One cluster's rows of a batch. */
  private final class Cluster {
    private final int cluster;
    private final int[] rows;
    private final int[] places;
    private final double[] nll;
    private final int n;
    private final int inputs;

    Cluster(int cluster, int[] ids) {
      this.cluster = cluster;
      this.rows =
          IntStream.range(0, ids.length).filter(r -> shape.cluster(ids[r]) == cluster).toArray();
      this.places = Arrays.stream(rows).map(r -> ids[r] - shape.begins()[cluster]).toArray();
      this.n = rows.length;
      this.nll = new double[n];
      this.inputs = shape.inputs()[cluster];
    }

    void losses(VocabularyMemory parameters, Pointer x, double[] all) {
      if (n > 0) {
        FloatPointer X = gatheredRows(x, gathered);
        FloatPointer y = project(X, parameters);
        words[cluster].losses(places, words(parameters, cluster), y, nll);
        add(all);
      }
    }

    void gradients(
        double[] factors,
        VocabularyMemory parameters,
        Pointer x,
        double[] all,
        Pointer dx,
        VocabularyMemory dParameters) {
      FloatPointer dProjection = projection(dParameters, cluster);
      if (n == 0) {
        Pointer.memset(dProjection, 0, (long) inputs * (H + shape.words(cluster)) * Float.BYTES);
        return;
      }
      FloatPointer X = gatheredRows(x, gathered);
      FloatPointer y = project(X, parameters);
      FloatPointer dy = dProjected.atLeast((long) n * inputs);
      double[] own = Arrays.stream(rows).mapToDouble(r -> factors[r]).toArray();
      words[cluster].gradients(
          places, own, words(parameters, cluster), y, nll, dy, words(dParameters, cluster));
      add(all);
      FloatPointer dX = gatheredRows(dx, dGathered);
      FloatPointer P = projection(parameters, cluster);
      products.multiply(false, false, n, H, inputs, dy, P, 1, dX);
      products.multiply(true, false, inputs, H, n, dy, X, 0, dProjection);
      FloatRows.scatter(dX, rows, 0, n, H, new FloatPointer(dx));
    }

    private FloatPointer gatheredRows(Pointer from, FloatBlock to) {
      return FloatRows.gather(new FloatPointer(from), rows, 0, n, H, to.atLeast((long) n * H));
    }

    private FloatPointer project(FloatPointer X, VocabularyMemory parameters) {
      FloatPointer y = projected.atLeast((long) n * inputs);
      products.multiply(false, true, n, inputs, H, X, projection(parameters, cluster), 0, y);
      return y;
    }

    private void add(double[] all) {
      for (int r = 0; r < n; r++) {
        all[rows[r]] += nll[r];
      }
    }
  }

  /** A block of rows at a time: the head's classes, and each cluster's words where they belong. */
  @Override
  public void probabilities(
      int R, boolean[] mask, VocabularyMemory parameters, Pointer x, Pointer p) {
    int most = head.chunk(R);
    float[] ofClusters = new float[most * words.length];
    for (int start = 0; start < R; start += most) {
      int m = Math.min(most, R - start);
      FloatPointer X = Addresses.at(new FloatPointer(x), (long) start * H);
      FloatPointer block = Addresses.at(new FloatPointer(p), (long) start * shape.V());
      head.probabilities(
          m, null, head(parameters), X, logits.atLeast(most * (long) shape.headClasses()));
      readHead(m, block, ofClusters);
      for (int c = 0; c < words.length; c++) {
        ofCluster(c, m, parameters, X, ofClusters, block);
      }
      zeroMasked(mask, start, m, block);
    }
  }

  /** The shortlist's probabilities go where they belong, the clusters' are kept. */
  private void readHead(int m, FloatPointer block, float[] ofClusters) {
    FloatPointer classes = logits.memory();
    float[] row = new float[shape.headClasses()];
    for (int r = 0; r < m; r++) {
      classes.position((long) r * row.length).get(row);
      block.position((long) r * shape.V()).put(row, 0, shape.shortlist());
      System.arraycopy(row, shape.shortlist(), ofClusters, r * words.length, words.length);
    }
    classes.position(0);
    block.position(0);
  }

  private void ofCluster(
      int c,
      int m,
      VocabularyMemory parameters,
      FloatPointer X,
      float[] ofClusters,
      FloatPointer block) {
    int n = shape.words(c);
    int inputs = shape.inputs()[c];
    FloatPointer y = projected.atLeast((long) m * inputs);
    products.multiply(false, true, m, inputs, H, X, projection(parameters, c), 0, y);
    FloatPointer W = new FloatPointer(words(parameters, c).W());
    FloatPointer target = Addresses.at(block, shape.begins()[c]);
    Gemm.here().multiply(false, true, m, n, inputs, 1, y, inputs, W, inputs, 0, target, shape.V());
    words[c].softmax(m, target, shape.V(), ofClusters, c, words.length);
  }

  private void zeroMasked(boolean[] mask, int start, int m, FloatPointer block) {
    for (int r = 0; mask != null && r < m; r++) {
      if (!mask[start + r]) {
        Pointer.memset(
            Addresses.at(block, (long) r * shape.V()), 0, (long) shape.V() * Float.BYTES);
      }
    }
  }
}
