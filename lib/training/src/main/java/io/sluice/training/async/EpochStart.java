package io.sluice.training.async;

import io.sluice.recurrent.optim.GlobalNormClipping;
import java.io.Serializable;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
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
    INDArray optimizer = network.getUpdater().getStateViewArray();
    return new EpochStart(
        epoch,
        network.params().dup('c').data().asFloat(),
        optimizer == null ? new float[0] : optimizer.dup('c').data().asFloat(),
        network.getIterationCount(),
        learningRate);
  }

  void applyTo(MultiLayerNetwork network) {
    network.params().assign(row(parameters));
    if (optimizer.length > 0) {
      network.getUpdater().getStateViewArray().assign(row(optimizer));
    }
    network.getLayerWiseConfigurations().setIterationCount(step);
    GlobalNormClipping.setLearningRate(network, learningRate);
  }

  private static INDArray row(float[] values) {
    return Nd4j.create(values, new long[] {1, values.length}, 'c');
  }
}
