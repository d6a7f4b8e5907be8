package io.sluice.training.async;

import io.sluice.training.checkpoint.Checkpoint;
import io.sluice.training.checkpoint.CheckpointWriter;
import io.sluice.training.loop.RunPlan;
import io.sluice.training.loop.Strategy;
import io.sluice.training.loop.TrainingLoop;
import java.util.Optional;
import org.apache.spark.api.java.JavaSparkContext;

/** The loop on the driver, to which workers send what their steps changed, an epoch at a time. */
public final class AsyncStrategy implements Strategy {
  private final JavaSparkContext spark;
  private final RunPlan plan;
  private final int workers;
  private final AsyncSettings settings;

  /**
   * @param workers tasks that share each batch
   */
  public AsyncStrategy(JavaSparkContext spark, RunPlan plan, int workers, AsyncSettings settings) {
    this.spark = spark;
    this.plan = plan;
    this.workers = workers;
    this.settings = settings;
  }

  @Override
  public Checkpoint run(Checkpoint start, Surroundings around) {
    if (plan.isLast(start.position())) {
      return start;
    }
    try (var stepper = new AsyncStepper(spark, plan, workers, settings, around.stopAsked());
        var writer =
            new CheckpointWriter(
                around.checkpoints(), around.guard(), around.observer()::checkpointed)) {
      return new TrainingLoop(plan, stepper, start, Optional.of(writer), around.observer()).run();
    }
  }
}
