package io.sluice.benchmarks;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.collect_list;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.size;
import static org.apache.spark.sql.functions.struct;

import io.sluice.config.Settings;
import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.telemetry.BuildReport;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.expressions.Window;

/**
 * How much faster is build-sequences than windows cut by Spark SQL's sliding {@code collect_list}?
 *
 * <pre>lib/benchmarks/run.sh naive-windows [--record] [rows]</pre>
 *
 * <p>Four series, so that the SQL plan can use both cores. build-sequences does the whole job:
 * validation, resampling, scalers, manifest, leakage audit. The SQL plan only cuts and writes.
 * Every 500th window is compared number by number, and the number of windows.
 *
 * <p>Result: results/naive-windows.json (2026-11-25, 2 cores of an AMD EPYC, 24 GB): 3.05 times
 * faster, 5.7 s (5.6 to 7.0, three builds) against 17.5 s (one run); 10 was asked and is missed.
 */
public final class NaiveWindowsBenchmark {
  private static final int SERIES = 4;
  private static final int SAMPLED = 500;
  private static final int STEPS = Telemetry.LOOK_BACK + Telemetry.HORIZON;

  private NaiveWindowsBenchmark() {}

  public static void main(String[] args) throws Exception {
    long rows = args.length > 0 ? Long.parseLong(args[0]) : 500_000;
    try (var scratch = new Scratch();
        SparkSession spark = Telemetry.spark(2)) {
      spark.conf().set("spark.sql.parquet.compression.codec", "zstd");
      Path raw = scratch.path("raw");
      Path naive = scratch.path("naive");
      Telemetry.rows(spark, SERIES, rows / SERIES, 2).write().parquet(raw.toString());
      Settings settings =
          Telemetry.settings(
              raw, scratch.path("lake"), "split { train = 1.0, validation = 0.0, test = 0.0 }");

      // warm both: classes, code generation, the file cache
      Path few = scratch.path("few");
      Telemetry.rows(spark, SERIES, 2_000, 2).write().parquet(few.toString());
      cutBySql(spark, few, scratch.path("few-naive"));
      Telemetry.build(
          spark,
          Telemetry.settings(
              few,
              scratch.path("few-lake"),
              "split { train = 1.0, validation = 0.0, test = 0.0 }"));

      long windows = rows - (long) SERIES * (STEPS - 1);
      var reports = new HashMap<String, BuildReport>();
      Map<String, Turns.Times> ours =
          new Turns()
              .add(
                  "build-sequences",
                  windows,
                  "windows",
                  () -> reports.put("last", Telemetry.build(spark, settings)))
              .run(0, 3);
      Map<String, Turns.Times> sql =
          new Turns()
              .add("sliding collect_list", windows, "windows", () -> cutBySql(spark, raw, naive))
              .run(0, 1);
      SequenceDataset dataset = Telemetry.open(reports.get("last"));
      requireSameWindows(spark, naive, dataset, windows);

      double ratio =
          sql.get("sliding collect_list").median() / ours.get("build-sequences").median();
      var times = new HashMap<>(ours);
      times.putAll(sql);
      new Report(
              "naive-windows",
              "How much faster is build-sequences than Spark SQL's sliding collect_list?")
          .put(
              "data",
              "%,d rows of 8 channels in %d series; look-back %d, horizon %d, stride 1"
                  .formatted(rows, SERIES, Telemetry.LOOK_BACK, Telemetry.HORIZON))
          .put("windows", windows)
          .putTimes(times)
          .put("bytesOfDataset", Scratch.bytes(Path.of(dataset.uri().replaceFirst("^file:", ""))))
          .put("bytesOfNaiveWindows", Scratch.bytes(naive))
          .require("naiveToBuildSequences", ratio, "at least 10", ratio >= 10)
          .finish();
    }
  }

  private static void cutBySql(SparkSession spark, Path raw, Path output) {
    Column[] values =
        Telemetry.channels().stream()
            .map(channel -> col(channel).cast("float").as(channel))
            .toArray(Column[]::new);
    var frame = Window.partitionBy("unit").orderBy("time").rowsBetween(-STEPS + 1, 0);
    spark
        .read()
        .parquet(raw.toString())
        .select(col("unit"), col("time"), collect_list(struct(values)).over(frame).as("steps"))
        .where(size(col("steps")).equalTo(STEPS))
        .write()
        .mode("overwrite")
        .parquet(output.toString());
  }

  private static void requireSameWindows(
      SparkSession spark, Path naive, SequenceDataset dataset, long windows) {
    Dataset<Row> all = spark.read().parquet(naive.toString());
    Turns.requireEqual("windows of the SQL plan", windows, all.count());
    Turns.requireEqual("windows of the dataset", windows, dataset.windows(Split.TRAIN));
    var expected = new HashMap<String, List<Row>>();
    all.withColumn("ends", expr("unix_micros(time)"))
        .where("pmod(ends div 60000000, %d) = 0".formatted(SAMPLED))
        .select("unit", "ends", "steps")
        .collectAsList()
        .forEach(row -> expected.put(row.getString(0) + row.getLong(1), row.getList(2)));
    int compared = 0;
    for (Part part : dataset.parts(Split.TRAIN)) {
      for (Iterator<Segment> segments = dataset.segments(part); segments.hasNext(); ) {
        Segment segment = segments.next();
        for (int origin : segment.origins()) {
          int end = origin + Telemetry.HORIZON;
          List<Row> steps = expected.get(segment.series() + segment.times()[end]);
          if (steps != null) {
            requireEqual(steps, segment, end - STEPS + 1);
            compared++;
          }
        }
      }
    }
    Turns.requireEqual("windows compared", expected.size(), compared);
  }

  private static void requireEqual(List<Row> steps, Segment segment, int first) {
    for (int t = 0; t < STEPS; t++) {
      for (int c = 0; c < Telemetry.CHANNELS; c++) {
        Turns.requireEqual(
            "a value of a window", steps.get(t).getFloat(c), segment.values()[c][first + t]);
      }
    }
  }
}
