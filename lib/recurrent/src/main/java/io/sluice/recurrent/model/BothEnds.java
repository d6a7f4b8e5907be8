package io.sluice.recurrent.model;

import java.util.Objects;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * The states of a bidirectional layer that have seen the whole window: the forward half's at the
 * last time step and the backward half's at the first.
 *
 * <p><b>Shapes.</b> (B, 2H, T) in, forward half first; (B, 2H) out.
 *
 * <p>Part of the JSON of models saved before {@code LastStep}, which took its place; it stays so
 * that they can be read and converted, and for networks of DL4J's own layers.
 */
public final class BothEnds implements InputPreProcessor {
  private static final long serialVersionUID = 1L;

  private final int lookBack;

  /**
   * @param lookBack T
   */
  @JsonCreator
  public BothEnds(@JsonProperty("lookBack") int lookBack) {
    this.lookBack = lookBack;
  }

  /** T. */
  @JsonProperty("lookBack")
  public int lookBack() {
    return lookBack;
  }

  @Override
  public INDArray preProcess(INDArray input, int miniBatchSize, LayerWorkspaceMgr workspaces) {
    long both = input.size(1);
    INDArray ends =
        workspaces.createUninitialized(
            ArrayType.ACTIVATIONS, input.dataType(), new long[] {input.size(0), both}, 'c');
    half(ends, 0, both / 2).assign(step(input, 0, both / 2, lookBack - 1L));
    half(ends, both / 2, both).assign(step(input, both / 2, both, 0));
    return ends;
  }

  @Override
  public INDArray backprop(INDArray gradient, int miniBatchSize, LayerWorkspaceMgr workspaces) {
    long both = gradient.size(1);
    INDArray whole =
        workspaces.create(
            ArrayType.ACTIVATION_GRAD,
            gradient.dataType(),
            new long[] {gradient.size(0), both, lookBack},
            'f');
    step(whole, 0, both / 2, lookBack - 1L).assign(half(gradient, 0, both / 2));
    step(whole, both / 2, both, 0).assign(half(gradient, both / 2, both));
    return whole;
  }

  private static INDArray half(INDArray ends, long from, long to) {
    return ends.get(NDArrayIndex.all(), NDArrayIndex.interval(from, to));
  }

  private static INDArray step(INDArray sequence, long from, long to, long t) {
    return sequence.get(NDArrayIndex.all(), NDArrayIndex.interval(from, to), NDArrayIndex.point(t));
  }

  @Override
  public InputType getOutputType(InputType inputType) {
    return InputType.feedForward(((InputType.InputTypeRecurrent) inputType).getSize());
  }

  @Override
  public Pair<INDArray, MaskState> feedForwardMaskArray(
      INDArray maskArray, MaskState currentMaskState, int minibatchSize) {
    return Pair.of(null, currentMaskState);
  }

  @Override
  @SuppressWarnings("MissingSuperCall") // immutable
  public BothEnds clone() {
    return this;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof BothEnds o && o.lookBack == lookBack;
  }

  @Override
  public int hashCode() {
    return Objects.hash(lookBack);
  }

  @Override
  public String toString() {
    return "BothEnds(%d)".formatted(lookBack);
  }
}
