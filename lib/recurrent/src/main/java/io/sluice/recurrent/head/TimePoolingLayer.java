package io.sluice.recurrent.head;

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

/**
 * Runs {@link TimePooling}: one pass over the time steps, all sums in float64.
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

  private transient float[] floats = {};

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
    Pointer x = Series.memory(inputs.rows(input, dataType));
    count = new int[B];
    double[] pooled = new double[B * H];
    double[] step = new double[B * H];
    boolean isMean = layerConf().getKind() == TimePooling.Kind.MEAN;
    place = isMean ? null : new int[B * H];
    for (int t = 0; t < T; t++) {
      read(x, t, step);
      for (int b = 0; b < B; b++) {
        if (mask == null || mask[t * B + b]) {
          count[b]++;
          if (isMean) {
            add(step, b, pooled);
          } else {
            largest(step, t, b, pooled);
          }
        }
      }
    }
    for (int b = 0; isMean && b < B; b++) {
      for (int j = b * H; j < (b + 1) * H; j++) {
        pooled[j] /= Math.max(1, count[b]);
      }
    }
    INDArray y =
        workspaces.createUninitialized(ArrayType.ACTIVATIONS, dataType, new long[] {B, H}, 'c');
    write(pooled, Series.memory(y), 0);
    return y;
  }

  private void add(double[] step, int b, double[] pooled) {
    for (int j = b * H; j < (b + 1) * H; j++) {
      pooled[j] += step[j];
    }
  }

  private void largest(double[] step, int t, int b, double[] pooled) {
    for (int j = b * H; j < (b + 1) * H; j++) {
      // NaN is larger than all: nothing replaces it
      if (count[b] == 1 || step[j] > pooled[j] || Double.isNaN(step[j])) {
        pooled[j] = step[j];
        place[j] = t;
      }
    }
  }

  @Override
  public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
    INDArray dx =
        workspaces.createUninitialized(
            ArrayType.ACTIVATION_GRAD, dataType, new long[] {T, B, H}, 'c');
    double[] arriving = new double[B * H];
    read(Series.memory(epsilon.castTo(dataType).dup('c')), 0, arriving);
    double[] step = new double[B * H];
    for (int t = 0; t < T; t++) {
      for (int b = 0; b < B; b++) {
        boolean isReal = mask == null || mask[t * B + b];
        for (int j = b * H; j < (b + 1) * H; j++) {
          double share = place == null ? arriving[j] / count[b] : place[j] == t ? arriving[j] : 0;
          step[j] = isReal ? share : 0;
        }
      }
      write(step, Series.memory(dx), t);
    }
    return Pair.of(new DefaultGradient(), backpropDropOutIfPresent(Series.view(dx)));
  }

  /** The numbers of a time step. */
  private void read(Pointer memory, int t, double[] step) {
    long start = (long) t * step.length;
    if (dataType == DataType.DOUBLE) {
      new DoublePointer(memory).position(start).get(step);
      return;
    }
    float[] values = floats(step.length);
    new FloatPointer(memory).position(start).get(values);
    for (int k = 0; k < step.length; k++) {
      step[k] = values[k];
    }
  }

  private void write(double[] step, Pointer memory, int t) {
    long start = (long) t * step.length;
    if (dataType == DataType.DOUBLE) {
      new DoublePointer(memory).position(start).put(step);
      return;
    }
    float[] values = floats(step.length);
    for (int k = 0; k < step.length; k++) {
      values[k] = (float) step[k];
    }
    new FloatPointer(memory).position(start).put(values);
  }

  private float[] floats(int length) {
    if (floats.length != length) {
      floats = new float[length];
    }
    return floats;
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
