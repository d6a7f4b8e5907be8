package io.sluice.recurrent.optim;

import io.sluice.recurrent.layer.InputGradient;
import io.sluice.recurrent.layer.StackedPass;
import io.sluice.recurrent.pass.TrainingPass;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** The gradient of some examples' losses, in one forward and backward pass of a network. */
public final class BatchGradient {
  private BatchGradient() {}

  /**
   * Leaves ∂(sum of the examples' losses)/∂w in the network's flat gradient.
   *
   * @param batch at least 1 example
   * @param backward told how far the pass has come back; null is nobody. Not told in a pass that
   *     leaves nothing but zeros.
   * @param lossScale what gradients are multiplied by inside of layers in half precision
   * @return the mean of the losses, with what regularisation adds
   */
  public static double of(
      MultiLayerNetwork network, Batch batch, TrainingPass.Backward backward, float lossScale) {
    boolean oneMask = batch.isOneWithOneMask();
    boolean noLabel = batch.hasNoLabel();
    network.setInput(batch.features());
    network.setLabels(batch.labels());
    network.setLayerMaskArrays(batch.featuresMask(), oneMask ? null : batch.labelsMask());
    wantInputGradient(network, false);
    try (var ignored =
            TrainingPass.begin(
                network.getIterationCount(), batch.keys(), noLabel ? null : backward, lossScale);
        StackedPass stacked = StackedPass.begin(network)) {
      network.computeGradientAndScore();
    }
    wantInputGradient(network, true);
    double loss = network.score();
    if (noLabel) {
      network.getFlattenedGradients().assign(0);
      loss = network.calcRegularizationScore(true);
    }
    network.clearLayerMaskArrays();
    network.clearLayersStates();
    return loss;
  }

  /** Whether a batch has no label that counts, so that its gradient is zero. */
  public static boolean isZero(Batch batch) {
    return batch.hasNoLabel();
  }

  private static void wantInputGradient(MultiLayerNetwork network, boolean wanted) {
    if (network.getLayer(0) instanceof InputGradient layer) {
      layer.inputGradient(wanted);
    }
  }
}
