package io.sluice.recurrent.model;

import io.sluice.config.ConfigReader;
import java.util.Optional;

/**
 * The part of section {@code train} that says how parameters move, in epochs and shares, as a
 * person writes it.
 *
 * @param algorithm the optimizer
 * @param learningRate peak
 * @param minLearningRate where a cosine ends and a plateau's reductions stop
 * @param schedule of the learning rate
 * @param warmupShare share of all steps in which the rate rises
 * @param decay factor of step and exponential schedules, and of a reduction on a plateau …
 * @param decayEpochs … of step and exponential schedules every so many epochs
 * @param firstDecayEpochs epochs before a step schedule's first factor; empty = {@code decayEpochs}
 * @param restartEpochs epochs of the first cycle of a cosine with restarts
 * @param restartMultiplier of the length from cycle to cycle
 * @param plateauPatience epochs without a better validation loss before a reduction
 * @param weightDecay decoupled
 * @param maxGradientNorm L2; 0 is no limit
 */
public record OptimizerSettings(
    OptimizerSpec.Algorithm algorithm,
    double learningRate,
    double minLearningRate,
    OptimizerSpec.Schedule schedule,
    double warmupShare,
    double decay,
    int decayEpochs,
    Optional<Integer> firstDecayEpochs,
    int restartEpochs,
    int restartMultiplier,
    int plateauPatience,
    double weightDecay,
    double maxGradientNorm) {

  /** Reads its keys of section {@code train} of the whole settings. */
  public static OptimizerSettings from(ConfigReader root) {
    return root.section("train", OptimizerSettings::read);
  }

  private static OptimizerSettings read(ConfigReader train) {
    var settings =
        new OptimizerSettings(
            train.choice("optimizer", OptimizerSpec.Algorithm.class),
            train.positiveUpTo("learning-rate", 100),
            train.numberBetween("min-learning-rate", 0, 100),
            train.choice("schedule", OptimizerSpec.Schedule.class),
            train.numberBetween("warmup-share", 0, 0.9),
            train.positiveUpTo("decay", 1),
            train.intAtLeast("decay-epochs", 1),
            train.isAuto("first-decay-epochs")
                ? Optional.empty()
                : Optional.of(train.intAtLeast("first-decay-epochs", 1)),
            train.intAtLeast("restart-epochs", 1),
            train.intBetween("restart-multiplier", 1, 100),
            train.intAtLeast("plateau-patience", 1),
            train.numberBetween("weight-decay", 0, 10),
            train.numberBetween("max-gradient-norm", 0, 1e9));
    train.check(
        settings.minLearningRate <= settings.learningRate,
        "min-learning-rate",
        "must not be above learning-rate (%s), but is %s",
        settings.learningRate,
        settings.minLearningRate);
    train.check(
        settings.schedule != OptimizerSpec.Schedule.PLATEAU || settings.decay < 1,
        "decay",
        "must be below 1 with schedule = plateau, or no reduction lowers the rate, but is %s",
        settings.decay);
    train.check(
        settings.algorithm != OptimizerSpec.Algorithm.ADAMW || settings.weightDecay > 0,
        "weight-decay",
        "must be above 0 with optimizer = adamw, which is adam with weight decay; 0.01 is usual");
    return settings;
  }

  /** In steps, for a run of {@code epochs} passes of {@code stepsPerEpoch} steps each. */
  public OptimizerSpec toSpec(int epochs, int stepsPerEpoch) {
    int steps = Math.multiplyExact(epochs, stepsPerEpoch);
    return new OptimizerSpec(
        algorithm,
        learningRate,
        minLearningRate,
        schedule,
        steps,
        (int) Math.min(steps - 1L, Math.round(warmupShare * steps)),
        decay,
        inSteps(decayEpochs, stepsPerEpoch),
        inSteps(firstDecayEpochs.orElse(decayEpochs), stepsPerEpoch),
        inSteps(restartEpochs, stepsPerEpoch),
        restartMultiplier,
        weightDecay,
        maxGradientNorm);
  }

  /** Whether the rate is lowered after so many epochs without a better validation loss. */
  public boolean lowersRateAfter(int epochsWithoutBetter) {
    return schedule == OptimizerSpec.Schedule.PLATEAU && epochsWithoutBetter >= plateauPatience;
  }

  /** More steps than any run has are as many as fit. */
  private static int inSteps(int epochs, int stepsPerEpoch) {
    return (int) Math.min(Integer.MAX_VALUE, (long) epochs * stepsPerEpoch);
  }
}
