package io.sluice.recurrent.layer;

import io.sluice.recurrent.dropout.DropoutMask;
import io.sluice.recurrent.dropout.WeightDropout;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.CellShape;
import io.sluice.recurrent.kernel.Direction;
import io.sluice.recurrent.kernel.Precision;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.api.layers.LayerConstraint;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BaseRecurrentLayer;
import org.deeplearning4j.nn.conf.layers.LayerValidation;
import org.deeplearning4j.nn.conf.memory.LayerMemoryReport;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A recurrent layer: LSTM, peephole LSTM, layer-norm LSTM, GRU or tanh RNN.
 *
 * <p><b>Shapes.</b> (B, I, T) in, (B, H, T) out, in DL4J's order; mask (B, T), 0 at steps to skip:
 * there the output is zero and the state passes unchanged.
 *
 * <p><b>Parameters</b> are named and laid out as in {@link CellShape}: {@code W} (I, G·H), {@code
 * RW} (H, G·H), {@code b} and what the cell has besides; gates in PyTorch's order, which is not
 * that of DL4J's own LSTM. Biases, gains and peepholes are neither regularised nor weight-decayed.
 *
 * <p><b>Initialisation.</b> {@code W} by the layer's weight initialisation with I inputs and H
 * outputs (a gate's own); {@code RW} orthogonal per gate (Saxe et al. 2014) unless {@code
 * weightInitRecurrent} is set; biases 0 but the forget gate's; gains 1, peepholes 0.
 *
 * <p>In float networks a {@link Precision} may be chosen; double networks run on the float64
 * reference and serve for checking gradients.
 */
public final class Recurrent extends BaseRecurrentLayer {
  private static final long serialVersionUID = 1L;

  private Cell cell;
  private Direction direction;
  private Precision precision;
  private double forgetBias;
  private double recurrentDropout;
  private double weightDropout;

  /** For DL4J's JSON. */
  Recurrent() {}

  private Recurrent(Builder builder) {
    super(builder);
    this.cell = builder.cell;
    this.direction = builder.direction;
    this.precision = builder.precision;
    this.forgetBias = builder.forgetBias;
    this.recurrentDropout = builder.recurrentDropout;
    this.weightDropout = builder.weightDropout;
    if (weightDropout > 0 && weightNoise != null) {
      throw new IllegalArgumentException(
          "Layer %s has weightDropout, so it can have no weight noise besides"
              .formatted(getLayerName()));
    }
    initializeConstraints(builder);
  }

  /** The cell. */
  public Cell getCell() {
    return cell;
  }

  void setCell(Cell cell) {
    this.cell = cell;
  }

  /** In which order it reads the time steps. */
  public Direction getDirection() {
    return direction;
  }

  void setDirection(Direction direction) {
    this.direction = direction;
  }

  /** In which precision it multiplies, in a float network. */
  public Precision getPrecision() {
    return precision;
  }

  void setPrecision(Precision precision) {
    this.precision = precision;
  }

  /** Initial bias of the forget gate. */
  public double getForgetBias() {
    return forgetBias;
  }

  void setForgetBias(double forgetBias) {
    this.forgetBias = forgetBias;
  }

  /** Share of the hidden state dropped on its way into the next step's products. */
  public double getRecurrentDropout() {
    return recurrentDropout;
  }

  void setRecurrentDropout(double recurrentDropout) {
    this.recurrentDropout = recurrentDropout;
  }

  /** Share of the recurrent weights dropped in a step of training. */
  public double getWeightDropout() {
    return weightDropout;
  }

  void setWeightDropout(double weightDropout) {
    this.weightDropout = weightDropout;
  }

  /**
   * Masks of its recurrent weights: each direction drops its own.
   *
   * @param name of the layer
   * @param seed of the network
   * @throws IllegalArgumentException if it drops none
   */
  WeightDropout weightMasks(String name, long seed) {
    return new WeightDropout("%s/weights/%s".formatted(name, direction), 1 - weightDropout, seed);
  }

  /**
   * The masks of its recurrent dropout: each direction drops its own.
   *
   * @param name of the layer
   * @throws IllegalArgumentException if it drops nothing
   */
  DropoutMask stateMasks(String name) {
    return new DropoutMask("%s/state/%s".formatted(name, direction), 1 - recurrentDropout);
  }

  /**
   * Cell and sizes.
   *
   * @throws IllegalArgumentException if inputs or units are not set
   */
  public CellShape shape() {
    if (nIn < 1 || nOut < 1) {
      throw new IllegalArgumentException(
          "Layer %s: a %s needs at least 1 input and 1 unit, but has nIn=%d, nOut=%d"
              .formatted(getLayerName(), cell.label(), nIn, nOut));
    }
    return new CellShape(cell, Math.toIntExact(nIn), Math.toIntExact(nOut));
  }

