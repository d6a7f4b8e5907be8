package io.sluice.recurrent.layer;

import java.util.Collection;
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
 * The states that have seen the whole series: of a layer that reads forward the one at the last
 * unmasked step; of a bidirectional layer, whose second half reads backward, that half's at the
 * first unmasked step.
 *
 * <p><b>Shapes.</b> (B, H, T) in, (B, H) out; mask (B, T). A row whose steps are all masked gives
 * zeros and gets no gradient.
 *
 * <p><b>Considered:</b> DL4J's {@code LastTimeStep} wrapper, which allocates and fills a gradient
 * in DL4J's order a step and cannot be had around a trained {@code Bidirectional}.
 */
public final class LastStep extends NoParamLayer {
  private static final long serialVersionUID = 1L;

  private boolean bothDirections;

  /** For DL4J's JSON. */
  LastStep() {}

  /**
   * @param bothDirections whether the second half of the inputs reads backward
   */
  public LastStep(boolean bothDirections) {
    this.bothDirections = bothDirections;
    setLayerName("last-step");
  }

  /** Whether the second half of the inputs reads backward. */
  public boolean isBothDirections() {
    return bothDirections;
  }

  void setBothDirections(boolean bothDirections) {
    this.bothDirections = bothDirections;
  }

  @Override
  public Layer instantiate(
      NeuralNetConfiguration conf,
      Collection<TrainingListener> listeners,
      int index,
      INDArray parametersView,
      boolean initialize,
      DataType dataType) {
    var layer = new LastStepLayer(conf, dataType);
    layer.setListeners(listeners);
    layer.setIndex(index);
    return layer;
  }

  @Override
  public InputType getOutputType(int index, InputType inputType) {
    return InputType.feedForward(series(inputType).getSize());
  }

  @Override
  public InputPreProcessor getPreProcessorForInputType(InputType inputType) {
    series(inputType);
    return null;
  }

  @Override
  public LayerMemoryReport getMemoryReport(InputType inputType) {
    InputType.InputTypeRecurrent series = series(inputType);
    long gradient = Math.max(1, series.getTimeSeriesLength()) * series.getSize();
    return new LayerMemoryReport.Builder(
            getLayerName(), LastStep.class, inputType, getOutputType(-1, inputType))
        .standardMemory(0, 0)
        .workingMemory(0, series.getSize(), 0, gradient)
        .cacheMemory(0, 0)
        .build();
  }

  private InputType.InputTypeRecurrent series(InputType inputType) {
    if (inputType instanceof InputType.InputTypeRecurrent series) {
      return series;
    }
    throw new IllegalStateException(
        "Layer %s takes the outputs of a recurrent layer, but its input is %s"
            .formatted(getLayerName(), inputType));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LastStep o && super.equals(o) && bothDirections == o.bothDirections;
  }

  @Override
  public int hashCode() {
    return super.hashCode() * 31 + Boolean.hashCode(bothDirections);
  }

  @Override
  public String toString() {
    return bothDirections ? "LastStep(both directions)" : "LastStep";
  }
}
