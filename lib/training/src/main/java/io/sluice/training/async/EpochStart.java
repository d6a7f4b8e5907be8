package io.sluice.training.async;

import io.sluice.recurrent.optim.FlatFloats;
import io.sluice.recurrent.optim.GlobalNormClipping;
import java.io.Serializable;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.schedule.ISchedule;

/**
 * The driver's network as an epoch begins, which every worker starts from.
 *
 * @param epoch from 0
 * @param parameters (P)
 * @param optimizer (S), empty for plain gradient descent
 * @param step steps finished
 * @param learningRate by step
 */
record EpochStart(
    int epoch, float[] parameters, float[] optimizer, int step, ISchedule learningRate)
    implements Serializable {

  static EpochStart of(MultiLayerNetwork network, int epoch, ISchedule learningRate) {
    return new EpochStart(
        epoch,
        FlatFloats.of(network.params()),
        FlatFloats.of(network.getUpdater().getStateViewArray()),
        network.getIterationCount(),
        learningRate);
  }

  void applyTo(MultiLayerNetwork network) {
    FlatFloats.put(parameters, network.params());
    if (optimizer.length > 0) {
      FlatFloats.put(optimizer, network.getUpdater().getStateViewArray());
    }
    network.getLayerWiseConfigurations().setIterationCount(step);
    GlobalNormClipping.setLearningRate(network, learningRate);
  }
}
