package io.sluice.recurrent.head;

import io.sluice.recurrent.pass.TrainingPass;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.AbstractLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Runs {@link TimePooling}: one pass over blocks of rows, all sums in float64.
 *
 * <p>NaN at a real step makes that sequence's output NaN, the maximum too.
 */
final class TimePoolingLayer extends AbstractLayer<TimePooling> {
  private static final long serialVersionUID = 1L;

  private final transient Series inputs = new Series();
  private transient int T;
  private transient int B;
  private transient int H;
  private transient boolean[] mask;

  /** (B): real steps of each row. */
  private transient int[] count;

  /** (B·H): time step of the maximum. */
  private transient int[] place;

  // a block of rows; floats in a float network only
  private transient double[] rows;
  private transient float[] floats;

  TimePoolingLayer(NeuralNetConfiguration conf, DataType dataType) {
    super(conf, dataType);
  }

  @Override
  public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
    assertInputSet(false);
    Series.requireSeries(name(), input);
    applyDropOutIfNecessary(training, workspaces);
    B = Math.toIntExact(input.size(0));
    H = Math.toIntExact(input.size(1));
    T = Math.toIntExact(input.size(2));
    mask = Series.mask(name(), maskArray, T, B);
    rows = new double[RowBlocks.rows(H) * H];
    floats = dataType == DataType.DOUBLE ? null : new float[rows.length];
    count = new int[B];
    place = layerConf().getKind() == TimePooling.Kind.MAX ? new int[B * H] : null;
    INDArray y =
        workspaces.createUninitialized(ArrayType.ACTIVATIONS, dataType, new long[] {B, H}, 'c');
    double[] pooled = pool(Series.memory(inputs.rows(input, dataType)));
    y.assign(Nd4j.createFromArray(pooled).reshape(B, H));
    return y;
  }

  private double[] pool(Pointer x) {
    double[] pooled = new double[B * H];
    int atOnce = RowBlocks.rows(H);
    for (int from = 0; from < T * B; from += atOnce) {
      int n = Math.min(atOnce, T * B - from);
      read(x, from, n);
      for (int r = 0; r < n; r++) {
        int b = (from + r) % B;
        if (mask == null || mask[from + r]) {
          count[b]++;
          if (place == null) {
            add(r * H, b * H, pooled);
          } else {
            largest(r * H, (from + r) / B, b, pooled);
          }
        }
      }
    }
    for (int k = 0; place == null && k < B * H; k++) {
      pooled[k] /= Math.max(1, count[k / H]);
    }
    return pooled;
  }

  private void add(int row, int target, double[] pooled) {
    for (int j = 0; j < H; j++) {
      pooled[target + j] += rows[row + j];
    }
  }

  private void largest(int row, int t, int b, double[] pooled) {
    int target = b * H;
    for (int j = 0; j < H; j++) {
      double value = rows[row + j];
      // NaN is larger than all: nothing replaces it
      if (count[b] == 1 || value > pooled[target + j] || Double.isNaN(value)) {
        pooled[target + j] = value;
        place[target + j] = t;
      }
    }
  }

  @Override
  public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
    TrainingPass.backwardBegins(index);
    INDArray dx =
        workspaces.createUninitialized(
            ArrayType.ACTIVATION_GRAD, dataType, new long[] {T, B, H}, 'c');
    double[] arriving = epsilon.castTo(DataType.DOUBLE).dup('c').data().asDouble();
    int atOnce = RowBlocks.rows(H);
    for (int from = 0; from < T * B; from += atOnce) {
      int n = Math.min(atOnce, T * B - from);
      for (int r = 0; r < n; r++) {
        boolean isReal = mask == null || mask[from + r];
        int t = (from + r) / B;
        int b = (from + r) % B;
        for (int j = 0; j < H; j++) {
          double all = arriving[b * H + j];
          double share = place == null ? all / count[b] : place[b * H + j] == t ? all : 0;
          rows[r * H + j] = isReal ? share : 0;
        }
      }
      write(Series.memory(dx), from, n);
    }
    return Pair.of(new DefaultGradient(), backpropDropOutIfPresent(Series.view(dx)));
  }

  /** Rows [from, from + n) of memory (T·B, H). */
  private void read(Pointer memory, int from, int n) {
    long start = (long) from * H;
    if (floats == null) {
      new DoublePointer(memory).position(start).get(rows, 0, n * H);
      return;
    }
    new FloatPointer(memory).position(start).get(floats, 0, n * H);
    for (int k = 0; k < n * H; k++) {
      rows[k] = floats[k];
    }
  }

  private void write(Pointer memory, int from, int n) {
    long start = (long) from * H;
    if (floats == null) {
      new DoublePointer(memory).position(start).put(rows, 0, n * H);
      return;
    }
    for (int k = 0; k < n * H; k++) {
      floats[k] = (float) rows[k];
    }
    new FloatPointer(memory).position(start).put(floats, 0, n * H);
  }

  private String name() {
    String name = layerConf().getLayerName();
    return name == null ? Integer.toString(index) : name;
  }

  @Override
  public boolean isPretrainLayer() {
    return false;
  }

  @Override
  public void clearNoiseWeightParams() {
    // has none
  }

  /** The mask ends here: what comes out has no time. */
  @Override
  public Pair<INDArray, MaskState> feedForwardMaskArray(
      INDArray mask, MaskState state, int batchSize) {
    setMaskArray(mask);
    return Pair.of(null, state);
  }
}
