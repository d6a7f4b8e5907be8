package io.sluice.scoring.batch;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.count_if;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.sum;

import io.sluice.config.ConfigReader;
import io.sluice.config.InvalidConfigException;
import io.sluice.config.Provenance;
import io.sluice.scoring.bundle.Decision;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.device.GpuScheduling;
import io.sluice.sequences.lake.Lake;
import io.sluice.sequences.lake.StagedFolder;
import io.sluice.sequences.source.RejectsTable;
import io.sluice.sequences.source.WriteFailures;
import io.sluice.sequences.spark.JobDescription;
import io.sluice.sequences.telemetry.SegmentStream.OriginMode;
import io.sluice.sequences.text.RawDocuments;
import io.sluice.sequences.text.RepeatedNames;
import io.sluice.sequences.text.encoding.TextContract;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Scores documents: raw texts and the bundle of a classifier or of a language model in, rows of
 * {@code document-predictions.v1} out.
 *
 * <p>A run covers the documents of its input on its date, and replaces exactly the rows of these.
 */
final class DocumentScorer {
  private static final Logger LOG = LoggerFactory.getLogger(DocumentScorer.class);

  /** Of the model's staging folder: tokens of the input, deleted before publication. */
  private static final String READ = "_read";

  private final SparkSession spark;
  private final ScoreSettings settings;
  private final Provenance provenance;
  private final Configuration hadoop;
  private final ModelBundle bundle;
  private final TextContract contract;
  private final Decision decision;
  private final LocalDate date;
  private final String input;

  DocumentScorer(
      SparkSession spark,
      ScoreSettings settings,
      Provenance provenance,
      ModelBundle bundle,
      Configuration hadoop) {
    this.spark = spark;
    this.settings = settings;
    this.provenance = provenance;
    this.hadoop = hadoop;
    this.bundle = bundle;
    this.contract = bundle.textContract();
    this.decision = bundle.decision("score.threshold", settings.threshold());
    this.date = settings.date().orElse(LocalDate.ofInstant(provenance.startedAt(), ZoneOffset.UTC));
    this.input = Lake.of(hadoop).qualified(settings.input());
  }

  DocumentScoreReport score(PublishStep.Observer observer) {
    requireFit();
    PredictionsTable table =
        PredictionsTable.at(settings.predictions(), settings.lockTimeout(), hadoop);
    String model = bundle.manifest().name();
    try (PredictionsWrite write =
        table.begin(model, new TableFormat.OfDocuments(), provenance.runId(), observer)) {
      LOG.info(
          "Scoring {} with {} version {} into {}",
          settings.input(),
          model,
          bundle.manifest().version(),
          settings.predictions());
      long start = System.nanoTime();
      String read = new Path(write.staging(), READ).toString();
      RawDocuments documents = describing("tokenise", () -> read(read));
      Path partition = new Path(write.staging(), DocumentSchema.partition(date));
      try (ScoringTask task = ScoringTask.of(bundle, settings, spark.sparkContext(), hadoop)) {
        describing("score", () -> stage(documents, task, partition));
        Lake.of(hadoop).deleteQuietly(read);
        double seconds = (System.nanoTime() - start) / 1e9;
        Counts counts = describing("count", () -> counts(partition));
        var coverage = new Coverage.Input(input);
        long kept = new KeptRows(spark, write, settings.codec()).carryOver(coverage);
        write.publish(coverage);
        DocumentScoreReport report = report(documents, counts, kept, task, seconds);
        LOG.info("device: {}", report.device());
        report.warnings().forEach(warning -> LOG.warn("{}", warning));
        LOG.info("Published predictions of {} documents", report.predictionsWritten());
        return report;
      }
    }
  }

  private <T> T describing(String what, java.util.function.Supplier<T> work) {
    try (var ignored = JobDescription.set(spark.sparkContext(), "score: " + what)) {
      return work.get();
    }
  }

