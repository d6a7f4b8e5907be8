package io.sluice.scoring.batch;

import io.sluice.config.Provenance;
import io.sluice.failure.InsufficientClusterException;
import io.sluice.failure.InvalidInputException;
import io.sluice.failure.OperationFailedException;
import io.sluice.failure.UserFailure;
import io.sluice.recurrent.kernel.Device;
import io.sluice.scoring.batch.Staging.Staged;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.bundle.ModelRegistry;
import io.sluice.scoring.device.GpuScheduling;
import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.telemetry.source.WriteFailures;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.CollectionAccumulator;
import org.apache.spark.util.SerializableConfiguration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.Option;

/**
 * The {@code score} job: raw data and a bundle in, rows of the predictions table out.
 *
 * <p>Idempotent: a rerun replaces exactly the partitions it covers and leaves every other as it is.
 * See {@link PredictionsTable} for what a crash leaves.
 */
public final class BatchScorer {
  private static final Logger LOG = LoggerFactory.getLogger(BatchScorer.class);

  private final SparkSession spark;
  private final ScoreSettings settings;
  private final Provenance provenance;
  private final Configuration hadoop;
  private final ModelBundle bundle;
  private final WindowContract contract;
  private final TimeAxis.Type time;

  private BatchScorer(
      SparkSession spark, ScoreSettings settings, Provenance provenance, ModelBundle bundle) {
    this.spark = spark;
    this.settings = settings;
    this.provenance = provenance;
    this.hadoop = spark.sessionState().newHadoopConf();
    this.bundle = bundle;
    this.contract = bundle.contract();
    this.time = contract.time().type();
  }

  /**
   * Scores new raw data with a bundle and publishes the predictions.
   *
   * @throws InvalidInputException if the bundle or the input is missing or broken, the input does
   *     not fit the bundle, or no window has a complete look-back
   * @throws io.sluice.failure.OperationFailedException if another run publishes this model's
   *     predictions to the same table
   * @throws InsufficientClusterException if it must compute on a GPU, and there is none
   */
  public static ScoreReport run(SparkSession spark, ScoreSettings settings, Provenance provenance) {
    return run(spark, settings, provenance, PublishStep.Observer.NONE);
  }

  static ScoreReport run(
      SparkSession spark,
      ScoreSettings settings,
      Provenance provenance,
      PublishStep.Observer observer) {
    Configuration hadoop = spark.sessionState().newHadoopConf();
    String uri =
        ModelRegistry.resolve(settings.bundle(), settings.registry(), settings.name(), hadoop);
    ModelBundle bundle = ModelBundle.open(uri, hadoop);
    GpuScheduling.require(spark.sparkContext(), settings.device());
    bundle.spec().requireOn(settings.device());
    return new BatchScorer(spark, settings, provenance, bundle).score(observer);
  }

  private ScoreReport score(PublishStep.Observer observer) {
    ScoringInput.requireFit(spark, settings, bundle);
    PredictionsTable table =
        PredictionsTable.at(settings.predictions(), settings.lockTimeout(), hadoop);
    String model = bundle.manifest().name();
    try (PredictionsWrite write = table.begin(model, time, provenance.runId(), observer)) {
      LOG.info(
          "Scoring {} with {} version {} into {}",
          settings.input(),
          model,
          bundle.manifest().version(),
          settings.predictions());
      long start = System.nanoTime();
      ScoringInput input = ScoringInput.open(spark, settings, bundle, provenance, hadoop);
      CollectionAccumulator<ObservedInputs> observed = accumulator("inputs observed");
      CollectionAccumulator<String> devices = accumulator("devices");
      CollectionAccumulator<String> complaints = accumulator("complaints of devices");
      Staged staged = stage(input, write.staging(), observed, devices, complaints);
      double seconds = (System.nanoTime() - start) / 1e9;
      input.requireWindows(staged);
      ObservedInputs allObserved = ObservedInputs.sum(observed.value(), contract);
      allObserved.requireEveryChannel(settings.input(), contract);

      Coverage coverage = coverage(staged);
      long kept = new KeptRows(spark, write, settings.codec()).carryOver(coverage);
      PredictionsWrite.Published published = write.publish(coverage);
      var warnings = new ArrayList<>(input.warnings(staged));
      complaints.value().stream().distinct().forEach(warnings::add);
      ScoreReport report =
          report(
              staged,
              input,
              Device.summary(devices.value().stream().distinct().sorted().toList()),
              allObserved.share(),
              kept,
              published,
              List.copyOf(warnings),
              seconds);
      LOG.info("device: {}", report.device());
      report.warnings().forEach(warning -> LOG.warn("{}", warning));
      LOG.info(
          "Published {} predictions of {} windows", report.predictionsWritten(), report.windows());
      return report;
    }
  }

