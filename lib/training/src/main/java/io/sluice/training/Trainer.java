package io.sluice.training;

import io.sluice.config.Provenance;
import io.sluice.config.progress.Progress;
import io.sluice.failure.OperationFailedException;
import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.memory.TrainingMemory;
import io.sluice.recurrent.model.ModelSettings;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.ModelSummary;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.optim.GlobalNormClipping;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.lake.PublishLock;
import io.sluice.training.checkpoint.CheckpointStore;
import java.time.Duration;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A training run, from a dataset folder to a published bundle.
 *
 * <p>Resuming: a run continues from its newest checkpoint, whose settings must fit. One that has
 * all its epochs, or was stopped early, trains no more; it publishes if it had not yet come to
 * that, and otherwise reports the bundle it had published.
 *
 * <p>A folder of checkpoints belongs to one run at a time: a second one is refused, because each
 * would remove the other's checkpoints and resume from them.
 */
public final class Trainer {
  private static final Logger LOG = LoggerFactory.getLogger(Trainer.class);

  /** A run's sign of life comes four times as often. */
  private static final Duration DEAD_AFTER = Duration.ofMinutes(2);

  private static final PublishLock.Wording CHECKPOINTS =
      new PublishLock.Wording(
          "train with checkpoints in",
          "training",
          "This run stopped before it touched what the other one writes; set train.checkpoint.path to another folder and run again.",
          ", or set train.checkpoint.path to another folder");

  private Trainer() {}

  /**
   * Trains as the settings say.
   *
   * @param spark the session; {@code strategy = local} takes only its Hadoop settings
   * @throws io.sluice.failure.InvalidInputException if the dataset cannot be trained on, or a
   *     checkpoint belongs to another run
   * @throws OperationFailedException if training diverges or its result is not sound, or another
   *     run is using the checkpoint folder
   */
  public static TrainReport run(
      SparkSession spark,
      TrainSettings settings,
      ModelSettings model,
      Provenance provenance,
      Progress progress) {
    Configuration hadoop = spark.sparkContext().hadoopConfiguration();
    return run(Optional.of(spark), hadoop, settings, model, provenance, progress);
  }

  /** Trains in this process, without Spark; refuses any strategy but {@code local}. */
  public static TrainReport run(
      Configuration hadoop,
      TrainSettings settings,
      ModelSettings model,
      Provenance provenance,
      Progress progress) {
    return run(Optional.empty(), hadoop, settings, model, provenance, progress);
  }

  private static TrainReport run(
      Optional<SparkSession> spark,
      Configuration hadoop,
      TrainSettings settings,
      ModelSettings model,
      Provenance provenance,
      Progress progress) {
    SequenceDataset dataset = SequenceDataset.open(settings.datasetPath(), hadoop).requireAudit();
    boolean everyStep = model.output() == ModelSpec.Output.SEQUENCE;
    var source = new DatasetSource(dataset.uri(), everyStep, settings.maxTrainWindows());
    var learned = new Learnable(dataset.manifest(), dataset.uri(), source);
    return train(spark, hadoop, learned, settings, model, provenance, progress);
  }

  /** One run with a checkpoint folder to itself. */
  static TrainReport train(
      Optional<SparkSession> spark,
      Configuration hadoop,
      Learnable dataset,
      TrainSettings settings,
      ModelSettings model,
      Provenance provenance,
      Progress progress) {
    dataset.requireTrainable();
    try (PublishLock lock =
        PublishLock.acquire(
            settings.checkpoints().path(), provenance.runId(), DEAD_AFTER, CHECKPOINTS, hadoop)) {
      return train(lock, spark, hadoop, dataset, settings, model, provenance, progress);
    }
  }

