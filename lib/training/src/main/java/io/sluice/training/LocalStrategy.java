package io.sluice.training;

import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.optim.GlobalNormClipping;
import io.sluice.recurrent.optim.TrainingStep;
import io.sluice.scoring.bundle.BatchArrays;
import io.sluice.sequences.dataset.WindowBatch;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/** Steps in this process, one global batch each. */
final class LocalStrategy implements Strategy {
  private final Windows windows;
  private final BatchArrays arrays;
  private final StepPlan plan;
  private final long seed;

  LocalStrategy(Windows windows, ModelSpec spec, StepPlan plan, long seed) {
    this.windows = windows;
    this.arrays = new BatchArrays(windows.contract(), spec);
    this.plan = plan;
    this.seed = seed;
  }

  @Override
  public double train(MultiLayerNetwork network, int epoch, RunLog run) {
    // dropout draws from ND4J's generator: seeding it by epoch makes resuming exact
    Nd4j.getRandom().setSeed(DropoutSeed.of(seed, epoch));
    var step = new TrainingStep(network);
    double lossSum = 0;
    long seen = 0;
    try (Windows.Batches batches = windows.shuffled(plan.batchSize(), seed, epoch, 0, 1)) {
      while (batches.hasNext()) {
        WindowBatch batch = batches.next();
        DataSet data = arrays.dataSet(batch);
        double loss = step.run(data.getFeatures(), data.getLabels(), data.getLabelsMaskArray());
        run.steps(1, batch.size(), loss, GlobalNormClipping.lastNorm(network));
        lossSum += loss * batch.size();
        seen += batch.size();
      }
    }
    return lossSum / seen;
  }

  @Override
  public double validationLoss(MultiLayerNetwork network) {
    return new ValidationLoss(windows, arrays, plan.batchSize()).of(network, 0, 1).mean();
  }

  @Override
  public void close() {
    // holds nothing
  }
}
