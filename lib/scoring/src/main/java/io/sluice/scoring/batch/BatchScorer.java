package io.sluice.scoring.batch;

import io.sluice.config.Provenance;
import io.sluice.failure.InsufficientClusterException;
import io.sluice.failure.InvalidInputException;
import io.sluice.scoring.batch.Staging.Staged;
import io.sluice.scoring.bundle.Decision;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.bundle.ModelRegistry;
import io.sluice.scoring.device.GpuScheduling;
import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.source.WriteFailures;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.CollectionAccumulator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The {@code score} job: raw data and a bundle in, rows of the predictions table out; windows of
 * series, or documents, as the bundle's model has it.
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
  private final Decision decision;

  private BatchScorer(
      SparkSession spark, ScoreSettings settings, Provenance provenance, ModelBundle bundle) {
    this.spark = spark;
    this.settings = settings;
    this.provenance = provenance;
    this.hadoop = spark.sessionState().newHadoopConf();
    this.bundle = bundle;
    this.contract = bundle.contract();
    this.time = contract.time().type();
    this.decision = bundle.decision("score.threshold", settings.threshold());
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
    return bundle.isOfText()
        ? new DocumentScorer(spark, settings, provenance, bundle, hadoop).score(observer)
        : new BatchScorer(spark, settings, provenance, bundle).score(observer);
  }

  private WindowScoreReport score(PublishStep.Observer observer) {
    ScoringInput.requireFit(spark, settings, bundle);
    PredictionsTable table =
        PredictionsTable.at(settings.predictions(), settings.lockTimeout(), hadoop);
    String model = bundle.manifest().name();
    try (PredictionsWrite write =
        table.begin(model, new TableFormat.OfWindows(time), provenance.runId(), observer)) {
      LOG.info(
          "Scoring {} with {} version {} into {}",
          settings.input(),
          model,
          bundle.manifest().version(),
          settings.predictions());
      long start = System.nanoTime();
      ScoringInput input = ScoringInput.open(spark, settings, bundle, provenance, hadoop);
      CollectionAccumulator<ObservedInputs> observed =
          ScoringTask.accumulator(spark.sparkContext(), "inputs observed");
      ScoringTask task = ScoringTask.of(bundle, settings, spark.sparkContext(), hadoop);
      Staged staged = stage(input, write.staging(), task, observed);
      double seconds = (System.nanoTime() - start) / 1e9;
      input.requireWindows(staged);
      ObservedInputs allObserved = ObservedInputs.sum(observed.value(), contract);
      allObserved.requireEveryChannel(settings.input(), contract);

      Coverage coverage = coverage(staged);
      long kept = new KeptRows(spark, write, settings.codec()).carryOver(coverage);
      PredictionsWrite.Published published = write.publish(coverage);
      var warnings = new ArrayList<>(input.warnings(staged));
      warnings.addAll(task.complaintsMade());
      WindowScoreReport report =
          report(
              staged,
              input,
              task.devicesUsed(),
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

  /** Scores every window and writes its rows to the staging folder. */
  private Staged stage(
      ScoringInput input,
      Path folder,
      ScoringTask task,
      CollectionAccumulator<ObservedInputs> observed) {
    var scoring =
        new WindowScoring(task, settings.batchSize(), settings.interval(), decision, observed);
    var staging =
        new Staging(spark, folder, contract, RunColumns.of(bundle, provenance), settings.codec());
    try (task) {
      return TaskFailures.guard(
          settings.input(),
          () -> {
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
                () -> write(staging, windows));
          });
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

  private WindowScoreReport report(
      Staged staged,
      ScoringInput input,
      String device,
      double observedShare,
      long kept,
      PredictionsWrite.Published published,
      List<String> warnings,
      double seconds) {
    List<String> unknown = input.seriesWithoutScaler(staged);
    return new WindowScoreReport(
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
        decision.V() == 2 ? (double) decision.threshold() : null,
        staged.predictedClasses(),
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
}
