package io.sluice.training;

import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.layer.KernelMemory;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.scoring.bundle.BatchArrays;
import java.io.Serializable;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.util.SerializableConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What a worker on an executor needs to know, sent once.
 *
 * @param runId keeps runs in one executor apart
 * @param source where the windows are
 * @param hadoop how to reach them
 * @param spec of the network
 * @param optimizer of the network
 * @param plan which global batches an epoch has
 * @param seed of order and dropout
 * @param threads that share a worker's batch
 * @param microBatches that each thread cuts its share into
 */
record WorkerPlan(
    String runId,
    WindowsSource source,
    SerializableConfiguration hadoop,
    ModelSpec spec,
    OptimizerSpec optimizer,
    StepPlan plan,
    long seed,
    int threads,
    int microBatches)
    implements Serializable {

  Windows windows() {
    Configuration configuration = hadoop.value();
    return source.open(configuration);
  }

  /** A network of its own with these parameters (P). */
  MultiLayerNetwork network(float[] parameters) {
    NativeThreads.set(1);
    MultiLayerNetwork network = Networks.create(spec, optimizer, seed);
    network.setParams(Nd4j.create(parameters, new long[] {1, parameters.length}, 'c'));
    return network;
  }

  /** This worker's part of the validation loss, of a network with these parameters. */
  ValidationLoss.Sum validationLoss(float[] parameters, int worker) {
    MultiLayerNetwork network = network(parameters);
    Windows windows = windows();
    var arrays = new BatchArrays(windows.contract(), spec);
    try {
      return new ValidationLoss(windows, arrays, plan.batchSize())
          .of(network, worker, plan.workers());
    } finally {
      KernelMemory.free(network);
    }
  }
}
