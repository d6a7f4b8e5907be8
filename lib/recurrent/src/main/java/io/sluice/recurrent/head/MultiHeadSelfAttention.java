package io.sluice.recurrent.head;

import java.util.Collection;
import java.util.List;
import java.util.Objects;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Multi-head self-attention: each time step becomes a weighted mean over all of them, of several
 * kinds at once.
 *
 * <pre>{@code
 * q, k, v    = Wq·h + bq, Wk·h + bk, Wv·h + bv     each (H), parted into heads of d = H / heads
 * α[t, s]    = softmax over unmasked s of q[t]·k[s] / √d     of each head
 * output[t]  = Wo·concat over heads (Σ_s α[t, s]·v[s]) + bo, and + h[t] with a residual connection
 * }</pre>
 *
 * <p><b>Shapes.</b> (B, H, T) in and out; mask (B, T). Masked steps are attended to by none and put
 * out zeros.
 *
 * <p><b>Parameters.</b> {@code Wq}, {@code Wk}, {@code Wv}, {@code Wo} (H, H) and {@code bq},
 * {@code bk}, {@code bv}, {@code bo} (H). The flat array is that of PyTorch's {@code
 * MultiheadAttention}: in_proj_weight, in_proj_bias, out_proj.weight, out_proj.bias, weights
 * row-major (out, in).
 *
 * <p><b>Source.</b> Vaswani et al., "Attention Is All You Need", 2017.
 */
public final class MultiHeadSelfAttention extends TimeHead {
  private static final long serialVersionUID = 1L;

  private int heads;
  private boolean residual;

  /** For DL4J's JSON. */
  MultiHeadSelfAttention() {}

  private MultiHeadSelfAttention(Builder builder) {
    super(builder);
    this.heads = builder.heads;
    this.residual = builder.residual;
  }

  /** Number of heads. */
  public int getHeads() {
    return heads;
  }

  void setHeads(int heads) {
    this.heads = heads;
  }

  /** Whether the input is added to the output. */
  public boolean isResidual() {
    return residual;
  }

  void setResidual(boolean residual) {
    this.residual = residual;
  }

  @Override
  public List<HeadParameter> parameters() {
    int H = inputs();
    return List.of(
        HeadParameter.weight("Wq", H, H),
        HeadParameter.weight("Wk", H, H),
        HeadParameter.weight("Wv", H, H),
        HeadParameter.bias("bq", H),
        HeadParameter.bias("bk", H),
        HeadParameter.bias("bv", H),
        HeadParameter.weight("Wo", H, H),
        HeadParameter.bias("bo", H));
  }

  @Override
  public Layer instantiate(
      NeuralNetConfiguration conf,
      Collection<TrainingListener> listeners,
      int index,
      INDArray parametersView,
      boolean initialize,
      DataType dataType) {
    if (nIn % heads != 0) {
      throw new IllegalArgumentException(
          "heads is %d, must divide the %d inputs of layer %s"
              .formatted(heads, nIn, getLayerName()));
    }
    return super.instantiate(conf, listeners, index, parametersView, initialize, dataType);
  }

  @Override
  HeadKernel kernel(DataType dataType) {
    return dataType == DataType.FLOAT
        ? new FloatSelfAttention(inputs(), heads, residual)
        : new ReferenceSelfAttention(inputs(), heads, residual);
  }

  @Override
  boolean keepsTime() {
    return true;
  }

  @Override
  long keptNumbers(long T) {
    return 4 * T * inputs();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof MultiHeadSelfAttention o
        && super.equals(o)
        && heads == o.heads
        && residual == o.residual;
  }

  @Override
  public int hashCode() {
    return Objects.hash(super.hashCode(), heads, residual);
  }

  @Override
  public String toString() {
    return "MultiHeadSelfAttention(%d, %d heads%s)"
        .formatted(nIn, heads, residual ? ", residual" : "");
  }

  /** Builds a layer. */
  public static final class Builder extends FeedForwardLayer.Builder<Builder> {
    private final int heads;
    private boolean residual;

    /**
     * @param heads divides the number of inputs
     */
    public Builder(int heads) {
      if (heads < 1) {
        throw new IllegalArgumentException("heads is %d, must be at least 1".formatted(heads));
      }
      this.heads = heads;
    }

    /** Whether the input is added to the output; not unless said otherwise. */
    public Builder residual(boolean residual) {
      this.residual = residual;
      return this;
    }

    @Override
    @SuppressWarnings("unchecked")
    public MultiHeadSelfAttention build() {
      return new MultiHeadSelfAttention(this);
    }
  }
}
