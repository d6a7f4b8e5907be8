package io.sluice.recurrent.head;

import java.util.List;
import java.util.Objects;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A weighted mean over time whose weights are learned: additive attention.
 *
 * <pre>{@code
 * score[t] = v · tanh(W·h[t] + b) + c
 * α        = softmax of score over the unmasked time steps
 * context  = Σ α[t]·h[t]
 * }</pre>
 *
 * <p><b>Shapes.</b> (B, H, T) in, (B, H) out; mask (B, T). A row whose steps are all masked gives
 * zeros and gets no gradient.
 *
 * <p><b>Parameters</b>, with A hidden units: {@code hidden.weight} W (H, A), {@code hidden.bias} b
 * (A), {@code score.weight} v (A, 1), {@code score.bias} c (1). The flat array is PyTorch's {@code
 * Linear(tanh(Linear(h)))}, weights row-major (out, in). A softmax does not see c, which therefore
 * stays as it is.
 *
 * <p><b>Source.</b> Bahdanau, Cho and Bengio, "Neural Machine Translation by Jointly Learning to
 * Align and Translate", 2015; as pooling, Yang et al., "Hierarchical Attention Networks for
 * Document Classification", 2016.
 */
public final class AdditiveAttention extends TimeHead {
  private static final long serialVersionUID = 1L;

  private int attentionSize;

  /** For DL4J's JSON. */
  AdditiveAttention() {}

  private AdditiveAttention(Builder builder) {
    super(builder);
    this.attentionSize = builder.attentionSize;
  }

  /** A, hidden units of the score; 0 is as many as inputs. */
  public int getAttentionSize() {
    return attentionSize;
  }

  void setAttentionSize(int attentionSize) {
    this.attentionSize = attentionSize;
  }

  /**
   * The attention weights of a layer's last forward pass, for example {@code
   * AdditiveAttention.weights(network.getLayer("attention"))} after {@code network.output(x)}.
   *
   * @param layer of a {@code MultiLayerNetwork} or {@code ComputationGraph}
   * @return a new (B, T) array; each row sums to 1, or is 0 where all its steps are masked
   */
  public static INDArray weights(Layer layer) {
    if (layer instanceof TimeHeadLayer head && head.kernel() instanceof Attends kernel) {
      return kernel.weights();
    }
    throw new IllegalArgumentException(
        "Layer %s has no attention weights: it is not an AdditiveAttention"
            .formatted(layer.conf().getLayer()));
  }

  /** A kernel that can say what it attended to. */
  interface Attends {
    /** (B, T), detached. */
    INDArray weights();
  }

  private int hidden() {
    return attentionSize > 0 ? attentionSize : inputs();
  }

  @Override
  public List<HeadParameter> parameters() {
    return List.of(
        HeadParameter.weight("hidden.weight", hidden(), inputs()),
        HeadParameter.bias("hidden.bias", hidden()),
        HeadParameter.weight("score.weight", 1, hidden()),
        HeadParameter.bias("score.bias", 1));
  }

  @Override
  HeadKernel kernel(DataType dataType) {
    return dataType == DataType.FLOAT
        ? new FloatAdditiveAttention(inputs(), hidden())
        : new ReferenceAdditiveAttention(inputs(), hidden());
  }

  @Override
  boolean keepsTime() {
    return false;
  }

  @Override
  long keptNumbers(long T) {
    return T * (hidden() + 1L);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof AdditiveAttention o
        && super.equals(o)
        && attentionSize == o.attentionSize;
  }

  @Override
  public int hashCode() {
    return Objects.hash(super.hashCode(), attentionSize);
  }

  @Override
  public String toString() {
    return "AdditiveAttention(%d, %d hidden)".formatted(nIn, attentionSize);
  }

  /** Builds a layer. */
  public static final class Builder extends FeedForwardLayer.Builder<Builder> {
    private int attentionSize;

    /** A, hidden units of the score; as many as inputs unless said otherwise. */
    public Builder attentionSize(int attentionSize) {
      if (attentionSize < 1) {
        throw new IllegalArgumentException(
            "attentionSize is %d, must be at least 1".formatted(attentionSize));
      }
      this.attentionSize = attentionSize;
      return this;
    }

    @Override
    @SuppressWarnings("unchecked")
    public AdditiveAttention build() {
      return new AdditiveAttention(this);
    }
  }
}
