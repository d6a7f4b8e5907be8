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

/**
 * Runs {@link ActivationRegularization}: time step by time step, sums in float64.
 *
 * <p>DL4J adds what layers answer to {@code calcRegularizationScore} to the mean loss; it asks once
 * after each pass.
 */
final class ActivationRegularizationLayer extends AbstractLayer<ActivationRegularization> {
  private static final long serialVersionUID = 1L;

  private final transient Series raw = new Series();
  private final transient Series dropped = new Series();
  private final transient Series arriving = new Series();

  /** Of the last pass in training: h and y, (T, B, H). */
  private transient INDArray h;

  private transient INDArray y;
  private transient boolean[] mask;

  /** (B): what an example's squares, and those of its differences, are multiplied by. */
  private transient double[] activationFactors;

  private transient double[] temporalFactors;

  /** Mean over examples; 0 once it was asked for. */
  private transient double penalty;

  private transient float[] floats = new float[0];

  ActivationRegularizationLayer(NeuralNetConfiguration conf, DataType dataType) {
    super(conf, dataType);
  }

  /** What comes in is looked at again on the way back. */
  @Override
  public void allowInputModification(boolean allow) {
    // never
  }

  @Override
  public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
    assertInputSet(false);
    Series.requireSeries(name(), input);
    INDArray in = raw.rows(input, dataType);
    applyDropOutIfNecessary(training, workspaces);
    INDArray out = workspaces.createUninitialized(ArrayType.ACTIVATIONS, dataType, in.shape(), 'c');
    INDArray kept = dropped.rows(input, dataType);
    Pointer.memcpy(Series.memory(out), Series.memory(kept), out.length() * dataType.width());
    penalty = 0;
    if (training) {
      h = in;
      y = out;
      mask = Series.mask(name(), maskArray, steps(), examples());
      activationFactors = factors(layerConf().getAlpha(), 0);
      temporalFactors = factors(layerConf().getBeta(), 1);
      penalty = sum() / examples();
    }
    return Series.view(out);
  }

  private int steps() {
    return Math.toIntExact(h.size(0));
  }

  private int examples() {
    return Math.toIntExact(h.size(1));
  }

  /** B·H. */
  private int rowNumbers() {
    return Math.toIntExact(h.size(1) * h.size(2));
  }

  /**
   * @param weight of a mean over the steps of an example
   * @param lag 1 counts those only whose step before is real too
   */
  private double[] factors(double weight, int lag) {
    var factors = new double[examples()];
    for (int b = 0; b < factors.length; b++) {
      int count = 0;
      for (int t = 0; t < steps(); t++) {
        count += isReal(t, b) && isReal(t - lag, b) ? 1 : 0;
      }
      factors[b] = count == 0 ? 0 : weight / ((double) h.size(2) * count);
    }
    return factors;
  }

  private boolean isReal(int t, int b) {
    return t >= 0 && t < steps() && (mask == null || mask[t * examples() + b]);
  }

  /** Over all examples. */
  private double sum() {
    int n = rowNumbers();
    double[] now = new double[n];
    double[] before = new double[n];
    double sum = 0;
    for (int t = 0; t < steps(); t++) {
      read(y, t, now);
      sum += squares(t, now, null, activationFactors);
      read(h, t, now);
      if (t > 0) {
        sum += squares(t, now, before, temporalFactors);
      }
      double[] spare = before;
      before = now;
      now = spare;
    }
    return sum;
  }

  /** Of the real examples' numbers, less those of the step before if there is one. */
  private double squares(int t, double[] now, double[] before, double[] factors) {
    int H = now.length / examples();
    double sum = 0;
    for (int b = 0; b < examples(); b++) {
      if (isReal(t, b) && (before == null || isReal(t - 1, b))) {
        double own = 0;
        for (int k = b * H; k < (b + 1) * H; k++) {
          double value = before == null ? now[k] : now[k] - before[k];
          own += value * value;
        }
        sum += factors[b] * own;
      }
    }
    return sum;
  }

  @Override
  public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
    TrainingPass.backwardBegins(index);
    INDArray dx =
        workspaces.createUninitialized(ArrayType.ACTIVATION_GRAD, dataType, h.shape(), 'c');
    INDArray dy = arriving.rows(epsilon, dataType);
    double[] row = new double[rowNumbers()];
    double[] values = new double[row.length];
    for (int t = 0; t < steps(); t++) {
      read(dy, t, row);
      read(y, t, values);
      addReal(t, values, row);
      write(dx, t, row);
    }
    backpropDropOutIfPresent(Series.view(dx));
    if (layerConf().getBeta() > 0) {
      addTemporal(dx, row, values);
    }
    h = null;
    y = null;
    return Pair.of(new DefaultGradient(), Series.view(dx));
  }

  private void addReal(int t, double[] values, double[] row) {
    int H = row.length / examples();
    for (int b = 0; b < examples(); b++) {
      double factor = 2 * activationFactors[b];
      for (int k = b * H; isReal(t, b) && k < (b + 1) * H; k++) {
        row[k] += factor * values[k];
      }
    }
  }

  /** dx[t] += 2β'·((h[t] − h[t−1]) − (h[t+1] − h[t])), of the differences between real steps. */
  private void addTemporal(INDArray dx, double[] row, double[] now) {
    double[] before = new double[row.length];
    double[] after = new double[row.length];
    int H = row.length / examples();
    read(h, 0, now);
    for (int t = 0; t < steps(); t++) {
      if (t + 1 < steps()) {
        read(h, t + 1, after);
      }
      read(dx, t, row);
      for (int b = 0; b < examples(); b++) {
        double factor = 2 * temporalFactors[b];
        boolean hasBefore = isReal(t, b) && isReal(t - 1, b);
        boolean hasAfter = isReal(t, b) && isReal(t + 1, b);
        for (int k = b * H; k < (b + 1) * H; k++) {
          double slope = (hasBefore ? now[k] - before[k] : 0) - (hasAfter ? after[k] - now[k] : 0);
          row[k] += factor * slope;
        }
      }
      write(dx, t, row);
      double[] spare = before;
      before = now;
      now = after;
      after = spare;
    }
  }

  /** Asked once after each pass. */
  @Override
  public double calcRegularizationScore(boolean backpropOnlyParams) {
    double once = penalty;
    penalty = 0;
    return once;
  }

  /** Time step t of a dense (T, B, H) array. */
  private void read(INDArray steps, int t, double[] row) {
    int n = row.length;
    if (dataType == DataType.DOUBLE) {
      new DoublePointer(Series.memory(steps)).position((long) t * n).get(row);
      return;
    }
    if (floats.length < n) {
      floats = new float[n];
    }
    new FloatPointer(Series.memory(steps)).position((long) t * n).get(floats, 0, n);
    for (int k = 0; k < n; k++) {
      row[k] = floats[k];
    }
  }

  private void write(INDArray steps, int t, double[] row) {
    int n = row.length;
    if (dataType == DataType.DOUBLE) {
      new DoublePointer(Series.memory(steps)).position((long) t * n).put(row);
      return;
    }
    for (int k = 0; k < n; k++) {
      floats[k] = (float) row[k];
    }
    new FloatPointer(Series.memory(steps)).position((long) t * n).put(floats, 0, n);
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

  @Override
  public Type type() {
    return Type.RECURRENT;
  }

  @Override
  public Pair<INDArray, MaskState> feedForwardMaskArray(
      INDArray mask, MaskState state, int batchSize) {
    setMaskArray(mask);
    return Pair.of(mask, state);
  }
}
