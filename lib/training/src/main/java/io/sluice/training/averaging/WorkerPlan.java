package io.sluice.training.averaging;

import io.sluice.training.loop.RunPlan;
import java.io.Serializable;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What a worker on an executor needs to know, sent once.
 *
 * @param workers that share each batch
 */
record WorkerPlan(RunPlan run, int workers) implements Serializable {

  /** A network of its own with these parameters (P). */
  MultiLayerNetwork network(float[] parameters) {
    MultiLayerNetwork network = run.network();
    network.setParams(Nd4j.create(parameters, new long[] {1, parameters.length}, 'c'));
    return network;
  }

  /**
   * How much a worker counts in an average, 1 in the mean over the workers: its windows of the
   * steps since the last one.
   *
   * @param first step of the epoch, from 0
   * @param steps how many
   */
  double weight(int worker, int first, int steps) {
    long own = 0;
    long all = 0;
    for (int step = first; step < first + steps; step++) {
      own += run.dealing().shareSize(run.steps().windows(), step, worker, workers);
      all += run.steps().windowsAt(step);
    }
    return (double) own * workers / all;
  }
}
