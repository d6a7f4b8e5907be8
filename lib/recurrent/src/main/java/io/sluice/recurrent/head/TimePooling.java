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
 * The mean or the maximum of each input over the unmasked time steps, or both beside the last one.
 *
 * <p><b>Shapes.</b> (B, H, T) in, (B, H) out, or (B, 3H) with {@link Kind#CONCAT}; mask (B, T). A
 * row whose steps are all masked gives zeros and gets no gradient. The gradient of a maximum goes
 * to its first place.
 *
 * <p><b>Source</b> of the concatenation: Howard and Ruder, "Universal Language Model Fine-tuning
 * for Text Classification", ACL 2018, section 3.3: {@code [h_T, maxpool(h), meanpool(h)]}.
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
    MAX,
    /** The last, as {@code LastStep} has it, then the largest, then the mean. */
    CONCAT
  }

  private Kind kind;
  private boolean bothDirections;

  /** For DL4J's JSON. */
  TimePooling() {}

  private TimePooling(Builder builder) {
    super(builder);
    this.kind = builder.kind;
    this.bothDirections = builder.bothDirections;
  }

  /** What is taken over time. */
  public Kind getKind() {
    return kind;
  }

  void setKind(Kind kind) {
    this.kind = kind;
  }

  /** Whether the second half of the inputs reads backward, so that its last step is the first. */
  public boolean isBothDirections() {
    return bothDirections;
  }

  void setBothDirections(boolean bothDirections) {
    this.bothDirections = bothDirections;
  }

  /** Numbers out for each that comes in per time step. */
  int parts() {
    return kind == Kind.CONCAT ? 3 : 1;
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
    return InputType.feedForward(parts() * TimeHead.series(getLayerName(), inputType).getSize());
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
        .workingMemory(0, 0, 0, parts() * H)
        .cacheMemory(0, 0)
        .build();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TimePooling o
        && super.equals(o)
        && kind == o.kind
        && bothDirections == o.bothDirections;
  }

  @Override
  public int hashCode() {
    return Objects.hash(super.hashCode(), kind, bothDirections);
  }

  @Override
  public String toString() {
    return "TimePooling(%s)".formatted(kind);
  }

  /** Builds a layer. */
  public static final class Builder
      extends org.deeplearning4j.nn.conf.layers.Layer.Builder<Builder> {
    private final Kind kind;
    private boolean bothDirections;

    /**
     * @param kind what is taken over time
     */
    public Builder(Kind kind) {
      this.kind = kind;
    }

    /** Whether the second half of the inputs reads backward; matters to what takes the last. */
    public Builder bothDirections(boolean bothDirections) {
      this.bothDirections = bothDirections;
      return this;
    }

    @Override
    @SuppressWarnings("unchecked")
    public TimePooling build() {
      return new TimePooling(this);
    }
  }
}
