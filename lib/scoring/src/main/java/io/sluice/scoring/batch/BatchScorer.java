package io.sluice.scoring.batch;

import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.countDistinct;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.max;
import static org.apache.spark.sql.functions.min;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.config.InvalidConfigException;
import io.sluice.config.Provenance;
import io.sluice.failure.InvalidInputException;
import io.sluice.failure.OperationFailedException;
import io.sluice.failure.UserFailure;
import io.sluice.scoring.batch.PredictionRows.RunColumns;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.bundle.ModelRegistry;
import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.telemetry.SegmentStream;
import io.sluice.sequences.telemetry.grid.DropReason;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
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
    return new BatchScorer(writingSession(spark), settings, provenance, bundle).score(observer);
  }

  private ScoreReport score(PublishStep.Observer observer) {
    requireInstantsForTimestamps();
    JsonNode preparation = preparation();
    ScoringContractCheck.require(spark, settings.input(), bundle.uri(), contract, preparation);

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
      SegmentStream stream = stream(preparation);
      requireFewRejects(stream);
      ObservedInputs observed = stage(stream, write.staging());
      Staged staged = survey(write.staging());
      double seconds = (System.nanoTime() - start) / 1e9;
      requireWindows(staged, stream);
      observed.requireEveryChannel(settings.input(), contract);

      Coverage coverage = coverage(staged);
      long kept = new KeptRows(spark, write, settings.codec()).carryOver(coverage);
      PredictionsWrite.Published published = write.publish(coverage);
      ScoreReport report = report(staged, stream, observed, kept, published, seconds);
      LOG.info(
          "Published {} predictions of {} windows", report.predictionsWritten(), report.windows());
      return report;
    }
  }

  private SegmentStream stream(JsonNode preparation) {
    return SegmentStream.read(
        spark,
        contract,
        preparation,
        settings.input(),
        settings.from(),
        settings.to(),
        settings.origins(),
        settings.partitions());
  }

  /** Scores every window and writes its rows to the staging folder. */
  private ObservedInputs stage(SegmentStream stream, Path staging) {
    var context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    Broadcast<SerializableConfiguration> broadcast =
        context.broadcast(new SerializableConfiguration(hadoop));
    var observed = new CollectionAccumulator<ObservedInputs>();
    observed.register(spark.sparkContext(), Option.apply("inputs observed"), false);
    try {
      var scoring =
          new WindowScoring(
              bundle.uri(),
              bundle.hash(),
              settings.batchSize(),
              settings.threads(),
              settings.interval(),
              observed,
              broadcast);
      Dataset<ScoredWindow> windows =
          spark.createDataset(
              stream.segments().mapPartitions(scoring).rdd(), Encoders.bean(ScoredWindow.class));
      var run =
          new RunColumns(
              bundle.manifest().name(),
              bundle.manifest().version(),
              bundle.hash(),
              provenance.runId(),
              provenance.startedAt());
      PredictionRows.unfold(windows, contract, run)
          .write()
          .mode(SaveMode.Append)
          .option("compression", settings.codec())
          .partitionBy("date")
          .parquet(staging.toString());
      var all = new ObservedInputs(contract.inputs().size());
      observed.value().forEach(all::add);
      return all;
    } catch (Exception e) {
      throw ofTheTask(e); // Spark's checked SparkException is thrown from Scala without notice
    } finally {
      broadcast.destroy();
    }
  }

  /** What was staged, read back from the files themselves. */
  private record Staged(long rows, long series, long firstOrigin, long lastOrigin) {}

  private Staged survey(Path staging) {
    String ticks = PredictionsSchema.ticksSql(time, "origin");
    Row row =
        spark
            .read()
            .schema(PredictionsSchema.fileColumns(time))
            .parquet(staging.toString())
            .agg(count(lit(1)), countDistinct("series"), min(expr(ticks)), max(expr(ticks)))
            .head();
    long rows = row.getLong(0);
    return rows == 0
        ? new Staged(0, 0, 0, 0)
        : new Staged(rows, row.getLong(1), row.getLong(2), row.getLong(3));
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
      SegmentStream stream,
      ObservedInputs observed,
      long kept,
      PredictionsWrite.Published published,
      double seconds) {
    long windows = staged.rows() / rowsPerWindow();
    return new ScoreReport(
        settings.predictions(),
        settings.input(),
        bundle.manifest().name(),
        bundle.manifest().version(),
        bundle.hash(),
        provenance.runId(),
        staged.rows(),
        windows,
        staged.series(),
        PredictionsSchema.describe(time, staged.firstOrigin()),
        PredictionsSchema.describe(time, staged.lastOrigin()),
        published.replaced(),
        published.emptied(),
        kept,
        stream.rejected(),
        notScored(stream),
        observed.share(),
        seconds,
        windows / seconds);
  }

  private int rowsPerWindow() {
    return switch (contract.target().type()) {
      case FORECAST -> contract.targetSize();
      case CLASS, EVENT, REMAINING_LIFE -> 1;
    };
  }

  /** Windows that were not scored though they lie in the wanted range, by reason. */
  private static Map<String, Long> notScored(SegmentStream stream) {
    var reasons = new TreeMap<>(stream.dropped());
    reasons.remove(DropReason.BETWEEN_SPLITS.label()); // outside the wanted range
    return reasons;
  }

  private void requireFewRejects(SegmentStream stream) {
    long rejected = stream.rejected().values().stream().mapToLong(Long::longValue).sum();
    if (rejected > settings.maxRejectedShare() * stream.rows()) {
      throw new InvalidInputException(
          "score.input %s has %d rows of %d that cannot be used (%s), more than reject.max-share = %s allows. Correct the data, or raise reject.max-share."
              .formatted(
                  settings.input(),
                  rejected,
                  stream.rows(),
                  stream.rejected(),
                  settings.maxRejectedShare()));
    }
  }

  private void requireWindows(Staged staged, SegmentStream stream) {
    if (staged.rows() == 0) {
      throw new InvalidInputException(
          "No prediction made from score.input %s: no origin from %s has a complete look-back of %d steps of %s. Read %d rows of %d series; rejected rows: %s; windows left out: %s. Give at least so many consecutive steps of each series, at the interval the model was trained on."
              .formatted(
                  settings.input(),
                  range(),
                  contract.lookBack(),
                  step(),
                  stream.rows(),
                  stream.series(),
                  stream.rejected(),
                  notScored(stream)));
    }
  }

  private String step() {
    return switch (time) {
      case TIMESTAMP -> Duration.of(contract.time().stepTicks(), ChronoUnit.MICROS).toString();
      case ORDINAL -> Long.toString(contract.time().stepTicks());
    };
  }

  private String range() {
    return "%s to %s"
        .formatted(
            settings.from().map(Object::toString).orElse("the first step"),
            settings.to().map(Object::toString).orElse("the last step"));
  }

  private void requireInstantsForTimestamps() {
    if (time == TimeAxis.Type.ORDINAL
        && (settings.from().isPresent() || settings.to().isPresent())) {
      var problems = new ArrayList<String>();
      settings.from().ifPresent(i -> problems.add("score.from: " + ordinal(i.toString())));
      settings.to().ifPresent(i -> problems.add("score.to: " + ordinal(i.toString())));
      throw new InvalidConfigException("for " + bundle.uri(), problems);
    }
  }

  private static String ordinal(String instant) {
    return "must be null for a model whose time is a cycle number, but is %s".formatted(instant);
  }

  /**
   * How the bundle says raw data is prepared, with the reader options of this run where the bundle
   * has none: secrets are never recorded.
   */
  private JsonNode preparation() {
    ObjectNode preparation = bundle.preparation().deepCopy();
    ObjectNode options = preparation.withObject("/source/options");
    settings
        .sourceOptions()
        .forEach(
            (key, value) -> {
              if (!options.has(key)) {
                options.put(key, value);
              }
            });
    return preparation;
  }

  /**
   * The caller's session with the caller's settings, but for those the predictions depend on: time
   * stamps that every Parquet reader understands, and one pass over a partition's dates.
   */
  private static SparkSession writingSession(SparkSession spark) {
    SparkSession own = spark.newSession();
    var settings = scala.collection.JavaConverters.mapAsJavaMap(spark.conf().getAll());
    settings.forEach(
        (key, value) -> {
          if (own.conf().isModifiable(key)) {
            own.conf().set(key, value);
          }
        });
    own.conf().set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS");
    // rows arrive in the order of their dates: one file is open at a time but for the last rows of
    // a date, and no sort of unfolded rows is needed
    own.conf().set("spark.sql.maxConcurrentOutputFileWriters", "32");
    return own;
  }

  /** A user's failure that a task met comes wrapped in Spark's own; people need the inner one. */
  private RuntimeException ofTheTask(Exception failure) {
    Throwable root = failure;
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof UserFailure user) {
        return user;
      }
      root = cause;
    }
    return new OperationFailedException(
        "Scoring %s failed and nothing was published: %s".formatted(settings.input(), root),
        failure);
  }
}
