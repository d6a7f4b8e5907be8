package io.sluice.training.loop;

import io.sluice.training.checkpoint.Checkpoint.Position;
import java.util.List;
import java.util.OptionalDouble;

/** Who is told how a run goes on. */
public interface RunObserver {
  /** Tells nobody: what all ranks but one have. */
  RunObserver NOBODY =
      new RunObserver() {
        @Override
        public void restartsAt(Position at) {}

        @Override
        public void stepsDone(StepsDone done) {}

        @Override
        public void epochDone(EpochDone done) {}

        @Override
        public void checkpointed(String uri) {}
      };

  /**
   * It is known where the run computes, at its beginning and after a failure.
   *
   * @param devices of each rank, as a person reads them
   */
  default void devicesKnown(List<String> devices) {}

  /** After a failure the run goes on from here; what was told of later steps did not happen. */
  void restartsAt(Position at);

  /** Steps are done. */
  void stepsDone(StepsDone done);

  /** An epoch's steps and its validation are done. */
  void epochDone(EpochDone done);

  /** A checkpoint is there. May be called by another thread than the rest. */
  void checkpointed(String uri);

  /**
   * @param epoch that the steps belong to, from 1
   * @param step steps finished, over all epochs
   * @param count steps since the last time
   * @param windows they learned from
   * @param loss of the last of them
   * @param gradientNorm of the last of them; null where it was not measured
   * @param learningRate of the last of them
   * @param time where it went
   */
  record StepsDone(
      int epoch,
      long step,
      int count,
      long windows,
      double loss,
      Double gradientNorm,
      double learningRate,
      StepTime time) {
    public OptionalDouble norm() {
      return gradientNorm == null ? OptionalDouble.empty() : OptionalDouble.of(gradientNorm);
    }
  }

  /**
   * @param at where the run stands
   * @param best whether its parameters are the best so far
   * @param learningRateOfLast of the epoch's last step
   * @param learningRate of the next step
   * @param rateBefore of the next step, had the epoch changed nothing
   */
  record EpochDone(
      Position at,
      boolean best,
      double learningRateOfLast,
      double learningRate,
      double rateBefore) {}
}
