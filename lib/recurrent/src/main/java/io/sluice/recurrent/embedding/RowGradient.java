package io.sluice.recurrent.embedding;

import java.util.Optional;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** A lowest layer whose gradient is a block of rows, zero but for those that a batch touches. */
public interface RowGradient {
  /** V, rows of the gradient, which begins with the first number of the network's. */
  int rows();

  /** E, numbers of a row. */
  int rowSize();

  /**
   * From now on a backward pass adds to the gradient and zeroes nothing, that of the first pass
   * included: who asks for this zeroes the touched rows, all of them at first, before each sum that
   * he wants.
   *
   * @return the same at each call: which rows may differ from zero. Who writes to a row of the
   *     gradient adds it there.
   */
  TouchedRows keepTouched();

  /** Whether {@link #keepTouched} was called. */
  boolean keepsTouched();

  /** Whether the rows have no gradient in any step. */
  boolean isFrozen();

  /** The network's; empty if it has none, or one whose rows are all touched in every step. */
  static Optional<RowGradient> of(MultiLayerNetwork network) {
    return network.getLayer(0) instanceof EmbeddingLayer layer && layer.touchesFewRows()
        ? Optional.of(layer)
        : Optional.empty();
  }
}
