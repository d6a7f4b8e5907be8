package io.sluice.recurrent.model;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.sluice.recurrent.optim.Adam;
import io.sluice.recurrent.optim.CosineDecay;
import io.sluice.recurrent.optim.CosineRestarts;
import io.sluice.recurrent.optim.DecoupledWeightDecay;
import io.sluice.recurrent.optim.GlobalNormClipping;
import io.sluice.recurrent.optim.PlateauDecay;
import io.sluice.recurrent.optim.RowBlock;
import io.sluice.recurrent.optim.StepDecay;
import io.sluice.recurrent.optim.WarmUp;
import java.io.Serializable;
import java.util.List;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.linalg.schedule.ExponentialSchedule;
import org.nd4j.linalg.schedule.FixedSchedule;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.linalg.schedule.ScheduleType;

/**
 * How parameters move, in steps.
 *
 * @param algorithm the optimizer, with its usual decay of moments
 * @param learningRate peak
 * @param minLearningRate where a cosine ends and a plateau's reductions stop
 * @param schedule of the learning rate, by step; every schedule may warm up
 * @param steps of the whole run
 * @param warmupSteps steps in which the rate rises to the schedule's; less than {@code steps}
 * @param decay factor of step and exponential schedules, and of a reduction on a plateau …
 * @param decaySteps … of step and exponential schedules every so many steps
 * @param firstDecaySteps steps before a step schedule's first factor
 * @param restartSteps steps of the first cycle of a cosine with restarts
 * @param restartMultiplier of the length from cycle to cycle
 * @param weightDecay decoupled, on weights and not on biases; with {@code ADAM} as with {@code
 *     ADAMW}
 * @param maxGradientNorm L2 norm of all parameters' gradient; 0 is no limit
 */
public record OptimizerSpec(
    Algorithm algorithm,
    double learningRate,
    double minLearningRate,
    Schedule schedule,
    int steps,
    int warmupSteps,
    double decay,
    int decaySteps,
    int firstDecaySteps,
    int restartSteps,
    int restartMultiplier,
    double weightDecay,
    double maxGradientNorm)
    implements Serializable {

  /** Optimizers. */
  public enum Algorithm {
    @JsonProperty("adam")
    ADAM,
    @JsonProperty("sgd")
    SGD,
    @JsonProperty("rmsprop")
    RMSPROP,
    @JsonProperty("nesterovs")
    NESTEROVS,
    /** Adam under the name people look for when they want decoupled weight decay. */
    @JsonProperty("adamw")
    ADAMW;

    /** Numbers that it remembers of each parameter. */
    public int momentsPerParameter() {
      return switch (this) {
        case ADAM, ADAMW -> 2;
        case NESTEROVS, RMSPROP -> 1;
        case SGD -> 0;
      };
    }
  }

  /** Learning-rate schedules. */
  public enum Schedule {
    @JsonProperty("constant")
    CONSTANT,
    @JsonProperty("cosine")
    COSINE,
    @JsonProperty("cosine-restarts")
    COSINE_RESTARTS,
    @JsonProperty("step")
    STEP,
    @JsonProperty("exponential")
    EXPONENTIAL,
    @JsonProperty("plateau")
    PLATEAU
  }

  public OptimizerSpec {
    if (steps < 1 || warmupSteps < 0 || warmupSteps >= steps) {
      throw new IllegalArgumentException(
          "steps is %d and warmupSteps %d, must be 0 <= warmupSteps < steps"
              .formatted(steps, warmupSteps));
    }
    if (decaySteps < 1 || firstDecaySteps < 1) {
      throw new IllegalArgumentException(
          "decaySteps is %d and firstDecaySteps %d, each must be at least 1"
              .formatted(decaySteps, firstDecaySteps));
    }
    if (restartSteps < 1 || restartMultiplier < 1) {
      throw new IllegalArgumentException(
          "restartSteps is %d and restartMultiplier %d, each must be at least 1"
              .formatted(restartSteps, restartMultiplier));
    }
  }

  /** Whose steps of a step schedule are all as long. */
  public OptimizerSpec(
      Algorithm algorithm,
      double learningRate,
      double minLearningRate,
      Schedule schedule,
      int steps,
      int warmupSteps,
      double decay,
      int decaySteps,
      int restartSteps,
      int restartMultiplier,
      double weightDecay,
      double maxGradientNorm) {
    this(
        algorithm,
        learningRate,
        minLearningRate,
        schedule,
        steps,
        warmupSteps,
        decay,
        decaySteps,
        decaySteps,
        restartSteps,
        restartMultiplier,
        weightDecay,
        maxGradientNorm);
  }

  /** Adam at a constant rate, clipped to norm 1: for tests and first looks. */
  public static OptimizerSpec constantAdam(double learningRate) {
    return new OptimizerSpec(
        Algorithm.ADAM, learningRate, 0, Schedule.CONSTANT, Integer.MAX_VALUE, 0, 1, 1, 1, 1, 0, 1);
  }

  /** The learning rate at a step, as DL4J reads it; a plateau's before the first reduction. */
  public ISchedule learningRateSchedule() {
    return learningRateSchedule(List.of());
  }

  /**
   * The learning rate at a step, as DL4J reads it.
   *
   * @param reductions first step at each lower rate of a plateau; no part in other schedules
   */
  public ISchedule learningRateSchedule(List<Integer> reductions) {
    ISchedule decayed =
        switch (schedule) {
          case CONSTANT -> new FixedSchedule(learningRate);
          case COSINE -> new CosineDecay(learningRate, minLearningRate, warmupSteps, steps);
          case COSINE_RESTARTS ->
              new CosineRestarts(
                  learningRate, minLearningRate, warmupSteps, restartSteps, restartMultiplier);
          case STEP -> new StepDecay(learningRate, decay, firstDecaySteps, decaySteps);
          case EXPONENTIAL ->
              new ExponentialSchedule(
                  ScheduleType.ITERATION, learningRate, Math.pow(decay, 1.0 / decaySteps));
          case PLATEAU -> new PlateauDecay(learningRate, decay, minLearningRate, reductions);
        };
    return warmupSteps == 0 ? decayed : new WarmUp(warmupSteps, decayed);
  }

  /**
   * The optimizer behind clipping, as DL4J runs it.
   *
   * @param rows that the network begins with, few of which have a gradient in a step; null is none
   */
  IUpdater updater(RowBlock rows) {
    ISchedule rate = learningRateSchedule();
    IUpdater updater =
        switch (algorithm) {
          case ADAM, ADAMW -> new Adam(rate, rows);
          case SGD -> new Sgd(rate);
          case RMSPROP -> new RmsProp(rate);
          case NESTEROVS -> new Nesterovs(rate);
        };
    return new GlobalNormClipping(updater, maxGradientNorm);
  }

  List<Regularization> regularization() {
    return weightDecay == 0 ? List.of() : List.of(new DecoupledWeightDecay(weightDecay));
  }
}
