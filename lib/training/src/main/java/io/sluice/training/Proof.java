package io.sluice.training;

import io.sluice.failure.OperationFailedException;
import io.sluice.training.checkpoint.Checkpoint.Position;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.factory.Nd4j;

/** What a run must show before its result is published. */
final class Proof {
  private Proof() {}

  /**
   * Refuses a run that learned nothing or whose numbers are not finite.
   *
   * @param network holds the parameters to be published
   * @param initial (P) the parameters it started from
   * @param at where the run ended
   * @return L2 distance between the two
   */
  static double of(
      MultiLayerNetwork network, float[] initial, Position at, TrainSettings settings) {
    double moved =
        network.params().distance2(Nd4j.create(initial, new long[] {1, initial.length}, 'c'));
    if (!Double.isFinite(moved) || !Double.isFinite(network.params().norm2Number().doubleValue())) {
      throw new OperationFailedException(
          "Training ended with parameters that are not finite after %d steps (validation loss %s). Nothing was published. Lower train.learning-rate or set train.max-gradient-norm."
              .formatted(at.step(), at.validationLoss()));
    }
    if (moved == 0) {
      throw new OperationFailedException(
          "Training ended with the parameters it began with after %d steps (train loss %s, learning rate %s). Nothing was published. Raise train.learning-rate or train.epochs, and see whether the targets of %s vary."
              .formatted(
                  at.step(),
                  at.trainLoss(),
                  settings.optimizer().learningRate(),
                  settings.datasetPath()));
    }
    if (!Double.isFinite(at.bestLoss())) {
      throw new OperationFailedException(
          "Training ended without a finite validation loss after %d epochs. Nothing was published. Look for extreme values in the validation split of %s."
              .formatted(at.epoch(), settings.datasetPath()));
    }
    return moved;
  }
}
