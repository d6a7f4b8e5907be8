package io.sluice.training.loop;

import io.sluice.failure.OperationFailedException;
import io.sluice.recurrent.optim.AverageTrigger;
import io.sluice.recurrent.optim.FlatFloats;
import io.sluice.recurrent.optim.LossScale;
import io.sluice.recurrent.optim.WeightAverage;
import io.sluice.training.checkpoint.Checkpoint;
import io.sluice.training.checkpoint.Checkpoint.Position;
import java.util.ArrayList;
import java.util.Optional;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.schedule.ISchedule;

/**
 * Where a run stands, in one process: what a checkpoint holds, on its way in and out of a network.
 * Every rank comes to the same state by itself, because all see the same losses.
 */
final class RunState {
  private final RunPlan plan;
  private final MultiLayerNetwork network;

  /** Empty where none is kept, or where it has not begun. */
  private Optional<WeightAverage> average = Optional.empty();

  private Position position;
  private float[] bestParameters;

  /** Puts a checkpoint into a network. */
  RunState(RunPlan plan, MultiLayerNetwork network, Checkpoint start) {
    this.plan = plan;
    this.network = network;
    this.position = start.position();
    this.bestParameters = start.bestParameters();
    FlatFloats.put(start.parameters(), network.params());
    if (start.optimizer().length > 0) {
      FlatFloats.put(start.optimizer(), network.getUpdater().getStateViewArray());
    }
    network
        .getLayerWiseConfigurations()
        .setIterationCount(Math.toIntExact(start.position().step()));
    if (start.averageParameters().length > 0) {
      beginAverage();
      long before = plan.averageIsTriggered() ? position.averageTrigger().from() : 0;
      average.orElseThrow().restore(start.averageParameters(), start.position().step() - before);
    }
  }

  private void beginAverage() {
    average = Optional.of(new WeightAverage(plan.averageDecay(), network.params()));
  }

  /** What a run begins with: the network as it is. */
  static Checkpoint initial(RunPlan plan, MultiLayerNetwork network) {
    float[] parameters = FlatFloats.of(network.params());
    return new Checkpoint(
        Position.START,
        plan.settings(),
        parameters,
        FlatFloats.of(network.getUpdater().getStateViewArray()),
        new float[plan.averagesFromTheStart() ? parameters.length : 0],
        parameters);
  }

  /**
   * Takes in what some steps brought.
   *
   * @param lossScale of the next step; null where there is none
   */
  void stepsDone(Stepper.Taken taken, LossScale lossScale, double seconds) {
    if (average.isEmpty()
        && position.averageTrigger() != null
        && position.averageTrigger().hasBegun()) {
      beginAverage();
    }
    average.ifPresent(a -> a.add(network.params()));
    position =
        new Position(
            position.epoch(),
            position.stepOfEpoch() + taken.count(),
            position.step() + taken.count(),
            position.lossSum() + taken.loss() * taken.windows(),
            position.windowsOfEpoch() + taken.windows(),
            position.trainLoss(),
            position.validationLoss(),
            position.bestEpoch(),
            position.bestLoss(),
            position.epochsSinceBest(),
            seconds,
            position.rateReductions(),
            position.epochsOnPlateau(),
            lossScale,
            position.averageTrigger());
  }

  /** Puts the average of the parameters, where one is kept, into the network, and back again. */
  void swapAverage() {
    average.ifPresent(a -> a.swapWith(network.params()));
  }

  /**
   * Takes in what the validation after an epoch's last step brought, and keeps the parameters if
   * they are the best so far.
   *
   * @return whether they are
   */
  boolean epochDone(double validation, double seconds) {
    int epoch = position.epoch() + 1;
    double loss = position.meanLoss();
    if (!Double.isFinite(validation)) {
      throw new OperationFailedException(
          "Validation loss is %s after epoch %d, with a train loss of %.4g. Look for extreme values in the validation split, or lower train.learning-rate."
              .formatted(validation, epoch, loss));
    }
    boolean best = plan.stopping().isBetter(validation, position.bestLoss());
    if (best) {
      bestParameters = FlatFloats.of(network.params());
    }
    int onPlateau = best ? 0 : position.epochsOnPlateau() + 1;
    boolean lowersRate = plan.lowersRateAfter(onPlateau);
    var reductions = new ArrayList<>(position.rateReductions());
    if (lowersRate) {
      reductions.add(Math.toIntExact(position.step()));
    }
    position =
        new Position(
            epoch,
            0,
            position.step(),
            0,
            0,
            loss,
            validation,
            best ? epoch : position.bestEpoch(),
            best ? validation : position.bestLoss(),
            best ? 0 : position.epochsSinceBest() + 1,
            seconds,
            reductions,
            lowersRate ? 0 : onPlateau,
            position.lossScale(),
            averageTrigger(validation));
    return best;
  }

  /** After a validation; null where no average waits for its time. */
  private AverageTrigger averageTrigger(double validation) {
    if (!plan.averageIsTriggered()) {
      return null;
    }
    AverageTrigger trigger =
        position.averageTrigger() == null ? AverageTrigger.FIRST : position.averageTrigger();
    return trigger.next(
        validation, plan.stopping()::isBetter, plan.averagePatience(), position.step());
  }

  /** The learning rate by step, as far as it is known after the last epoch. */
  ISchedule learningRate() {
    return plan.optimizer().learningRateSchedule(position.rateReductions());
  }

  /** Whether no step follows. */
  boolean isLast() {
    return plan.isLast(position);
  }

  /** All steps of the epoch under way are done; validation is not. */
  boolean isAtEndOfEpoch() {
    return position.stepOfEpoch() >= plan.steps().stepsPerEpoch();
  }

  Position position() {
    return position;
  }

  /**
   * A copy of everything, as it is now.
   *
   * @param carriedStates of all ranks' streams; empty where nothing is carried
   */
  Checkpoint snapshot(float[] carriedStates) {
    return new Checkpoint(
        position,
        plan.settings(),
        FlatFloats.of(network.params()),
        FlatFloats.of(network.getUpdater().getStateViewArray()),
        average.map(a -> FlatFloats.of(a.average())).orElse(new float[0]),
        bestParameters,
        carriedStates);
  }
}
