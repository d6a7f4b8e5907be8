package io.sluice.recurrent.head;

import java.util.List;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Layer normalisation of every time step over its units.
 *
 * <pre>{@code
 * μ, σ²      = mean and variance of h[t] over the H units
 * output[t]  = gain ⊙ (h[t] − μ) / √(σ² + 1e-5) + bias
 * }</pre>
 *
 * <p><b>Shapes.</b> (B, H, T) in and out; mask (B, T). Masked steps put out zeros and get no
 * gradient.
 *
 * <p><b>Parameters.</b> {@code gain} (H), which begins at 1, and {@code bias} (H).
 *
 * <p><b>Source.</b> Ba, Kiros and Hinton, "Layer Normalization", 2016; ε as in PyTorch's {@code
 * LayerNorm}.
 */
public final class LayerNormalization extends TimeHead {
  private static final long serialVersionUID = 1L;

  /** Added to the variance. */
  static final double EPSILON = 1e-5;

  /** For DL4J's JSON. */
  LayerNormalization() {}

  private LayerNormalization(Builder builder) {
    super(builder);
  }

  @Override
  public List<HeadParameter> parameters() {
    return List.of(HeadParameter.gain("gain", inputs()), HeadParameter.bias("bias", inputs()));
  }

  @Override
  HeadKernel kernel(DataType dataType) {
    return dataType == DataType.FLOAT
        ? new FloatLayerNormalization(inputs())
        : new ReferenceLayerNormalization(inputs());
  }

  /** What it computes, apart from a network, in float32. */
  public HeadKernel floatKernel() {
    return kernel(DataType.FLOAT);
  }

  @Override
  boolean keepsTime() {
    return true;
  }

  @Override
  long keptNumbers(long T) {
    return 2 * T;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LayerNormalization o && super.equals(o);
  }

  @Override
  public int hashCode() {
    return super.hashCode();
  }

  @Override
  public String toString() {
    return "LayerNormalization(%d)".formatted(nIn);
  }

  /** Builds a layer. */
  public static final class Builder extends FeedForwardLayer.Builder<Builder> {
    @Override
    @SuppressWarnings("unchecked")
    public LayerNormalization build() {
      return new LayerNormalization(this);
    }
  }
}
