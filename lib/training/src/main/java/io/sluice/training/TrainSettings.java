package io.sluice.training;

import io.sluice.config.ConfigReader;
import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.recurrent.model.OptimizerSettings;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.training.async.AsyncSettings;
import io.sluice.training.loop.EarlyStopping;
import io.sluice.training.loop.ThresholdSettings;
import io.sluice.training.sharing.GradientSharingSettings;
import java.time.Duration;
import java.util.Optional;

/**
 * Settings of the {@code train} job: section {@code train} and what it shares with other jobs.
 * Defaults live in {@code conf/reference.conf}. The network is in {@link
 * io.sluice.recurrent.model.ModelSettings}.
 *
 * @param name of the experiment, and of the model in the registry
 * @param device where to compute
 * @param datasetPath what is learned from
 * @param strategy who computes
 * @param epochs passes over the training windows
 * @param batchSize windows a step, over all workers
 * @param batchPerWorker windows a step of each worker, in place of {@code batchSize}
 * @param shards parts of the train split that are dealt to workers; empty is one a window of a
 *     batch, at most {@value #MANY_SHARDS}
 * @param bptt how a stream of text is cut into steps
 * @param seed of initial weights, order of windows, cuts of streams and dropout
 * @param optimizer how parameters move
 * @param earlyStopping when to stop before the last epoch
 * @param averageDecay of the moving average of parameters that is validated and published; 1 is
 *     their mean, 0 is off
 * @param averagePatience epochs that may be worse than one before them until the average begins; 0
 *     begins with the first step
 * @param initialRange what weights begin uniform in, from minus this to this; 0 leaves it to the
 *     layers
 * @param fineTuneFrom a bundle whose layers the run begins with, where they fit
 * @param wordVectors a text file whose vectors the words that it has begin with
 * @param accumulate micro-batches that a batch is cut into, one after the other; empty leaves it to
 *     {@link io.sluice.recurrent.memory.TrainingMemory#microBatches}
 * @param threads that share a process's or worker's batch, with one native thread each
 * @param workers tasks that share each batch; empty is one for each task slot of the cluster
 * @param gradientSharing how its ranks find, hear and replace each other
 * @param pipeline how the layers of a network are spread over ranks
 * @param async how asynchronous workers reach the driver
 * @param averagingFrequency steps between two averages
 * @param logEverySteps steps between two lines of metrics
 * @param maxTrainWindows windows an epoch learns from at most; 0 is all
 * @param maxFalseAlarmRate of two classes: share of false alarms on the validation windows that the
 *     threshold of the bundle keeps to; empty takes the threshold with the best F1
 * @param checkpoints where and how often
 * @param metricsPath file of JSON lines
 * @param registryPath where the bundle is published
 * @param registryVersion its version; empty is the next free one
 */
