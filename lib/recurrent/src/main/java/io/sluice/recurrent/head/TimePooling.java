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
 * The mean or the maximum of each input over the unmasked time steps.
 *
 * <p><b>Shapes.</b> (B, H, T) in, (B, H) out; mask (B, T). A row whose steps are all masked gives
 * zeros and gets no gradient. The gradient of a maximum goes to its first place.
 *
 * <p><b>Considered:</b> DL4J's {@code GlobalPoolingLayer}, which turns the mask into arrays of the
 * size of the input, and takes the largest of an all-masked row from the padding.
 */
public final class TimePooling extends NoParamLayer {
  private static final long serialVersionUID = 1L;

  /** What is taken over time. */
  public enum Kind {
    /** The mean. */
    MEAN,
    /** The largest. */
    MAX
  }

  private Kind kind;

  /** For DL4J's JSON. */
  TimePooling() {}

  private TimePooling(Builder builder) {
    super(builder);
    this.kind = builder.kind;
  }

  /** What is taken over time. */
  public Kind getKind() {
    return kind;
  }

  void setKind(Kind kind) {
    this.kind = kind;
  }

  @Override
  public Layer instantiate(
      NeuralNetConfiguration conf,
      Collection<TrainingListener> listeners,
      int index,
      INDArray parametersView,
      boolean initialize,
      DataType dataType) {
    var layer = new TimePoolingLayer(conf, dataType);
    layer.setListeners(listeners);
    layer.setIndex(index);
    return layer;
  }

  @Override
  public InputType getOutputType(int index, InputType inputType) {
    return InputType.feedForward(TimeHead.series(getLayerName(), inputType).getSize());
  }

  @Override
  public InputPreProcessor getPreProcessorForInputType(InputType inputType) {
    TimeHead.series(getLayerName(), inputType);
    return null;
  }

  @Override
  public LayerMemoryReport getMemoryReport(InputType inputType) {
    long H = TimeHead.series(getLayerName(), inputType).getSize();
    return new LayerMemoryReport.Builder(
            getLayerName(), TimePooling.class, inputType, getOutputType(-1, inputType))
        .standardMemory(0, 0)
        .workingMemory(0, 0, 0, H)
        .cacheMemory(0, 0)
        .build();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TimePooling o && super.equals(o) && kind == o.kind;
  }

  @Override
  public int hashCode() {
    return Objects.hash(super.hashCode(), kind);
  }

  @Override
  public String toString() {
    return "TimePooling(%s)".formatted(kind);
  }

  /** Builds a layer. */
  public static final class Builder
      extends org.deeplearning4j.nn.conf.layers.Layer.Builder<Builder> {
    private final Kind kind;

    /**
     * @param kind what is taken over time
     */
    public Builder(Kind kind) {
      this.kind = kind;
    }

    @Override
    @SuppressWarnings("unchecked")
    public TimePooling build() {
      return new TimePooling(this);
    }
  }
}