  /** Refuses settings that mean nothing for this model. */
  private void requireFit() {
    var problems = new ArrayList<String>();
    settings
        .from()
        .ifPresent(from -> problems.add("score.from: " + mustBe("null", from.toString())));
    settings.to().ifPresent(to -> problems.add("score.to: " + mustBe("null", to.toString())));
    if (settings.origins() != OriginMode.ALL) {
      problems.add("score.origins: " + mustBe("all", "last"));
    }
    if (settings.explain() == ScoreSettings.Explain.ATTENTION && !bundle.hasAttentionWeights()) {
      problems.add(
          "score.explain: must be none for a model without attention weights (model.attention is %s, and they are those of additive), but is attention"
              .formatted(ConfigReader.kebab(bundle.spec().attention().kind())));
    }
    if (!problems.isEmpty()) {
      throw new InvalidConfigException("for " + bundle.uri(), problems);
    }
  }

  private static String mustBe(String value, String found) {
    return "must be %s for a model of texts, whose documents have no time, but is %s"
        .formatted(value, found);
  }

  /** Tokenises the input and keeps what cannot be used. */
  private RawDocuments read(String folder) {
    RejectsTable.requireReplaceable("score.rejects-path", settings.rejectsPath(), hadoop);
    RawDocuments documents =
        RawDocuments.read(
            spark,
            contract,
            bundle.tokenizerJson(),
            bundle.preparation(),
            new RawDocuments.Request(described(), settings.source().at(settings.input()), folder));
    try (StagedFolder rejects =
        StagedFolder.open(
            settings.rejectsPath(), provenance.runId(), settings.lockTimeout(), hadoop)) {
      documents.keepRejects(rejects, settings.maxRejectedShare());
    }
    return documents;
  }

  private String described() {
    return "score.input " + settings.input();
  }

  /** Scores every document and writes its row to the staging folder. */
  private Path stage(RawDocuments documents, ScoringTask task, Path partition) {
    var scoring =
        new DocumentScoring(
            task,
            settings.batchSize(),
            settings.batchTokens(),
            decision,
            settings.explain() == ScoreSettings.Explain.ATTENTION,
            input,
            RunColumns.of(bundle, provenance));
    JavaRDD<Row> scored =
        GpuScheduling.withGpus(
            documents.documents(partitions(documents)).mapPartitions(scoring),
            spark.sparkContext(),
            settings.device());
    return TaskFailures.guard(
        settings.input(),
        () ->
            WriteFailures.guard(
                described(),
                settings.predictions(),
                () -> {
                  KeptRows.writingSession(spark)
                      .createDataFrame(scored, DocumentSchema.fileColumns())
                      .write()
                      .option("compression", settings.codec())
                      .parquet(partition.toString());
                  return partition;
                }));
  }

  /** At least a batch each: a task with a handful of documents costs more than they do. */
  private int partitions(RawDocuments documents) {
    int wanted =
        settings.partitions() > 0
            ? settings.partitions()
            : Integer.parseInt(spark.conf().get("spark.sql.shuffle.partitions"));
    long batches = 1 + (documents.count() - 1) / settings.batchSize();
    return (int) Math.min(wanted, batches);
  }

  /** What the staged rows add up to. */
  private record Counts(
      long rows,
      long tokens,
      long unknownTokens,
      long unknownDocuments,
      long cutDocuments,
      long cutTokens,
      TreeMap<String, Long> predictedClasses,
      long scoredTokens,
      double logProbability,
      long labelled,
      long right,
      long unknownLabels,
      RepeatedNames repeated) {}

