package io.sluice.training;

import io.sluice.config.ConfigReader;
import io.sluice.recurrent.model.OptimizerSettings;
import io.sluice.recurrent.model.OptimizerSpec;
import java.util.Optional;

/**
 * Settings of the {@code train} job: section {@code train} and what it shares with other jobs.
 * Defaults live in {@code conf/reference.conf}. The network is in {@link
 * io.sluice.recurrent.model.ModelSettings}.
 *
 * @param name of the experiment, and of the model in the registry
 * @param datasetPath what is learned from
 * @param strategy who computes
 * @param epochs passes over the training windows
 * @param batchSize windows a step, over all workers
 * @param seed of initial weights, order of windows and dropout
 * @param optimizer how parameters move
 * @param earlyStopping when to stop before the last epoch
 * @param accumulate micro-batches that a batch is cut into, one after the other; empty leaves it to
 *     {@link io.sluice.recurrent.memory.TrainingMemory#microBatches}
 * @param threads that share a process's or worker's batch, with one native thread each
 * @param workers tasks of parameter averaging
 * @param averagingFrequency steps between two averages
 * @param logEverySteps steps between two lines of metrics
 * @param maxTrainWindows windows an epoch learns from at most; 0 is all
 * @param checkpoints where and how often
 * @param metricsPath file of JSON lines
 * @param registryPath where the bundle is published
 * @param registryVersion its version; empty is the next free one
 */
public record TrainSettings(
    String name,
    String datasetPath,
    StrategyKind strategy,
    int epochs,
    int batchSize,
    long seed,
    OptimizerSettings optimizer,
    EarlyStopping earlyStopping,
    Optional<Integer> accumulate,
    int threads,
    int workers,
    int averagingFrequency,
    int logEverySteps,
    long maxTrainWindows,
    Checkpoints checkpoints,
    String metricsPath,
    String registryPath,
    Optional<Integer> registryVersion) {

  /** {@code train.strategy}. */
  public enum StrategyKind {
    /** One process. */
    LOCAL,
    /** Spark tasks whose parameters are averaged every few steps. */
    PARAMETER_AVERAGING
  }

  /**
   * @param patience epochs without a better validation loss; 0 is off
   * @param minDelta a better loss is better by at least this
   */
  public record EarlyStopping(int patience, double minDelta) {

    /** Whether a validation loss beats the best so far. */
    boolean isBetter(double loss, double best) {
      return loss < best - minDelta;
    }

    /** Whether a run stops after this many epochs without a better loss. */
    boolean stopsAfter(int epochsSinceBest) {
      return patience > 0 && epochsSinceBest >= patience;
    }
  }

  /**
   * @param path folder
   * @param everyEpochs epochs between two; the last epoch always has one
   * @param keep newest ones kept
   * @param resume continue from the newest that fits
   */
  public record Checkpoints(String path, int everyEpochs, int keep, boolean resume) {}

  /** Windows of a step that one process, local or a worker, computes. */
  int batchOfProcess() {
    return strategy == StrategyKind.LOCAL ? batchSize : batchSize / workers;
  }

  /** Reads its keys of the whole settings. */
  public static TrainSettings from(ConfigReader root) {
    OptimizerSettings optimizer = OptimizerSettings.from(root);
    String name = root.string("name");
    String dataset = root.section("dataset", s -> s.string("path"));
    String registry = root.section("registry", s -> s.string("path"));
    Optional<Integer> version = root.section("registry", s -> positiveOrAuto(s, "version"));
    return root.section(
        "train",
        train -> {
          var settings =
              new TrainSettings(
                  name,
                  dataset,
                  train.choice("strategy", StrategyKind.class),
                  train.intAtLeast("epochs", 1),
                  train.intAtLeast("batch-size", 1),
                  train.longValue("seed"),
                  optimizer,
                  new EarlyStopping(
                      train.intAtLeast("early-stopping-patience", 0),
                      train.numberBetween("early-stopping-min-delta", 0, Double.MAX_VALUE)),
                  positiveOrAuto(train, "accumulate"),
                  train.intAtLeast("threads", 1),
                  train.intAtLeast("workers", 1),
                  train.intAtLeast("averaging-frequency", 1),
                  train.intAtLeast("log-every-steps", 1),
                  train.intAtLeast("max-train-windows", 0),
                  train.section(
                      "checkpoint",
                      c ->
                          new Checkpoints(
                              c.string("path"),
                              c.intAtLeast("every-epochs", 1),
                              c.intAtLeast("keep", 1),
                              c.flag("resume"))),
                  train.string("metrics-path"),
                  registry,
                  version);
          train.check(
              settings.strategy != StrategyKind.PARAMETER_AVERAGING
                  || settings.batchSize % settings.workers == 0,
              "batch-size",
              "must be a multiple of workers (%d) with strategy = parameter-averaging, but is %d",
              settings.workers,
              settings.batchSize);
          int share = settings.batchOfProcess();
          String whose =
              settings.strategy == StrategyKind.LOCAL
                  ? "batch-size gives to a step"
                  : "batch-size gives to each worker";
          train.check(
              settings.threads <= share,
              "threads",
              "must be at most the %d windows that %s, but is %d",
              share,
              whose,
              settings.threads);
          int accumulate = settings.accumulate.orElse(1);
          train.check(
              accumulate == 1 || (long) accumulate * settings.threads <= share,
              "accumulate",
              "times threads (%d) must be at most the %d windows that %s, but is %d",
              settings.threads,
              share,
              whose,
              accumulate);
          train.check(
              optimizer.schedule() != OptimizerSpec.Schedule.PLATEAU
                  || settings.earlyStopping.patience() == 0
                  || optimizer.plateauPatience() < settings.earlyStopping.patience(),
              "plateau-patience",
              "must be below early-stopping-patience (%d) with schedule = plateau, or the run stops before the rate is lowered, but is %d",
              settings.earlyStopping.patience(),
              optimizer.plateauPatience());
          return settings;
        });
  }

  private static Optional<Integer> positiveOrAuto(ConfigReader section, String key) {
    return section.string(key).equals("auto")
        ? Optional.empty()
        : Optional.of(section.intAtLeast(key, 1));
  }
}
