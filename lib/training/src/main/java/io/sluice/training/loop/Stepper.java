package io.sluice.training.loop;

import io.sluice.recurrent.optim.LossScale;
import io.sluice.training.checkpoint.Checkpoint.Position;
import java.util.Iterator;
import java.util.OptionalDouble;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.schedule.ISchedule;

/**
 * Who computes the steps of an epoch, and how. What comes before, between and after them is the
 * {@link TrainingLoop}'s.
 */
public interface Stepper extends AutoCloseable {

  /** The network that its steps train, in place: parameters, optimizer state and step number. */
  MultiLayerNetwork network();

  /**
   * The rest of an epoch.
   *
   * @param from its epoch and the steps of it that are finished
   * @param learningRate by step
   */
  Steps steps(Position from, ISchedule learningRate);

  /**
   * Asks that a checkpoint can follow the next step: that it holds nothing back, and that whoever
   * has a part in checkpoints knows. A stepper that never holds anything back, in a process that
   * has all of the network, has nothing to do.
   */
  default void askForCheckpoint() {}

  /**
   * What streams carry into the next step, those of all ranks; empty where nothing is carried.
   * Asked for where a checkpoint follows the last step.
   */
  default float[] carriedStates() {
    return new float[0];
  }

  /** Goes on within an epoch from what streams carried; before the first call of {@link #steps}. */
  default void carry(float[] states) {
    throw new IllegalStateException("Nothing carries states from step to step here");
  }

  /** The loss scale of its next step; null where nothing is computed in half precision. */
  default LossScale lossScale() {
    return null;
  }

  /** Mean loss over the validation windows, or tokens, without dropout. */
  double validationLoss();

  /**
   * Refuses to go on if another process that should have the same parameters has others.
   *
   * @param step steps finished
   */
  void requireAgreement(long step);

  /** Frees what it holds. */
  @Override
  void close();

  /** Takes a step, or a few, with each call of {@code next}. Closed where it is not used up. */
  interface Steps extends Iterator<Taken>, AutoCloseable {
    @Override
    void close();
  }

  /**
   * @param count steps that were taken; 1, unless parameters are averaged less often
   * @param windows they learned from, together, over all ranks; of streams, tokens
   * @param loss mean over the windows of the last of them, or its tokens
   * @param gradientNorm of the last of them, before clipping; empty where it was not measured, or
   *     that step was left out
   * @param time where the time of this process went
   * @param stopAsked whether someone asks the run to stop; the same on all ranks
   * @param checkpoint whether one may follow; the same on all ranks
   */
  record Taken(
      int count,
      long windows,
      double loss,
      OptionalDouble gradientNorm,
      StepTime time,
      boolean stopAsked,
      Following checkpoint) {

    /** Of a stepper that holds nothing back, where the loop has all of the network. */
    public Taken(
        int count,
        long windows,
        double loss,
        OptionalDouble gradientNorm,
        StepTime time,
        boolean stopAsked) {
      this(count, windows, loss, gradientNorm, time, stopAsked, Following.AS_DUE);
    }
  }

  /** Whether a checkpoint follows some steps. */
  enum Following {
    /** None: gradients are held back, or nobody asked whose word counts. */
    NOT,
    /** If the loop finds that one is due. */
    AS_DUE,
    /** One that several ranks have agreed on, because each has a part of it. */
    AGREED
  }
}
