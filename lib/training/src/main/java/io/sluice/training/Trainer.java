package io.sluice.training;

import io.sluice.config.Provenance;
import io.sluice.config.progress.Progress;
import io.sluice.failure.OperationFailedException;
import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.kernel.Device;
import io.sluice.recurrent.model.ModelSettings;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.ModelSummary;
import io.sluice.recurrent.model.UniformWeights;
import io.sluice.recurrent.optim.FlatFloats;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.lake.PublishLock;
import io.sluice.sequences.text.dataset.Padding;
import io.sluice.training.TrainSettings.StrategyKind;
import io.sluice.training.checkpoint.Checkpoint;
import io.sluice.training.checkpoint.CheckpointStore;
import io.sluice.training.loop.PipelineLayout;
import io.sluice.training.loop.RunPlan;
import io.sluice.training.loop.StepPlan;
import io.sluice.training.loop.Strategy;
import java.time.Duration;
import java.util.Collections;
import java.util.Optional;
import java.util.function.Function;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.deploy.SparkHadoopUtil;
import org.apache.spark.sql.SparkSession;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
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
   * @throws io.sluice.failure.InsufficientClusterException if the cluster cannot hold the run
   * @throws OperationFailedException if training diverges or its result is not sound, another run
   *     is using the checkpoint folder, or this one was asked to stop
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

  /** Trains in this process, without Spark; refuses a strategy that needs it. */
  public static TrainReport run(
      Configuration hadoop,
      TrainSettings settings,
      ModelSettings model,
      Provenance provenance,
      Progress progress) {
    return run(Optional.empty(), hadoop, settings, model, provenance, progress);
  }

  /**
   * What a run would be, as far as it is known before it begins: its network, and what that costs
   * each process or pipeline stage. Needs no session, and runs nothing.
   *
   * @param conf of the session that a run would have
   * @return text for a person; if the dataset cannot be read, one line that says so
   * @throws io.sluice.config.InvalidConfigException if settings do not fit the dataset, or a
   *     pipeline cannot be as it is set
   */
  public static String explain(SparkConf conf, TrainSettings settings, ModelSettings model) {
    Configuration hadoop = SparkHadoopUtil.get().newConfiguration(conf);
    TrainSettings presumed = Strategies.presume(settings, conf.get("spark.master", "local"));
    return Explanation.of(() -> Learnable.open(presumed, model, hadoop), presumed, model);
  }

  private static TrainReport run(
      Optional<SparkSession> spark,
      Configuration hadoop,
      TrainSettings settings,
      ModelSettings model,
      Provenance provenance,
      Progress progress) {
    return train(
        spark,
        hadoop,
        decided -> Learnable.open(decided, model, hadoop),
        settings,
        model,
        provenance,
        progress);
  }

  /** What a run is about to do. */
  private record Undertaking(Learnable dataset, RunPlan plan, Optional<Pretrained> pretrained) {
    static Undertaking of(
        Learnable dataset,
        TrainSettings settings,
        ModelSettings model,
        Provenance provenance,
        Optional<SparkSession> spark,
        Configuration hadoop) {
      dataset.requireTrainable();
      dataset.requireFit(settings);
      ModelSpec spec = dataset.spec(model);
      StepPlan steps = dataset.plan(settings, dataset.countOfEpoch(hadoop));
      PipelineLayout layout = layout(settings, spec, spark);
      Optional<Pretrained> pretrained = Pretrained.of(settings, dataset, spec, hadoop);
      RunPlan plan =
          Plans.run(
              dataset,
              settings,
              pretrained,
              spec,
              steps,
              layout,
              NativeLimit.of(settings, spark.map(SparkSession::sparkContext)),
              provenance,
              hadoop);
      tell(dataset, plan, settings); // before the checks: it is what they are about
      return new Undertaking(dataset, plan, pretrained);
    }

    /** Null where ranks have all of the network. */
    private static PipelineLayout layout(
        TrainSettings settings, ModelSpec spec, Optional<SparkSession> spark) {
      if (settings.strategy() != StrategyKind.PIPELINE) {
        return null;
      }
      ExecutorMemory executor = ExecutorMemory.of(spark.orElseThrow().sparkContext(), settings);
      return settings.pipeline().layout(spec, settings, executor.rankBytes());
    }
  }

  /**
   * One run with a checkpoint folder to itself.
   *
   * @param dataset opens it, told the settings with the strategy, workers and batch decided
   */
  static TrainReport train(
      Optional<SparkSession> spark,
      Configuration hadoop,
      Function<TrainSettings, Learnable> dataset,
      TrainSettings wanted,
      ModelSettings model,
      Provenance provenance,
      Progress progress) {
    NativeThreads.set(1);
    TrainSettings settings = Strategies.decide(wanted, spark);
    String folder = settings.checkpoints().path();
    var preflight = new Preflight(settings, hadoop);
    Undertaking undertaking =
        preflight.attempt(
            () ->
                Undertaking.of(
                    dataset.apply(settings), settings, model, provenance, spark, hadoop));
    try (PublishLock lock =
            preflight.attempt(
                () ->
                    PublishLock.acquire(
                        folder, provenance.runId(), DEAD_AFTER, CHECKPOINTS, hadoop));
        StopSignal stop = StopSignal.listen()) {
      preflight.require(
          undertaking == null ? null : undertaking.plan, spark.map(SparkSession::sparkContext));
      return train(lock, stop, spark, hadoop, undertaking, settings, provenance, progress);
    }
  }

  /** The story of a run. */
  private static TrainReport train(
      PublishLock lock,
      StopSignal stop,
      Optional<SparkSession> spark,
      Configuration hadoop,
      Undertaking undertaking,
      TrainSettings settings,
      Provenance provenance,
      Progress progress) {
    Learnable dataset = undertaking.dataset;
    RunPlan plan = undertaking.plan;

    MultiLayerNetwork network = plan.network();
    if (settings.initialRange() > 0) {
      UniformWeights.draw(network, settings.initialRange(), settings.seed());
    }
    dataset.prepare(network, settings, hadoop);
    undertaking.pretrained.ifPresent(pretrained -> pretrained.copyTo(network));
    var checkpoints =
        CheckpointStore.open(plan.checkpoints().uri(), plan.checkpoints().keep(), hadoop);
    Beginning beginning = Beginning.of(plan, network, checkpoints, settings);
    Strategy strategy = Strategies.of(settings, plan, spark);
    try (Device.Bound bound = bind(settings);
        RunLog log =
            RunLog.open(
                settings, plan.steps(), dataset, beginning.start().position(), progress, hadoop)) {
      tellDevices(settings, log);
      Checkpoint end =
          strategy.run(
              beginning.start(),
              new Strategy.Surroundings(checkpoints, lock::requireHeld, log, stop::isAsked));
      String checkpoint = log.checkpoint() == null ? beginning.resumedFrom() : log.checkpoint();
      Plans.requireEnd(end.position(), plan, checkpoint);

      FlatFloats.put(end.bestParameters(), network.params());
      double moved = Proof.of(network, beginning.initialParameters(), end.position(), settings);
      TrainReport.Bundle bundle =
          beginning.publishedBefore().isPresent()
              ? Publication.find(beginning.publishedBefore().get(), hadoop)
              : Publication.publish(
                  network,
                  dataset,
                  settings,
                  undertaking.pretrained,
                  plan,
                  end.position(),
                  provenance,
                  hadoop);
      if (bundle.published()) {
        checkpoints.recordBundle(checkpoint, bundle.uri());
      }
      return TrainReport.of(
          dataset,
          settings,
          undertaking.pretrained,
          plan,
          beginning,
          end.position(),
          moved,
          log,
          checkpoint,
          bundle);
    }
  }

  /** The device of a run in this process; that of others is their workers'. */
  private static Device.Bound bind(TrainSettings settings) {
    return settings.strategy() == StrategyKind.LOCAL
        ? Device.choose(settings.device(), 0, false).bind()
        : Device.CPU.bind();
  }

  /** Ranks tell by themselves what they compute on. */
  private static void tellDevices(TrainSettings settings, RunLog log) {
    if (!settings.runsRanks()) {
      String device = Device.current().toString();
      LOG.info("device: {}", device);
      log.devicesKnown(Collections.nCopies(settings.workers().orElse(1), device));
    }
  }

  /** The first lines of a run. */
  private static void tell(Learnable dataset, RunPlan plan, TrainSettings settings) {
    LOG.info("{}", story(dataset, settings, plan.spec(), plan.steps()));
    dataset.padding().ifPresent(padding -> tell(padding, settings));
    LOG.info("{}", Explanation.model(settings, plan.spec()));
    LOG.info("{}", Explanation.cost(settings, plan.spec(), plan.pipeline(), plan.microBatches()));
  }

  private static void tell(Padding padding, TrainSettings settings) {
    if (padding.isMuch()) {
      LOG.warn("{}", Explanation.padding(padding, settings));
    } else {
      LOG.info("{}", Explanation.padding(padding, settings));
    }
  }

  private static String story(
      Learnable dataset, TrainSettings settings, ModelSpec spec, StepPlan steps) {
    long unused = dataset.count(Split.TRAIN) - steps.windows();
    return "train | %,d parameters | %s | %s | batch %d | %,d steps an epoch%s"
        .formatted(
            ModelSummary.of(spec).parameters(),
            Strategies.words(settings),
            dataset.told(steps.windows(), spec),
            settings.batchSize(),
            steps.stepsPerEpoch(),
            unused == 0
                ? ""
                : " | %,d windows left out by train.max-train-windows".formatted(unused));
  }
}