  @Override
  protected void initializeConstraints(
      org.deeplearning4j.nn.conf.layers.Layer.Builder<?> layerBuilder) {
    super.initializeConstraints(layerBuilder);
    Builder builder = (Builder) layerBuilder;
    addConstraints(builder.getInputWeightConstraints(), "W");
    addConstraints(builder.getRecurrentConstraints(), "RW");
  }

  private void addConstraints(List<LayerConstraint> added, String parameter) {
    if (added == null) {
      return;
    }
    if (constraints == null) {
      constraints = new ArrayList<>();
    }
    for (LayerConstraint constraint : added) {
      LayerConstraint own = constraint.clone();
      own.setParams(Set.of(parameter));
      constraints.add(own);
    }
  }

  @Override
  public Layer instantiate(
      NeuralNetConfiguration conf,
      Collection<TrainingListener> listeners,
      int index,
      INDArray parametersView,
      boolean initialize,
      DataType dataType) {
    LayerValidation.assertNInNOutSet("Recurrent", getLayerName(), index, getNIn(), getNOut());
    var layer = new KernelLayer(conf, dataType);
    layer.setListeners(listeners);
    layer.setIndex(index);
    layer.setParamsViewArray(parametersView);
    layer.setParamTable(initializer().init(conf, parametersView, initialize));
    layer.setConf(conf);
    return layer;
  }

  @Override
  public ParamInitializer initializer() {
    return RecurrentParameters.INSTANCE;
  }

  @Override
  public LayerMemoryReport getMemoryReport(InputType inputType) {
    var series = (InputType.InputTypeRecurrent) inputType;
    long steps = Math.max(1, series.getTimeSeriesLength());
    long parameters = shape().parameterCount();
    // per example: activated gates, c and h kept for backward; the same again as its scratch
    long kept = steps * (cell.gates() + 2L) * nOut;
    return new LayerMemoryReport.Builder(
            getLayerName(), Recurrent.class, inputType, getOutputType(-1, inputType))
        .standardMemory(parameters, getIUpdater().stateSize(parameters))
        .workingMemory(2 * parameters, steps * nOut, 3 * parameters, 2 * kept)
        .cacheMemory(0, 0)
        .build();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Recurrent o
        && super.equals(o)
        && cell == o.cell
        && direction == o.direction
        && precision == o.precision
        && forgetBias == o.forgetBias
        && recurrentDropout == o.recurrentDropout
        && weightDropout == o.weightDropout;
  }

  @Override
  public int hashCode() {
    return Objects.hash(
        super.hashCode(), cell, direction, precision, forgetBias, recurrentDropout, weightDropout);
  }

  @Override
  public String toString() {
    return "Recurrent(%s, %d -> %d, %s, %s)"
        .formatted(cell.label(), nIn, nOut, direction, precision);
  }

  /** Builds a layer. */
  public static final class Builder extends BaseRecurrentLayer.Builder<Builder> {
    private final Cell cell;
    private Direction direction = Direction.FORWARD;
    private Precision precision = Precision.F32;
    private double forgetBias = 1;
    private double recurrentDropout;
    private double weightDropout;

    /**
     * @param cell the recurrent cell
     */
    public Builder(Cell cell) {
      this.cell = cell;
    }

    /** In which order it reads the time steps; forward unless said otherwise. */
    public Builder direction(Direction direction) {
      this.direction = direction;
      return this;
    }

    /** In which precision it multiplies; float32 unless said otherwise. */
    public Builder precision(Precision precision) {
      this.precision = precision;
      return this;
    }

    /** Initial bias of the forget gate; 1 unless said otherwise. */
    public Builder forgetBias(double forgetBias) {
      this.forgetBias = forgetBias;
      return this;
    }

    /**
     * Share of the hidden state dropped, in training, on its way into the next step's products;
     * none unless said otherwise. One mask holds for all steps of a sequence (Gal and Ghahramani
     * 2016), over the chunks of truncated backpropagation too.
     */
    public Builder recurrentDropout(double share) {
      if (!(share >= 0 && share < 1)) {
        throw new IllegalArgumentException(
            "recurrentDropout is %s, must be in [0, 1)".formatted(share));
      }
      this.recurrentDropout = share;
      return this;
    }

    /**
     * Share of the recurrent weights dropped, in training, for a whole step (DropConnect); none
     * unless said otherwise.
     */
    public Builder weightDropout(double share) {
      if (!(share >= 0 && share < 1)) {
        throw new IllegalArgumentException(
            "weightDropout is %s, must be in [0, 1)".formatted(share));
      }
      this.weightDropout = share;
      return this;
    }

    @Override
    @SuppressWarnings("unchecked")
    public Recurrent build() {
      return new Recurrent(this);
    }
  }
}
