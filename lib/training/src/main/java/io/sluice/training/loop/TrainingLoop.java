package io.sluice.training.loop;

import io.sluice.failure.OperationFailedException;
import io.sluice.recurrent.optim.ParameterHash;
import io.sluice.training.checkpoint.Checkpoint;
import io.sluice.training.checkpoint.CheckpointWriter;
import io.sluice.training.loop.RunObserver.EpochDone;
import io.sluice.training.loop.RunObserver.StepsDone;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import org.nd4j.linalg.schedule.ISchedule;

/**
 * The loop of a run: steps, validation, early stopping, checkpoints. It runs once in every process
 * that computes, and each makes the same decisions, because each sees the same losses; one of them
 * writes the checkpoints, or each of several its part of them, and one tells an observer.
 */
public final class TrainingLoop {
  /** Steps between two looks at whether all ranks have the same parameters. */
  private static final int AGREE_EVERY = 100;

  private final RunPlan plan;
  private final Stepper stepper;
  private final RunState state;
  private final Optional<CheckpointWriter> writer;
  private final RunObserver observer;
  private final CheckpointRhythm rhythm;
  private final double secondsBefore;
  private final long startNanos = System.nanoTime();
  private final long hashAtStart;
  private double lastFinite = Double.NaN;
  private boolean hasMoved;
  private boolean checkpointIsDue;

  /**
   * @param start where the run goes on, or begins
   * @param writer of a process that writes checkpoints, or its part of them
   */
  public TrainingLoop(
      RunPlan plan,
      Stepper stepper,
      Checkpoint start,
      Optional<CheckpointWriter> writer,
      RunObserver observer) {
    this.plan = plan;
    this.stepper = stepper;
    this.state = new RunState(plan, stepper.network(), start);
    this.writer = writer;
    this.observer = observer;
    this.rhythm = new CheckpointRhythm(plan.checkpoints(), start.position());
    this.secondsBefore = start.position().trainSeconds();
    if (start.carriedStates().length > 0) {
      stepper.carry(start.carriedStates());
    }
    this.hashAtStart = ParameterHash.of(stepper.network().params());
  }

  /**
   * Trains until the last epoch, until early stopping says so, or until someone asks to stop.
   *
   * @return where the run stands then, which is also its last checkpoint
   */
  public Checkpoint run() {
    while (!state.isLast()) {
      if (takeSteps()) {
        save();
        break;
      }
      validate();
      if (state.isLast() || checkpointIsDue || rhythm.isDueAfterEpoch(state.position().epoch())) {
        save();
      }
    }
    writer.ifPresent(CheckpointWriter::finish);
    return state.snapshot(stepper.carriedStates());
  }

  /**
   * The rest of the epoch under way.
   *
   * @return whether someone asked to stop
   */
  private boolean takeSteps() {
    ISchedule learningRate = state.learningRate();
    try (Stepper.Steps steps = stepper.steps(state.position(), learningRate)) {
      while (steps.hasNext()) {
        if (writer.isPresent() && rhythm.isDueAfterStep(state.position().step() + 1)) {
          stepper.askForCheckpoint();
        }
        Stepper.Taken taken = steps.next();
        requireFinite(taken, learningRate);
        state.stepsDone(taken, stepper.lossScale(), seconds());
        requireSound(taken);
        observer.stepsDone(told(taken, learningRate));
        if (taken.stopAsked()) {
          return true;
        }
        checkpointIsDue = isDue(taken.checkpoint());
        if (checkpointIsDue && !state.isAtEndOfEpoch()) {
          save();
        }
      }
    }
    return false;
  }

  private boolean isDue(Stepper.Following checkpoint) {
    return switch (checkpoint) {
      case NOT -> false;
      case AS_DUE -> rhythm.isDueAfterStep(state.position().step());
      case AGREED -> true;
    };
  }

  private void validate() {
    ISchedule before = state.learningRate();
    state.swapAverage();
    boolean best = state.epochDone(stepper.validationLoss(), seconds());
    state.swapAverage();
    int next = Math.toIntExact(state.position().step());
    observer.epochDone(
        new EpochDone(
            state.position(),
            best,
            before.valueAt(Math.max(0, next - 1), 0),
            state.learningRate().valueAt(next, 0),
            before.valueAt(next, 0)));
  }

  private void save() {
    writer.ifPresent(w -> w.save(state.snapshot(stepper.carriedStates())));
    rhythm.saved(state.position());
  }

  private StepsDone told(Stepper.Taken taken, ISchedule learningRate) {
    long step = state.position().step();
    OptionalDouble norm = taken.gradientNorm();
    return new StepsDone(
        state.position().epoch() + 1,
        step,
        taken.count(),
        taken.windows(),
        taken.loss(),
        norm.isPresent() ? norm.getAsDouble() : null,
        learningRate.valueAt((int) step - 1, 0),
        taken.time());
  }

  /** After the first step, the last of an epoch and every few between. */
  private void requireSound(Stepper.Taken taken) {
    long step = state.position().step();
    if (!hasMoved && taken.gradientNorm().orElse(0) > 0) {
      hasMoved = ParameterHash.of(stepper.network().params()) != hashAtStart;
      if (!hasMoved) {
        throw new OperationFailedException(
            String.format(
                Locale.ROOT,
                "Step %d left all parameters as they were (loss %.4g, gradient norm %.3g, lr %.1e). Raise train.learning-rate.",
                step,
                taken.loss(),
                taken.gradientNorm().getAsDouble(),
                state.learningRate().valueAt((int) step - 1, 0)));
      }
      stepper.requireAgreement(step);
    } else if (step / AGREE_EVERY != (step - taken.count()) / AGREE_EVERY
        || state.isAtEndOfEpoch()) {
      stepper.requireAgreement(step);
    }
  }

  private void requireFinite(Stepper.Taken taken, ISchedule learningRate) {
    if (Double.isFinite(taken.loss())) {
      lastFinite = taken.loss();
      return;
    }
    long before = state.position().step();
    long step = before + taken.count();
    throw new OperationFailedException(
        String.format(
            Locale.ROOT,
            "Loss became %s at step %d (last finite %s at %d%s, lr %.1e). %s Lower train.learning-rate or set train.max-gradient-norm.",
            Double.isNaN(taken.loss()) ? "NaN" : "infinite",
            step,
            Double.isNaN(lastFinite) ? "none" : "%.4g".formatted(lastFinite),
            before,
            taken.gradientNorm().isPresent()
                ? ", gradient norm %.1e".formatted(taken.gradientNorm().getAsDouble())
                : "",
            learningRate.valueAt((int) step - 1, 0),
            rhythm
                .lastSaved()
                .map(
                    saved ->
                        "The last checkpoint, of step %d, is in %s."
                            .formatted(saved.step(), plan.checkpoints().uri()))
                .orElse("No checkpoint was written yet.")));
  }

  private double seconds() {
    return secondsBefore + (System.nanoTime() - startNanos) / 1e9;
  }
}
