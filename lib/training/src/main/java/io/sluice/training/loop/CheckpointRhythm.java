package io.sluice.training.loop;

import io.sluice.training.checkpoint.Checkpoint.Position;
import java.util.Optional;

/** When a checkpoint is due: so many steps, minutes or epochs after the one before. */
final class CheckpointRhythm {
  private final RunPlan.Checkpoints plan;
  private final boolean resumed;
  private Position last;
  private long lastNanos = System.nanoTime();

  /**
   * @param start where the run went on, or began
   */
  CheckpointRhythm(RunPlan.Checkpoints plan, Position start) {
    this.plan = plan;
    this.last = start;
    this.resumed = start.step() > 0;
  }

  /**
   * @param step steps finished, over all epochs
   */
  boolean isDueAfterStep(long step) {
    return plan.everySteps() > 0 && step - last.step() >= plan.everySteps()
        || plan.every().toNanos() > 0 && System.nanoTime() - lastNanos >= plan.every().toNanos();
  }

  boolean isDueAfterEpoch(Position at) {
    return at.epoch() % plan.everyEpochs() == 0 || isDueAfterStep(at.step());
  }

  void saved(Position at) {
    last = at;
    lastNanos = System.nanoTime();
  }

  /** Where the newest checkpoint stands; empty before the first of a run. */
  Optional<Position> lastSaved() {
    return last.step() > 0 || resumed ? Optional.of(last) : Optional.empty();
  }
}
