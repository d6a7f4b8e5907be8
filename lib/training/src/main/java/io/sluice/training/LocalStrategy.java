package io.sluice.training;

import io.sluice.recurrent.dropout.ExampleKeys;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.optim.Batch;
import io.sluice.recurrent.optim.GlobalNormClipping;
import io.sluice.recurrent.optim.Replicas;
import io.sluice.recurrent.optim.TrainingStep;
import io.sluice.scoring.bundle.BatchArrays;
import io.sluice.sequences.dataset.WindowBatch;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.dataset.DataSet;

/** Steps in this process, one global batch each, which its threads share. */
final class LocalStrategy implements Strategy {
  private final Windows windows;
  private final BatchArrays arrays;
  private final StepPlan plan;
  private final long seed;
  private final Replicas replicas;
  private final TrainingStep step;

  /**
   * @param network the one that will be trained
   * @param threads that share a batch
   * @param microBatches that each thread cuts its share into
   */
  LocalStrategy(
      MultiLayerNetwork network,
      Windows windows,
      ModelSpec spec,
      StepPlan plan,
      long seed,
      int threads,
      int microBatches) {
    this.windows = windows;
    this.arrays = new BatchArrays(windows.contract(), spec);
    this.plan = plan;
    this.seed = seed;
    this.replicas = new Replicas(network, threads);
    this.step = new TrainingStep(replicas, microBatches);
  }

  @Override
  public double train(MultiLayerNetwork network, int epoch, RunLog run) {
    requireOwn(network);
    double lossSum = 0;
    long seen = 0;
    try (Windows.Batches batches = windows.shuffled(plan.batchSize(), seed, epoch, 0, 1)) {
      while (batches.hasNext()) {
        WindowBatch batch = batches.next();
        DataSet data = arrays.dataSet(batch);
        long[] keys = ExampleKeys.of(seed, epoch, seen, batch.size());
        double loss =
            step.run(
                new Batch(data.getFeatures(), data.getLabels(), data.getLabelsMaskArray(), keys));
        run.steps(1, batch.size(), loss, GlobalNormClipping.lastNorm(network));
        lossSum += loss * batch.size();
        seen += batch.size();
      }
    }
    return lossSum / seen;
  }

  @Override
  public double validationLoss(MultiLayerNetwork network) {
    requireOwn(network);
    var loss = new ValidationLoss(windows, arrays, plan.batchSize());
    return replicas.each((replica, rank) -> loss.of(replica, rank, replicas.count())).stream()
        .reduce(new ValidationLoss.Sum(0, 0), ValidationLoss.Sum::plus)
        .mean();
  }

  private void requireOwn(MultiLayerNetwork network) {
    if (network != replicas.network()) {
      throw new IllegalArgumentException("The network is not the one this strategy was made for");
    }
  }

  @Override
  public void close() {
    replicas.close();
  }
}