public record TrainSettings(
    String name,
    DeviceChoice device,
    String datasetPath,
    StrategyKind strategy,
    int epochs,
    int batchSize,
    Optional<Integer> batchPerWorker,
    Optional<Integer> shards,
    Bptt bptt,
    long seed,
    OptimizerSettings optimizer,
    EarlyStopping earlyStopping,
    double averageDecay,
    int averagePatience,
    double initialRange,
    Optional<String> fineTuneFrom,
    Optional<String> wordVectors,
    Optional<Integer> accumulate,
    int threads,
    Optional<Integer> workers,
    GradientSharingSettings gradientSharing,
    PipelineSettings pipeline,
    AsyncSettings async,
    int averagingFrequency,
    int logEverySteps,
    long maxTrainWindows,
    Optional<Double> maxFalseAlarmRate,
    Checkpoints checkpoints,
    String metricsPath,
    String registryPath,
    Optional<Integer> registryVersion) {
  private static final int MANY_SHARDS = 64;

  /** {@code train.strategy}. */
  public enum StrategyKind {
    /** {@code GRADIENT_SHARING} on a cluster, {@code LOCAL} where Spark is one process. */
    AUTO,
    /** One process. */
    LOCAL,
    /** Ranks of a Spark barrier stage whose gradients are summed at every step. */
    GRADIENT_SHARING,
    /** The same, with the layers of each replica of the network spread over several ranks. */
    PIPELINE,
    /** Spark tasks whose parameters are averaged every few steps. */
    PARAMETER_AVERAGING,
    /** Spark tasks that send their updates when they have them and wait for nobody. */
    ASYNC_GRADIENT_SHARING
  }

  /**
   * Truncated backpropagation through time over streams of text.
   *
   * @param steps T, tokens of each stream that a step takes
   * @param varied whether steps take more or fewer than T, see {@link
   *     io.sluice.sequences.text.dataset.Truncation}
   */
  public record Bptt(int steps, boolean varied) {}

  /**
   * @param path folder
   * @param everySteps steps between two; 0 is none within an epoch
   * @param every time between two; zero is none within an epoch
   * @param everyEpochs epochs between two; the last epoch always has one
   * @param keep newest ones kept
   * @param resume continue from the newest that fits
   */
  public record Checkpoints(
      String path, int everySteps, Duration every, int everyEpochs, int keep, boolean resume) {}

  /** Parts of the train split that are dealt to workers. */
  int shardCount() {
    return shards.orElse(Math.min(MANY_SHARDS, batchSize));
  }

  /** The settings with the strategy, the number of workers and with it the batch decided. */
  TrainSettings with(StrategyKind decided, int ranks) {
    return new TrainSettings(
        name,
        device,
        datasetPath,
        decided,
        epochs,
        batchPerWorker.map(each -> Math.multiplyExact(each, ranks)).orElse(batchSize),
        batchPerWorker,
        shards,
        bptt,
        seed,
        optimizer,
        earlyStopping,
        averageDecay,
        averagePatience,
        initialRange,
        fineTuneFrom,
        wordVectors,
        accumulate,
        threads,
        Optional.of(ranks),
        gradientSharing,
        pipeline,
        async,
        averagingFrequency,
        logEverySteps,
        maxTrainWindows,
        maxFalseAlarmRate,
        checkpoints,
        metricsPath,
        registryPath,
        registryVersion);
  }

  /** Whether ranks of a barrier stage train, with whole networks or parts. */
  boolean runsRanks() {
    return strategy == StrategyKind.GRADIENT_SHARING || strategy == StrategyKind.PIPELINE;
  }

  /** Ranks that share a replica of the network. */
  int stages() {
    return strategy == StrategyKind.PIPELINE ? pipeline.count() : 1;
  }

  /**
   * Windows of a step that the process with the most of them computes, or takes part in: those of
   * all workers that share its replica of the network.
   */
  int batchOfProcess() {
    int ranks = strategy == StrategyKind.LOCAL ? 1 : Math.max(1, workers.orElse(1) / stages());
    return batchPerWorker.map(each -> each * stages()).orElse((batchSize + ranks - 1) / ranks);
  }

  /** What a strategy would ignore in which DL4J's own workers step. */
  private void checkAsync(ConfigReader train) {
    String rule = "must be %s with strategy = async-gradient-sharing, %s, but is %d";
    train.check(
        threads == 1,
        "threads",
        rule.formatted(
            "1",
            "whose workers compute on one thread each (workers are what uses more cores)",
            threads));
    train.check(
        accumulate.orElse(1) == 1,
        "accumulate",
        rule.formatted("auto or 1", "which cuts no batches", accumulate.orElse(1)));
    train.check(
        checkpoints.everySteps() == 0,
        "checkpoint.every-steps",
        rule.formatted(
            "0", "whose driver has a model at the end of an epoch", checkpoints.everySteps()));
  }

  /** Reads its keys of the whole settings. */
  public static TrainSettings from(ConfigReader root) {
    OptimizerSettings optimizer = OptimizerSettings.from(root);
    String name = root.string("name");
    DeviceChoice device = root.choice("device", DeviceChoice.class);
    String dataset = root.section("dataset", s -> s.string("path"));
    String registry = root.section("registry", s -> s.string("path"));
    Optional<Integer> version = root.section("registry", s -> positiveOrAuto(s, "version"));
    return root.section(
        "train",
        train -> {
          var settings =
              new TrainSettings(
                  name,
                  device,
                  dataset,
                  train.choice("strategy", StrategyKind.class),
                  train.intAtLeast("epochs", 1),
                  train.intAtLeast("batch-size", 1),
                  train.optionalIntAtLeast("batch-per-worker", 1),
                  positiveOrAuto(train, "shards"),
                  new Bptt(train.intAtLeast("bptt-steps", 1), train.flag("bptt-varied")),
                  train.longValue("seed"),
                  optimizer,
                  new EarlyStopping(
                      train.intAtLeast("early-stopping-patience", 0),
                      train.numberBetween("early-stopping-min-delta", 0, Double.MAX_VALUE)),
                  train.numberBetween("average-decay", 0, 1),
                  train.intAtLeast("average-patience", 0),
                  train.numberBetween("initial-range", 0, 10),
                  train.section("fine-tune", s -> s.optionalString("bundle")),
                  train.optionalString("word-vectors"),
                  positiveOrAuto(train, "accumulate"),
                  train.intAtLeast("threads", 1),
                  positiveOrAuto(train, "workers"),
                  train.section("gradient-sharing", TrainSettings::gradientSharing),
                  train.section("pipeline", PipelineSettings::from),
                  train.section("async", TrainSettings::async),
                  train.intAtLeast("averaging-frequency", 1),
                  train.intAtLeast("log-every-steps", 1),
                  train.intAtLeast("max-train-windows", 0),
                  train.optionalNumberBetween("max-false-alarm-rate", 0, 1),
                  train.section(
                      "checkpoint",
                      c ->
                          new Checkpoints(
                              c.string("path"),
                              c.intAtLeast("every-steps", 0),
                              c.duration("every"),
                              c.intAtLeast("every-epochs", 1),
                              c.intAtLeast("keep", 1),
                              c.flag("resume"))),
                  train.string("metrics-path"),
                  registry,
                  version);
          int workers = settings.workers.orElse(1);
          int batch =
              settings.batchPerWorker.map(each -> each * workers).orElse(settings.batchSize);
          int shards = settings.shards.orElse(Math.min(MANY_SHARDS, batch));
          train.check(
              settings.strategy == StrategyKind.LOCAL || workers / settings.stages() <= shards,
              "workers",
              "must be at most %sthe %d shards of the train split%s, but is %d",
              settings.stages() == 1 ? "" : "%d stages times ".formatted(settings.stages()),
              shards,
              settings.shards.isEmpty() && batch < MANY_SHARDS
                  ? " (one a window of a batch: raise batch-size)"
                  : " (raise shards)",
              workers);
          train.check(
              workers % settings.stages() == 0 || settings.workers.isEmpty(),
              "workers",
              "must be a multiple of the %d pipeline stages, so that each replica has all of them, but is %d",
              settings.stages(),
              workers);
          train.check(
              settings.strategy != StrategyKind.PIPELINE || settings.threads == 1,
              "threads",
              "must be 1 with strategy = pipeline, whose stages compute on one thread each (workers are what uses more cores), but is %d",
              settings.threads);
          if (settings.strategy == StrategyKind.ASYNC_GRADIENT_SHARING) {
            settings.checkAsync(train);
          }
          train.check(
              settings.averageDecay == 0
                  || settings.strategy != StrategyKind.PARAMETER_AVERAGING
                      && settings.strategy != StrategyKind.ASYNC_GRADIENT_SHARING,
              "average-decay",
              "must be 0 with strategy = %s, which does not see every step's weights, but is %s",
              ConfigReader.kebab(settings.strategy),
              settings.averageDecay);
          train.check(
              settings.wordVectors.isEmpty() || settings.fineTuneFrom.isEmpty(),
              "word-vectors",
              "must be null with train.fine-tune.bundle, whose model has vectors of its own, but is \"%s\"",
              settings.wordVectors.orElse(""));
          train.check(
              settings.averagePatience == 0 || settings.averageDecay > 0,
              "average-patience",
              "must be 0 with average-decay = 0, which keeps no average (1 is their mean), but is %d",
              settings.averagePatience);
          train.check(
              settings.averagePatience == 0
                  || settings.earlyStopping.patience() == 0
                  || settings.averagePatience + 1 < settings.earlyStopping.patience(),
              "average-patience",
              "must be at most early-stopping-patience - 2 (%d), or the run stops before the average begins, but is %d",
              settings.earlyStopping.patience() - 2,
              settings.averagePatience);
          train.check(
              shards <= batch,
              "shards",
              "must be at most batch-size (%d), so that a batch has a window of each, but is %d",
              batch,
              shards);
          train.check(
              settings.gradientSharing.minWorkers() <= settings.workers.orElse(Integer.MAX_VALUE),
              "gradient-sharing.min-workers",
              "must be at most workers (%d), but is %d",
              workers,
              settings.gradientSharing.minWorkers());
          int share = settings.batchOfProcess();
          String whose =
              share == batch ? "batch-size gives to a step" : "batch-size gives to each worker";
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

  private static GradientSharingSettings gradientSharing(ConfigReader section) {
    return new GradientSharingSettings(
        section.choice("wire", GradientSharingSettings.Wire.class),
        new ThresholdSettings(
            section.string("threshold").equals("auto") ? 0 : section.positiveUpTo("threshold", 1),
            section.positiveUpTo("density", ThresholdSettings.MAX_DENSITY)),
        section.intBetween("driver-port", 0, 65_535),
        section.intBetween("port", 0, 65_520),
        section.intAtLeast("min-workers", 1),
        section.intAtLeast("retries", 0),
        section.positiveDuration("join-timeout"),
        section.positiveDuration("silence-timeout"),
        section.positiveDuration("step-timeout"));
  }

  private static AsyncSettings async(ConfigReader section) {
    return new AsyncSettings(
        section.optionalString("address").orElse(""),
        section.intBetween("port", 1, 65_535),
        section.intBetween("executor-port", 0, 65_520),
        section.positiveUpTo("threshold", 1),
        section.positiveDuration("handshake-timeout"),
        section.positiveDuration("stall-timeout"),
        section.flag("accept-unauthenticated"));
  }

  private static Optional<Integer> positiveOrAuto(ConfigReader section, String key) {
    return section.isAuto(key) ? Optional.empty() : Optional.of(section.intAtLeast(key, 1));
  }
}
