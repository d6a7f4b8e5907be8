package io.sluice.training;

import io.sluice.failure.OperationFailedException;
import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.training.TrainSettings.StrategyKind;
import io.sluice.training.async.AsyncStepper;
import io.sluice.training.averaging.AveragingStepper;
import io.sluice.training.loop.GradientStepper;
import io.sluice.training.loop.InProcess;
import io.sluice.training.loop.RunPlan;
import io.sluice.training.loop.Strategy;
import io.sluice.training.sharing.Cluster;
import io.sluice.training.sharing.GradientSharing;
import java.util.Optional;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/** Which strategy a run has, and with how many workers. */
final class Strategies {
  private Strategies() {}

  /** Decides what the settings leave open. */
  static TrainSettings decide(TrainSettings settings, Optional<SparkSession> spark) {
    StrategyKind kind = settings.strategy();
    if (kind == StrategyKind.AUTO) {
      boolean cluster = spark.isPresent() && !spark.get().sparkContext().isLocal();
      kind = cluster ? StrategyKind.GRADIENT_SHARING : StrategyKind.LOCAL;
    }
    if (kind == StrategyKind.LOCAL) {
      return settings.with(kind, 1);
    }
    SparkContext context = context(kind, spark);
    DeviceChoice device = takesGpus(kind) ? settings.device() : DeviceChoice.CPU;
    int most =
        settings.batchPerWorker().isPresent()
            ? settings.shards().orElse(Integer.MAX_VALUE)
            : settings.shardCount();
    int workers =
        settings
            .workers()
            .orElseGet(
                () ->
                    replicas(
                            settings,
                            most,
                            new Cluster(context, device)
                                .slots(settings.gradientSharing().joinTimeout()))
                        * settings.stages());
    return settings.with(kind, workers);
  }

  /**
   * Decides what the settings leave open as far as it can be told without a cluster: one replica of
   * the network where the number of workers is the cluster's.
   */
  static TrainSettings presume(TrainSettings settings, String master) {
    boolean isLocal = master.equals("local") || master.startsWith("local[");
    StrategyKind kind =
        settings.strategy() != StrategyKind.AUTO
            ? settings.strategy()
            : isLocal ? StrategyKind.LOCAL : StrategyKind.GRADIENT_SHARING;
    return settings.with(
        kind, kind == StrategyKind.LOCAL ? 1 : settings.workers().orElse(settings.stages()));
  }

  /** As many as the slots hold, but one at least: that slots are missing is told later. */
  private static int replicas(TrainSettings settings, int most, int slots) {
    return Math.max(1, Math.min(most, slots / settings.stages()));
  }

  /**
   * Whether its processes may compute on GPUs: dl4j-spark's training masters start no such stages.
   */
  static boolean takesGpus(StrategyKind kind) {
    return switch (kind) {
      case LOCAL, GRADIENT_SHARING, PIPELINE -> true;
      case PARAMETER_AVERAGING, ASYNC_GRADIENT_SHARING -> false;
      case AUTO -> throw new IllegalArgumentException("The strategy is not decided");
    };
  }

  static Strategy of(TrainSettings settings, RunPlan plan, Optional<SparkSession> spark) {
    return switch (settings.strategy()) {
      case LOCAL -> new InProcess(plan, stop -> new GradientStepper(plan, stop));
      case GRADIENT_SHARING, PIPELINE ->
          new GradientSharing(
              context(settings.strategy(), spark),
              plan,
              settings.workers().orElseThrow(),
              settings.name(),
              settings.gradientSharing());
      case PARAMETER_AVERAGING ->
          new InProcess(
              plan,
              stop ->
                  new AveragingStepper(
                      JavaSparkContext.fromSparkContext(context(settings.strategy(), spark)),
                      plan,
                      settings.workers().orElseThrow(),
                      settings.averagingFrequency(),
                      stop));
      case ASYNC_GRADIENT_SHARING ->
          new InProcess(
              plan,
              stop ->
                  new AsyncStepper(
                      JavaSparkContext.fromSparkContext(context(settings.strategy(), spark)),
                      plan,
                      settings.workers().orElseThrow(),
                      settings.async(),
                      stop));
      case AUTO -> throw new IllegalArgumentException("The strategy is not decided");
    };
  }

  /** As the first line of a run tells it. */
  static String words(TrainSettings settings) {
    int workers = settings.workers().orElse(1);
    return switch (settings.strategy()) {
      case LOCAL ->
          settings.threads() == 1 ? "local" : "local, %d threads".formatted(settings.threads());
      case GRADIENT_SHARING -> "%d ranks, gradients summed at every step".formatted(workers);
      case PIPELINE ->
          "%d replica%s of %d pipeline stages"
              .formatted(
                  workers / settings.stages(),
                  workers == settings.stages() ? "" : "s",
                  settings.stages());
      case PARAMETER_AVERAGING ->
          "%d workers, averaged every %d steps".formatted(workers, settings.averagingFrequency());
      case ASYNC_GRADIENT_SHARING -> "%d asynchronous workers".formatted(workers);
      case AUTO -> "auto";
    };
  }

  private static SparkContext context(StrategyKind kind, Optional<SparkSession> spark) {
    return spark
        .map(SparkSession::sparkContext)
        .orElseThrow(
            () ->
                new OperationFailedException(
                    "train.strategy = %s needs a Spark session, and this run has none. Submit it with spark-submit, or set train.strategy = local."
                        .formatted(io.sluice.config.ConfigReader.kebab(kind))));
  }
}