  private <T> CollectionAccumulator<T> accumulator(String name) {
    var accumulator = new CollectionAccumulator<T>();
    accumulator.register(spark.sparkContext(), Option.apply(name), false);
    return accumulator;
  }

  /** Scores every window and writes its rows to the staging folder. */
  private Staged stage(
      ScoringInput input,
      Path staging,
      CollectionAccumulator<ObservedInputs> observed,
      CollectionAccumulator<String> devices,
      CollectionAccumulator<String> complaints) {
    Broadcast<SerializableConfiguration> broadcast =
        JavaSparkContext.fromSparkContext(spark.sparkContext())
            .broadcast(new SerializableConfiguration(hadoop));
    var scoring =
        new WindowScoring(
            bundle.uri(),
            bundle.hash(),
            settings.batchSize(),
            settings.threads(),
            settings.interval(),
            settings.device(),
            devices,
            complaints,
            observed,
            broadcast);
    var run =
        new RunColumns(
            bundle.manifest().name(),
            bundle.manifest().version(),
            bundle.hash(),
            provenance.runId(),
            provenance.startedAt());
    try {
      JavaRDD<ScoredWindow> scored =
          GpuScheduling.withGpus(
              input.stream().segments().mapPartitions(scoring),
              spark.sparkContext(),
              settings.device());
      Dataset<ScoredWindow> windows =
          spark.createDataset(scored.rdd(), Encoders.bean(ScoredWindow.class));
      return WriteFailures.guard(
          "score.input " + settings.input(),
          settings.predictions(),
          () -> write(new Staging(spark, staging, contract, run, settings.codec()), windows));
    } catch (UserFailure e) {
      throw e;
    } catch (RuntimeException e) {
      throw ofTheTask(e);
    } finally {
      broadcast.destroy();
    }
  }

  private static Staged write(Staging staging, Dataset<ScoredWindow> windows) {
    try {
      return staging.write(windows);
    } catch (Exception e) {
      // Spark's checked SparkException is thrown from Scala without notice
      throw new IllegalStateException("scoring did not end", e);
    }
  }

  private Coverage coverage(Staged staged) {
    return switch (settings.origins()) {
      case LAST -> new Coverage.NewRowsOnly(time);
      case ALL ->
          new Coverage.Range(
              time,
              settings.from().map(PredictionsSchema::ticks).orElse(staged.firstOrigin()),
              settings.to().map(PredictionsSchema::ticks).orElse(staged.lastOrigin()));
    };
  }

  private ScoreReport report(
      Staged staged,
      ScoringInput input,
      String device,
      double observedShare,
      long kept,
      PredictionsWrite.Published published,
      List<String> warnings,
      double seconds) {
    List<String> unknown = input.seriesWithoutScaler(staged);
    return new ScoreReport(
        settings.predictions(),
        settings.input(),
        bundle.manifest().name(),
        bundle.manifest().version(),
        bundle.hash(),
        provenance.runId(),
        device,
        staged.rows(),
        staged.windows(),
        staged.series().size(),
        PredictionsSchema.describe(time, staged.firstOrigin()),
        PredictionsSchema.describe(time, staged.lastOrigin()),
        published.replaced(),
        published.emptied(),
        kept,
        input.stream().rows(),
        input.stream().rejected(),
        settings.rejectsPath(),
        input.stream().missingValues(),
        input.windowsNotScored(),
        input.seriesNotScored(staged),
        unknown.size(),
        observedShare,
        warnings,
        seconds,
        staged.windows() / seconds);
  }

  /** A failure that a task met comes wrapped in Spark's own; people need the inner one. */
  private RuntimeException ofTheTask(RuntimeException failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
      if (root instanceof InsufficientClusterException refused) {
        return refused;
      }
    }
    return new OperationFailedException(
        "Scoring %s failed and nothing was published: %s".formatted(settings.input(), root),
        failure);
  }
}
