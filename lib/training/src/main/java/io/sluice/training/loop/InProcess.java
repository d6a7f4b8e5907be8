package io.sluice.training.loop;

import io.sluice.training.checkpoint.Checkpoint;
import io.sluice.training.checkpoint.CheckpointWriter;
import java.util.Optional;

/** The loop in the process that started the run, on whole batches, which its threads share. */
public final class InProcess implements Strategy {
  private final RunPlan plan;

  public InProcess(RunPlan plan) {
    this.plan = plan;
  }

  @Override
  public Checkpoint run(Checkpoint start, Surroundings around) {
    try (var stepper = new GradientStepper(plan, around.stopAsked());
        var writer =
            new CheckpointWriter(
                around.checkpoints(), around.guard(), around.observer()::checkpointed)) {
      return new TrainingLoop(plan, stepper, start, Optional.of(writer), around.observer()).run();
    }
  }
}
