package io.sluice.recurrent.dropout;

import java.util.Arrays;
import java.util.Objects;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.transforms.pairwise.arithmetic.MulOp;
import org.nd4j.linalg.factory.Broadcast;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * Inverted dropout of a layer's input that is the same for an example whatever batch it lies in: y
 * = x · mask, with the masks of {@link DropoutMask}.
 *
 * <p><b>Shapes.</b> x and mask:
 *
 * <pre>
 *                 x              mask
 * a series        (B, N, T)      (B, N, T), or (B, N) once a series
 * rows            (B, N)         (B, N)
 * rows of steps   (T·B, N)       (T·B, N), row t·B + b, as DL4J's preprocessors make them
 * </pre>
 *
 * <p>Rows are not written over: DL4J's output layer over time goes on to use what it handed in.
 *
 * <p>The name is part of the setting because DL4J tells dropout nothing of the layer it belongs to;
 * an index would be another where a network's layers are spread over machines.
 */
public final class ExampleDropout implements IDropout {
  private static final long serialVersionUID = 1L;

  private final double kept;
  private final String layer;
  private final boolean oncePerSeries;
  private transient DropoutMask masks;

  /** (T, B, N) or (B, N) of a series; (T·B, N) of rows; of the last forward pass. */
  private transient INDArray mask;

  /**
   * @param kept share of numbers that is kept, in (0, 1)
   * @param layer name; layers of one name drop the same
   * @param oncePerSeries one mask for all time steps of a series (variational dropout: Gal and
   *     Ghahramani 2016), which input must then be
   */
  @JsonCreator
  public ExampleDropout(
      @JsonProperty("kept") double kept,
      @JsonProperty("layer") String layer,
      @JsonProperty("oncePerSeries") boolean oncePerSeries) {
    this.kept = kept;
    this.layer = Objects.requireNonNull(layer, "layer");
    this.oncePerSeries = oncePerSeries;
    this.masks = new DropoutMask(layer, kept);
  }

  /** Share of numbers that is kept. */
  @JsonProperty("kept")
  public double kept() {
    return kept;
  }

  /** Name of the layer. */
  @JsonProperty("layer")
  public String layer() {
    return layer;
  }

  /** Whether one mask holds for all time steps. */
  @JsonProperty("oncePerSeries")
  public boolean isOncePerSeries() {
    return oncePerSeries;
  }

  /** The masks it draws, for who applies them by itself. */
  public DropoutMask newMasks() {
    return new DropoutMask(layer, kept);
  }

  /** The same for another layer. */
  public ExampleDropout in(String layer) {
    return new ExampleDropout(kept, layer, oncePerSeries);
  }

  @Override
  public INDArray applyDropout(
      INDArray x, INDArray result, int iteration, int epoch, LayerWorkspaceMgr workspaces) {
    if (x.rank() == 2 && !oncePerSeries) {
      mask = newMask(workspaces, result, x.shape());
      masks().draw(mask, DropoutMask.examples(x.size(0)));
      INDArray y =
          workspaces.createUninitialized(ArrayType.INPUT, result.dataType(), x.shape(), 'c');
      return multiply(x.castTo(y.dataType()), y);
    }
    if (x.rank() != 3) {
      throw new IllegalArgumentException(
          "Dropout of layer %s has an input of shape %s, expected (B, N, T)%s"
              .formatted(layer, Arrays.toString(x.shape()), oncePerSeries ? "" : " or (B, N)"));
    }
    int B = Math.toIntExact(x.size(0));
    long N = x.size(1);
    long T = x.size(2);
    mask = newMask(workspaces, result, oncePerSeries ? new long[] {B, N} : new long[] {T * B, N});
    masks().draw(mask, B);
    if (!oncePerSeries) {
      mask = mask.reshape('c', T, B, N);
    }
    return multiply(x.castTo(result.dataType()), result);
  }

  private static INDArray newMask(LayerWorkspaceMgr workspaces, INDArray like, long[] shape) {
    return workspaces.createUninitialized(ArrayType.INPUT, like.dataType(), shape, 'c');
  }

  /** to = from · mask, in DL4J's order of dimensions. */
  private INDArray multiply(INDArray from, INDArray to) {
    if (from.rank() == 2) {
      Nd4j.getExecutioner().exec(new MulOp(from, mask, to));
      return to;
    }
    // the order of memory: time-major, as the recurrent layers leave it
    INDArray source = from.permute(2, 0, 1);
    INDArray target = to.permute(2, 0, 1);
    if (oncePerSeries) {
      Broadcast.mul(source, mask, target, 1, 2);
    } else {
      Nd4j.getExecutioner().exec(new MulOp(source, mask, target));
    }
    return to;
  }

  @Override
  public INDArray backprop(INDArray dy, INDArray dx, int iteration, int epoch) {
    if (mask == null) {
      throw new IllegalStateException(
          "Dropout of layer %s has no mask: there was no forward pass in training"
              .formatted(layer));
    }
    multiply(dy, dx);
    mask = null;
    return dx;
  }

  private DropoutMask masks() {
    if (masks == null) {
      masks = new DropoutMask(layer, kept);
    }
    return masks;
  }

  @Override
  public void clear() {
    mask = null;
  }

  @Override
  @SuppressWarnings("MissingSuperCall") // a mask belongs to one network
  public ExampleDropout clone() {
    return in(layer);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ExampleDropout o
        && kept == o.kept
        && layer.equals(o.layer)
        && oncePerSeries == o.oncePerSeries;
  }

  @Override
  public int hashCode() {
    return Objects.hash(kept, layer, oncePerSeries);
  }

  @Override
  public String toString() {
    return "ExampleDropout(%s, %s%s)".formatted(kept, layer, oncePerSeries ? ", once" : "");
  }
}
