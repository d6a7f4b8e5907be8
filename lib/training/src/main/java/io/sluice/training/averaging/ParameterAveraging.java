package io.sluice.training.averaging;

import io.sluice.training.checkpoint.Checkpoint;
import io.sluice.training.checkpoint.CheckpointWriter;
import io.sluice.training.loop.RunPlan;
import io.sluice.training.loop.Strategy;
import io.sluice.training.loop.TrainingLoop;
import java.util.Optional;
import org.apache.spark.api.java.JavaSparkContext;

/** The loop on the driver, whose steps Spark tasks take on their own and then average. */
public final class ParameterAveraging implements Strategy {
  private final JavaSparkContext spark;
  private final RunPlan plan;
  private final int workers;
  private final int frequency;

  /**
   * @param workers tasks that share each batch
   * @param frequency steps between two averages
   */
  public ParameterAveraging(JavaSparkContext spark, RunPlan plan, int workers, int frequency) {
    this.spark = spark;
    this.plan = plan;
    this.workers = workers;
    this.frequency = frequency;
  }

  @Override
  public Checkpoint run(Checkpoint start, Surroundings around) {
    try (var stepper =
            new AveragingStepper(
                spark, new WorkerPlan(plan, workers), frequency, around.stopAsked());
        var writer =
            new CheckpointWriter(
                around.checkpoints(), around.guard(), around.observer()::checkpointed)) {
      return new TrainingLoop(plan, stepper, start, Optional.of(writer), around.observer()).run();
    }
  }
}