  /** The story of a run. */
  private static TrainReport train(
      PublishLock lock,
      Optional<SparkSession> spark,
      Configuration hadoop,
      Learnable dataset,
      TrainSettings settings,
      ModelSettings model,
      Provenance provenance,
      Progress progress) {
    NativeThreads.set(1);
    ModelSpec spec = dataset.spec(model);
    Windows windows = dataset.source().open(hadoop);
    StepPlan plan = dataset.plan(settings, windows.count(Split.TRAIN));
    OptimizerSpec optimizer = settings.optimizer().toSpec(settings.epochs(), plan.stepsPerEpoch());
    MultiLayerNetwork network = Networks.create(spec, optimizer, settings.seed());
    INDArray initial = network.params().dup();
    LOG.info("{}", story(dataset, settings, spec, plan));
    LOG.info("model\n{}", ModelSummary.of(spec).text(settings.batchSize()));
    int microBatches = microBatches(spec, settings);
    LOG.info(
        "native memory of each training process, a thread's share of a batch in {}: about {}",
        microBatches == 1 ? "one piece" : microBatches + " micro-batches",
        memory(spec, settings, microBatches).text());

    var checkpoints =
        CheckpointStore.open(settings.checkpoints().path(), settings.checkpoints().keep(), hadoop);
    var state = RunState.resumeOrStart(network, checkpoints, dataset, settings, spec);
    var stopping = settings.earlyStopping();
    try (Strategy strategy =
            strategy(
                network,
                spark,
                hadoop,
                dataset.source(),
                windows,
                settings,
                spec,
                optimizer,
                plan,
                microBatches,
                provenance);
        RunLog log = state.log(settings, plan, optimizer, progress, hadoop)) {
      GlobalNormClipping.setLearningRate(network, log.learningRate());

      while (state.epoch() < settings.epochs() && !stopping.stopsAfter(state.epochsSinceBest())) {
        log.epochStarts();
        double loss = strategy.train(network, state.epoch(), log);
        double validation = strategy.validationLoss(network);
        state.epochDone(network, loss, validation, settings, log);
        log.learningRate(state.learningRate(optimizer));
        GlobalNormClipping.setLearningRate(network, log.learningRate());
        if (state.epoch() % settings.checkpoints().everyEpochs() == 0 || state.isLast(settings)) {
          lock.requireHeld();
          log.checkpointed(state.save(network, checkpoints, log));
        }
      }

      network.setParams(state.bestParameters());
      double moved = Proof.of(network, initial, state, settings);
      TrainReport.Bundle bundle =
          state.publishedBefore().isPresent()
              ? Publication.find(state.publishedBefore().get(), hadoop)
              : Publication.publish(
                  network, dataset, windows, settings, spec, state, plan, provenance, hadoop);
      if (bundle.published()) {
        checkpoints.recordBundle(state.checkpoint(), bundle.uri());
      }
      return state.report(dataset, settings, network, plan, moved, log, bundle, provenance);
    }
  }

  private static TrainingMemory memory(ModelSpec spec, TrainSettings settings, int microBatches) {
    return TrainingMemory.of(
        spec,
        settings.optimizer().algorithm(),
        settings.batchOfProcess(),
        settings.threads(),
        microBatches);
  }

  private static int microBatches(ModelSpec spec, TrainSettings settings) {
    return settings
        .accumulate()
        .orElseGet(
            () -> TrainingMemory.microBatches(spec, settings.batchOfProcess(), settings.threads()));
  }

  private static Strategy strategy(
      MultiLayerNetwork network,
      Optional<SparkSession> spark,
      Configuration hadoop,
      WindowsSource source,
      Windows windows,
      TrainSettings settings,
      ModelSpec spec,
      OptimizerSpec optimizer,
      StepPlan plan,
      int microBatches,
      Provenance provenance) {
    return switch (settings.strategy()) {
      case LOCAL ->
          new LocalStrategy(
              network, windows, spec, plan, settings.seed(), settings.threads(), microBatches);
      case PARAMETER_AVERAGING -> {
        SparkSession session =
            spark.orElseThrow(
                () ->
                    new OperationFailedException(
                        "train.strategy = parameter-averaging needs a Spark session, and this run has none. Submit it with spark-submit, or set train.strategy = local."));
        var workers =
            new WorkerPlan(
                provenance.runId(),
                source,
                new SerializableConfiguration(hadoop),
                spec,
                optimizer,
                plan,
                settings.seed(),
                settings.threads(),
                microBatches);
        yield new ParameterAveragingStrategy(
            JavaSparkContext.fromSparkContext(session.sparkContext()),
            workers,
            settings.averagingFrequency());
      }
    };
  }

  private static String story(
      Learnable dataset, TrainSettings settings, ModelSpec spec, StepPlan plan) {
    return "train | %,d parameters | %s | %,d windows of %d x %d | batch %d | %,d steps an epoch%s"
        .formatted(
            ModelSummary.of(spec).parameters(),
            settings.strategy() == TrainSettings.StrategyKind.LOCAL
                ? "local"
                : "%d workers, averaged every %d steps"
                    .formatted(settings.workers(), settings.averagingFrequency()),
            plan.windows(),
            spec.lookBack(),
            spec.inputSize(),
            settings.batchSize(),
            plan.stepsPerEpoch(),
            unused(dataset, plan) == 0
                ? ""
                : " | %,d windows unused in each epoch".formatted(unused(dataset, plan)));
  }

  /** Train windows that an epoch does not see. */
  static long unused(Learnable dataset, StepPlan plan) {
    return dataset.count(Split.TRAIN) - plan.windowsPerEpoch();
  }
}
