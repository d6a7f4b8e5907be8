package io.sluice.recurrent.optim;

import io.sluice.recurrent.embedding.RowGradient;
import io.sluice.recurrent.layer.CarriedStates;
import io.sluice.recurrent.layer.InputGradient;
import io.sluice.recurrent.layer.StackedPass;
import io.sluice.recurrent.pass.TrainingPass;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** The gradient of some examples' losses, in one forward and backward pass of a network. */
public final class BatchGradient {
  private BatchGradient() {}

  /**
   * Leaves ∂(sum of the examples' losses)/∂w in the network's flat gradient; where the network
   * keeps which rows are touched, adds it to them ({@link RowGradient#keepTouched}).
   *
   * @param batch at least 1 example; its states are left for {@link CarriedStates#advance}
   * @param backward told how far the pass has come back; null is nobody. Not told where nothing but
   *     zeros are left.
   * @param lossScale what gradients are multiplied by inside of layers in half precision
   * @return the mean of the losses, with what regularisation adds
   */
  public static double of(
      MultiLayerNetwork network, Batch batch, TrainingPass.Backward backward, float lossScale) {
    if (batch.hasNoLabel()) {
      zero(network);
      return network.calcRegularizationScore(true);
    }
    network.setInput(batch.features());
    network.setLabels(batch.labels());
    network.setLayerMaskArrays(
        batch.featuresMask(), batch.isOneWithOneMask() ? null : batch.labelsMask());
    wantInputGradient(network, false);
    try (CarriedStates.Bound carried =
            batch.states() == null ? null : batch.states().bind(network);
        var ignored =
            TrainingPass.begin(network.getIterationCount(), batch.keys(), backward, lossScale);
        StackedPass stacked = StackedPass.begin(network)) {
      network.computeGradientAndScore();
    }
    wantInputGradient(network, true);
    double loss = network.score();
    network.clearLayerMaskArrays();
    network.clearLayersStates();
    return loss;
  }

  private static void zero(MultiLayerNetwork network) {
    INDArray gradient = ParameterUpdate.gradient(network);
    long kept =
        RowGradient.of(network)
            .filter(RowGradient::keepsTouched)
            .map(layer -> (long) layer.rows() * layer.rowSize())
            .orElse(0L);
    gradient.get(NDArrayIndex.interval(kept, gradient.length())).assign(0);
  }

  /** Whether a batch has no label that counts, so that its gradient is zero. */
  public static boolean isZero(Batch batch) {
    return batch.hasNoLabel();
  }

  /** Above an embedding that is frozen nobody reads it either. */
  private static void wantInputGradient(MultiLayerNetwork network, boolean wanted) {
    int lowest = RowGradient.of(network).filter(RowGradient::isFrozen).isPresent() ? 1 : 0;
    if (lowest < network.getnLayers() && network.getLayer(lowest) instanceof InputGradient layer) {
      layer.inputGradient(wanted);
    }
  }
}
