package io.sluice.recurrent.head;

import java.util.Collection;
import java.util.Objects;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.NoParamLayer;
import org.deeplearning4j.nn.conf.memory.LayerMemoryReport;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Adds to the loss what keeps the outputs of the layer below small and slow, and passes them on.
 *
 * <pre>{@code
 * loss += α · mean over b of the mean over t, j of y[t, b, j]²
 *       + β · mean over b of the mean over t > 0, j of (h[t, b, j] − h[t−1, b, j])²
 * }</pre>
 *
 * <p>h is what comes in, y what goes out: h after this layer's dropout. Outside of training both
 * are the same and nothing is added.
 *
 * <p><b>Shapes.</b> (B, H, T) in and out; mask (B, T). A masked step, and a difference of which one
 * step is masked, add nothing and do not count: each example's means are over its own steps and
 * differences, so it adds the same whatever the others are and however far it is filled up.
 *
 * <p><b>Source.</b> Merity, Keskar and Socher, "Regularizing and optimizing LSTM language models",
 * 2017, section 4.5 (activation regularisation and temporal activation regularisation, as means);
 * there after Merity, McCann and Socher, "Revisiting activation regularization for language RNNs",
 * 2017.
 */
public final class ActivationRegularization extends NoParamLayer {
  private static final long serialVersionUID = 1L;

  private double alpha;
  private double beta;

  /** For DL4J's JSON. */
  ActivationRegularization() {}

  private ActivationRegularization(Builder builder) {
    super(builder);
    this.alpha = builder.activation;
    this.beta = builder.temporal;
  }

  /** α. */
  public double getAlpha() {
    return alpha;
  }

  void setAlpha(double alpha) {
    this.alpha = alpha;
  }

  /** β. */
  public double getBeta() {
    return beta;
  }

  void setBeta(double beta) {
    this.beta = beta;
  }

  @Override
  public Layer instantiate(
      NeuralNetConfiguration conf,
      Collection<TrainingListener> listeners,
      int index,
      INDArray parametersView,
      boolean initialize,
      DataType dataType) {
    var layer = new ActivationRegularizationLayer(conf, dataType);
    layer.setListeners(listeners);
    layer.setIndex(index);
    return layer;
  }

  @Override
  public InputType getOutputType(int index, InputType inputType) {
    return TimeHead.series(getLayerName(), inputType);
  }

  @Override
  public InputPreProcessor getPreProcessorForInputType(InputType inputType) {
    TimeHead.series(getLayerName(), inputType);
    return null;
  }

  @Override
  public LayerMemoryReport getMemoryReport(InputType inputType) {
    InputType.InputTypeRecurrent series = TimeHead.series(getLayerName(), inputType);
    return new LayerMemoryReport.Builder(getLayerName(), getClass(), inputType, series)
        .standardMemory(0, 0)
        .workingMemory(0, series.arrayElementsPerExample(), 0, series.arrayElementsPerExample())
        .cacheMemory(0, 0)
        .build();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ActivationRegularization o
        && super.equals(o)
        && Double.compare(alpha, o.alpha) == 0
        && Double.compare(beta, o.beta) == 0;
  }

  @Override
  public int hashCode() {
    return Objects.hash(super.hashCode(), alpha, beta);
  }

  @Override
  public String toString() {
    return "ActivationRegularization(%s, %s)".formatted(alpha, beta);
  }

  /** Builds a layer. */
  public static final class Builder
      extends org.deeplearning4j.nn.conf.layers.Layer.Builder<Builder> {
    private final double activation;
    private final double temporal;

    /**
     * @param activation α, at least 0
     * @param temporal β, at least 0
     */
    public Builder(double activation, double temporal) {
      this.activation = factor("activation", activation);
      this.temporal = factor("temporal", temporal);
    }

    private static double factor(String name, double value) {
      if (!(value >= 0 && value < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "%s is %s, must be at least 0 and finite".formatted(name, value));
      }
      return value;
    }

    @Override
    @SuppressWarnings("unchecked")
    public ActivationRegularization build() {
      return new ActivationRegularization(this);
    }
  }
}
