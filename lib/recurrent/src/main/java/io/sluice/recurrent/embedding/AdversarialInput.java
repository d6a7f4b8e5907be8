package io.sluice.recurrent.embedding;

import java.util.Optional;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/**
 * A lowest layer that learns from each batch twice: as it is, and moved to where the loss grows
 * most.
 *
 * <p>The pass over the batch as it is leaves, with its way back, what the one after it adds:
 *
 * <pre>{@code
 * r_b = ε · σ_b · g_b / ‖g_b‖,   g_b = ∂loss/∂y_b
 * }</pre>
 *
 * <p><b>Shapes.</b> y_b, g_b and r_b are (T, E), what the layer gives for sequence b; σ_b is the
 * root of the mean square of y_b's numbers over the steps that have a word. r is no function of the
 * parameters: nothing goes back through it. A sequence whose gradient is zero is not moved.
 *
 * <p><b>Source.</b> Miyato, Dai and Goodfellow, "Adversarial training methods for semi-supervised
 * text classification", ICLR 2017, section 3. There rows are brought to mean 0 and variance 1 over
 * the words of the corpus, so that a network does not make them large and ε small; here σ follows
 * them, and the network that predicts is the same with and without.
 */
public interface AdversarialInput {
  /**
   * @param moved whether training passes that follow add what the last one before left; those that
   *     do leave nothing
   */
  void move(boolean moved);

  /** The network's; empty if it learns from each batch once. */
  static Optional<AdversarialInput> of(MultiLayerNetwork network) {
    return network.getLayer(0) instanceof EmbeddingLayer layer && layer.isAdversarial()
        ? Optional.of(layer)
        : Optional.empty();
  }
}
