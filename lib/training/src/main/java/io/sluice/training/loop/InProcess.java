package io.sluice.training.loop;

import io.sluice.training.checkpoint.Checkpoint;
import io.sluice.training.checkpoint.CheckpointWriter;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/** The loop in the process that started the run, wherever its steps are computed. */
public final class InProcess implements Strategy {
  private final RunPlan plan;
  private final Function<BooleanSupplier, Stepper> open;

  /**
   * @param open opens what takes the steps, told whether the run is asked to stop; not called where
   *     nothing is left to train
   */
  public InProcess(RunPlan plan, Function<BooleanSupplier, Stepper> open) {
    this.plan = plan;
    this.open = open;
  }

  @Override
  public Checkpoint run(Checkpoint start, Surroundings around) {
    if (plan.isLast(start.position())) {
      return start;
    }
    try (var stepper = open.apply(around.stopAsked());
        var writer =
            new CheckpointWriter(
                around.checkpoints(), around.guard(), around.observer()::checkpointed)) {
      return new TrainingLoop(plan, stepper, start, Optional.of(writer), around.observer()).run();
    }
  }
}
