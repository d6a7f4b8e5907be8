package io.sluice.training.loop;

import io.sluice.training.checkpoint.Checkpoint;
import io.sluice.training.checkpoint.CheckpointStore;
import io.sluice.training.checkpoint.CheckpointWriter;
import java.util.function.BooleanSupplier;

/** Where the loop of a run takes place. */
public interface Strategy {

  /**
   * Trains until the run's last step, or until it is asked to stop.
   *
   * @param start where the run goes on, or begins
   * @return where it stands then, which its newest checkpoint says too
   */
  Checkpoint run(Checkpoint start, Surroundings around);

  /**
   * What a run has around it, in the process that started it.
   *
   * @param checkpoints where they are kept
   * @param guard of the folder they are kept in
   * @param observer told how the run goes on
   * @param stopAsked whether it is asked to write a checkpoint and end
   */
  record Surroundings(
      CheckpointStore checkpoints,
      CheckpointWriter.Guard guard,
      RunObserver observer,
      BooleanSupplier stopAsked) {}
}
