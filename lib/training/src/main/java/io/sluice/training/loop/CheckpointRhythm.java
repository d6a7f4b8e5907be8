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

  /**
   * @param epoch epochs finished
   */
  boolean isDueAfterEpoch(int epoch) {
    return epoch % plan.everyEpochs() == 0;
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