  private Counts counts(Path partition) {
    Dataset<Row> staged =
        spark.read().schema(DocumentSchema.fileColumns()).parquet(partition.toString());
    Column isClass = col("label").isin(contract.classes().toArray());
    List<Row> byClass =
        staged
            .groupBy("predicted_class")
            .agg(
                count(lit(1)),
                sum(col("tokens").cast("long")),
                sum(col("unknown_tokens").cast("long")),
                count_if(col("unknown_tokens").equalTo(col("tokens"))),
                count_if(col("cut_tokens").gt(0)),
                sum(col("cut_tokens").cast("long")),
                count_if(isClass),
                count_if(col("label").equalTo(col("predicted_class"))),
                count_if(isClass.equalTo(false)),
                sum(col("scored_tokens").cast("long")),
                sum("log_probability"))
            .collectAsList();
    var sums = new long[11];
    double logProbability = 0;
    var classes = new TreeMap<String, Long>();
    for (Row row : byClass) {
      if (!row.isNullAt(0)) {
        classes.put(row.getString(0), row.getLong(1));
      }
      for (int i = 1; i < sums.length; i++) {
        sums[i] += row.isNullAt(i) ? 0 : row.getLong(i);
      }
      logProbability += row.isNullAt(11) ? 0 : row.getDouble(11);
    }
    return new Counts(
        sums[1],
        sums[2],
        sums[3],
        sums[4],
        sums[5],
        sums[6],
        classes,
        sums[10],
        logProbability,
        sums[7],
        sums[8],
        bundle.isLanguageModel() ? 0 : sums[9],
        settings.source().idColumn() == null
            ? new RepeatedNames(0, null)
            : RepeatedNames.of(staged, "id"));
  }

  private DocumentScoreReport report(
      RawDocuments documents, Counts counts, long kept, ScoringTask task, double seconds) {
    var warnings = new ArrayList<>(warnings(documents, counts));
    warnings.addAll(task.complaintsMade());
    return new DocumentScoreReport(
        settings.predictions(),
        settings.input(),
        bundle.manifest().name(),
        bundle.manifest().version(),
        bundle.hash(),
        provenance.runId(),
        task.devicesUsed(),
        counts.rows(),
        date.toString(),
        kept,
        documents.count(),
        Map.copyOf(documents.rejected()),
        settings.rejectsPath(),
        counts.tokens(),
        counts.unknownTokens(),
        counts.unknownDocuments(),
        counts.cutDocuments(),
        counts.cutTokens(),
        decision.V() == 2 ? (double) decision.threshold() : null,
        counts.predictedClasses(),
        counts.scoredTokens(),
        bundle.isLanguageModel() ? counts.logProbability() : null,
        counts.scoredTokens() == 0
            ? null
            : (Double) Math.exp(-counts.logProbability() / counts.scoredTokens()),
        counts.labelled(),
        counts.unknownLabels(),
        counts.labelled() == 0 ? null : (double) counts.right() / counts.labelled(),
        List.copyOf(warnings),
        seconds,
        counts.rows() / seconds);
  }

  private List<String> warnings(RawDocuments documents, Counts counts) {
    var warnings = new ArrayList<String>();
    documents.warningOfReplaced().ifPresent(warnings::add);
    if (counts.unknownDocuments() > 0) {
      warnings.add(
          "%d of %d documents have no token that the model's vocabulary knows: their predictions say nothing of them."
              .formatted(counts.unknownDocuments(), counts.rows()));
    }
    counts.repeated().warning(settings.source().idColumn()).ifPresent(warnings::add);
    String label = settings.source().labelColumn();
    if (label != null && !documents.hasLabels() && !bundle.isLanguageModel()) {
      warnings.add(
          "%s has no column \"%s\" (source.columns.label): it was scored without labels."
              .formatted(described(), label));
    }
    if (counts.unknownLabels() > 0) {
      warnings.add(
          "%d documents have a label (source.columns.label = %s) that is no class of the model (%s): they were scored, and left out of the accuracy."
              .formatted(counts.unknownLabels(), label, classes()));
    }
    return warnings;
  }

  private String classes() {
    int most = Math.min(10, contract.classes().size());
    String first = String.join(", ", contract.classes().subList(0, most));
    return most < contract.classes().size() ? first + ", …" : first;
  }
}
