package io.sluice.recurrent.head;

import io.sluice.recurrent.pass.TrainingPass;
import java.util.Arrays;
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

  /** (B): real steps of each row, the first and the last of them. */
  private transient int[] count;

  private transient int[] first;
  private transient int[] last;

  /** (B·H): time step of the maximum; null without one. */
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
    first = new int[B];
    last = new int[B];
    place = at(TimePooling.Kind.MAX) < 0 ? null : new int[B * H];
    INDArray y =
        workspaces.createUninitialized(
            ArrayType.ACTIVATIONS, dataType, new long[] {B, outputs()}, 'c');
    double[] pooled = pool(Series.memory(inputs.rows(input, dataType)));
    y.assign(Nd4j.createFromArray(pooled).reshape(B, outputs()));
    return y;
  }

  /** Of a row. */
  private int outputs() {
    return layerConf().parts() * H;
  }

  /** Where the mean or the maximum begins in a row's outputs; −1 is nowhere. */
  private int at(TimePooling.Kind part) {
    TimePooling.Kind kind = layerConf().getKind();
    if (kind == TimePooling.Kind.CONCAT) {
      return part == TimePooling.Kind.MAX ? H : 2 * H;
    }
    return part == kind ? 0 : -1;
  }

  private boolean hasLast() {
    return layerConf().getKind() == TimePooling.Kind.CONCAT;
  }

  /** Of inputs [0, H) those whose last step is the last; that of the others is the first. */
  private int forwardInputs() {
    return layerConf().isBothDirections() ? H / 2 : H;
  }

  private double[] pool(Pointer x) {
    double[] pooled = new double[B * outputs()];
    int mean = at(TimePooling.Kind.MEAN);
    int atOnce = RowBlocks.rows(H);
    for (int from = 0; from < T * B; from += atOnce) {
      int n = Math.min(atOnce, T * B - from);
      read(x, from, n);
      for (int r = 0; r < n; r++) {
        if (mask == null || mask[from + r]) {
          take(r * H, (from + r) / B, (from + r) % B, pooled);
        }
      }
    }
    for (int b = 0; mean >= 0 && b < B; b++) {
      int target = b * outputs() + mean;
      for (int j = target; j < target + H; j++) {
        pooled[j] /= Math.max(1, count[b]);
      }
    }
    return pooled;
  }

  /** A real step of a row. */
  private void take(int row, int t, int b, double[] pooled) {
    int target = b * outputs();
    boolean isFirst = count[b]++ == 0;
    last[b] = t;
    if (isFirst) {
      first[b] = t;
    }
    if (at(TimePooling.Kind.MEAN) >= 0) {
      add(row, target + at(TimePooling.Kind.MEAN), pooled);
    }
    if (place != null) {
      largest(row, t, b, isFirst, target + at(TimePooling.Kind.MAX), pooled);
    }
    if (hasLast()) {
      int forward = forwardInputs();
      System.arraycopy(rows, row, pooled, target, isFirst ? H : forward);
    }
  }

  private void add(int row, int target, double[] pooled) {
    for (int j = 0; j < H; j++) {
      pooled[target + j] += rows[row + j];
    }
  }

  private void largest(int row, int t, int b, boolean isFirst, int target, double[] pooled) {
    for (int j = 0; j < H; j++) {
      double value = rows[row + j];
      // NaN is larger than all: nothing replaces it
      if (isFirst || value > pooled[target + j] || Double.isNaN(value)) {
        pooled[target + j] = value;
        place[b * H + j] = t;
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
        Arrays.fill(rows, r * H, (r + 1) * H, 0);
        if (mask == null || mask[from + r]) {
          give(r * H, (from + r) / B, (from + r) % B, arriving);
        }
      }
      write(Series.memory(dx), from, n);
    }
    return Pair.of(new DefaultGradient(), backpropDropOutIfPresent(Series.view(dx)));
  }

  /** To a real step of a row, whose gradient is zeros. */
  private void give(int row, int t, int b, double[] arriving) {
    int source = b * outputs();
    int mean = at(TimePooling.Kind.MEAN);
    for (int j = 0; mean >= 0 && j < H; j++) {
      rows[row + j] += arriving[source + mean + j] / count[b];
    }
    for (int j = 0; place != null && j < H; j++) {
      rows[row + j] += place[b * H + j] == t ? arriving[source + at(TimePooling.Kind.MAX) + j] : 0;
    }
    for (int j = 0; hasLast() && j < H; j++) {
      rows[row + j] += t == (j < forwardInputs() ? last[b] : first[b]) ? arriving[source + j] : 0;
    }
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
