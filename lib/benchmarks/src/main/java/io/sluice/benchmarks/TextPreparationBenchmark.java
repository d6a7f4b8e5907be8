package io.sluice.benchmarks;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.explode;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.sequence;

import io.sluice.config.Provenance;
import io.sluice.config.Settings;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.TextBuilder;
import io.sluice.sequences.text.TextReport;
import io.sluice.sequences.text.TextSettings;
import io.sluice.sequences.text.dataset.TextDataset;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;

/**
 * Are IMDB's 50,000 reviews tokenised, counted and written in under 60 s on two cores, and what
 * does a corpus of 20 times as many take?
 *
 * <pre>lib/benchmarks/run.sh text-preparation [--record] [TIMES]</pre>
 *
 * <p>Builds {@code conf/imdb.conf} from the gzipped CSV files as they come, audit included, with
 * {@code local[2]}: once in a new process, its start and Spark's counted, then three times more;
 * then the same reviews TIMES (20) times over, each copy with a name of its own, from CSV in 8 and
 * 8 files, so that two cores can share the reading. Its texts are all duplicates: those are counted
 * and kept. Scaling is documents a second of the large corpus by those of the small one. Driver and
 * executors are one process with a heap of 2 GiB whatever the size. SLUICE_DATA names the folder
 * that holds imdb/; TIMES = 20 needs 10 GB in java.io.tmpdir.
 *
 * <p>Result: results/text-preparation.json, once it is recorded on a quiet machine.
 */
public final class TextPreparationBenchmark {
  private static final int THREADS = 2;
  private static final int ROUNDS = 3;

  private TextPreparationBenchmark() {}

  public static void main(String[] args) throws Exception {
    int times = args.length > 0 ? Integer.parseInt(args[0]) : 20;
    String data = System.getenv("SLUICE_DATA");
    if (data == null || !Files.exists(Path.of(data, "imdb/imdb_train.csv.gz"))) {
      throw new IllegalArgumentException(
          "SLUICE_DATA is %s, expected a folder with imdb/imdb_train.csv.gz".formatted(data));
    }
    try (var scratch = new Scratch();
        SparkSession spark = Telemetry.spark(THREADS)) {
      var report =
          new Report(
                  "text-preparation",
                  "Are 50,000 reviews prepared in under 60 s, and %d times as many at the same speed?"
                      .formatted(times))
              .put(
                  "data",
                  "IMDB, 50,000 reviews, as conf/imdb.conf says; and %d times over"
                      .formatted(times))
              .put("threads", THREADS);
      String train = data + "/imdb/imdb_train.csv.gz";
      String test = data + "/imdb/imdb_test.csv.gz";
      TextReport[] small = new TextReport[1];
      TextReport[] large = new TextReport[1];
      small[0] = build(spark, scratch.path("once"), train, test);
      double withStart = sinceStart();
      Map<String, Turns.Times> once =
          new Turns()
              .add(
                  "once",
                  50_000,
                  "documents",
                  () -> small[0] = build(spark, scratch.path("once"), train, test))
              .run(0, ROUNDS);
      Path raw = scratch.path("raw");
      replicate(spark, data, raw, times);
      Map<String, Turns.Times> often =
          new Turns()
              .add(
                  "replicated",
                  50_000L * times,
                  "documents",
                  () ->
                      large[0] = build(spark, scratch.path("often"), raw + "/train", raw + "/test"))
              .run(0, 1);
      Turns.requireEqual(
          "test tokens", times * tokens(small[0], Split.TEST), tokens(large[0], Split.TEST));
      double seconds = once.get("once").median();
      double scaling = often.get("replicated").rate() / once.get("once").rate();
      report
          .put("tokens", tokens(small[0], Split.TRAIN) + tokens(small[0], Split.TEST))
          .putTimes("timesOnce", once)
          .putTimes("timesReplicated", often)
          .require("imdbSecondsWithStart", withStart, "under 60", withStart < 60)
          .put("imdbSeconds", Report.rounded(seconds))
          .require("replicatedToOnceSpeed", scaling, "at least 0.8", scaling >= 0.8)
          .finish();
    }
  }

  private static TextReport build(SparkSession spark, Path lake, String train, String test)
      throws Exception {
    Settings settings =
        Settings.load(
            Path.of(System.getProperty("sluice.benchmarks.results"), "../../../conf/imdb.conf"),
            List.of(
                "lake.root=\"%s\"".formatted(lake),
                "source.path=\"%s\"".formatted(train),
                "source.test-path=\"%s\"".formatted(test)));
    return TextBuilder.build(spark, settings.read(TextSettings::from), Provenance.start(settings));
  }

  /** Seconds that this process has run. */
  private static double sinceStart() {
    return ManagementFactory.getRuntimeMXBean().getUptime() / 1e3;
  }

  private static long tokens(TextReport report, Split split) {
    return TextDataset.open(report.dataset(), new Configuration()).tokens(split);
  }

  /** Each review under {@code times} names. */
  private static void replicate(SparkSession spark, String data, Path raw, int times) {
    for (String split : List.of("train", "test")) {
      spark
          .read()
          .option("header", true)
          .option("quote", "\"")
          .option("escape", "\"")
          .csv("%s/imdb/imdb_%s.csv.gz".formatted(data, split))
          .repartition(8)
          .withColumn("copy", explode(sequence(lit(1), lit(times))))
          .withColumn("id", concat(col("id"), lit("#"), col("copy")))
          .drop("copy")
          .write()
          .option("header", true)
          .option("quote", "\"")
          .option("escape", "\"")
          .csv(raw + "/" + split);
    }
  }
}
