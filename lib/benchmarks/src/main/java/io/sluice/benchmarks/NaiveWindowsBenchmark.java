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
import java.util.ArrayList;
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
 * <p>Measured on one series, and on four, where the SQL plan can use both cores. build-sequences
 * does the whole job: validation, resampling, scalers, manifest, leakage audit. The SQL plan only
 * cuts and writes. Both have run twice on all the rows before they are timed. Every 500th window is
 * compared number by number, and the number of windows.
 *
 * <p>Result: results/naive-windows.json.
 */
public final class NaiveWindowsBenchmark {
  private static final int SAMPLED = 500;
  private static final int STEPS = Telemetry.LOOK_BACK + Telemetry.HORIZON;

  private NaiveWindowsBenchmark() {}

  public static void main(String[] args) throws Exception {
    long rows = args.length > 0 ? Long.parseLong(args[0]) : 500_000;
    var report =
        new Report(
                "naive-windows",
                "How much faster is build-sequences than Spark SQL's sliding collect_list?")
            .put(
                "data",
                "%,d rows of 8 channels; look-back %d, horizon %d, stride 1"
                    .formatted(rows, Telemetry.LOOK_BACK, Telemetry.HORIZON));
    try (var scratch = new Scratch();
        SparkSession spark = Telemetry.spark(2)) {
      spark.conf().set("spark.sql.parquet.compression.codec", "zstd");
      double ratio = measure(spark, scratch, 1, rows, "oneSeries", report);
      report.require("oneSeriesNaiveToBuildSequences", ratio, "at least 10", ratio >= 10);
      ratio = measure(spark, scratch, 4, rows, "fourSeries", report);
      report.put("fourSeriesNaiveToBuildSequences", Report.rounded(ratio));
    }
    report.finish();
  }

  private static double measure(
      SparkSession spark, Scratch scratch, int series, long rows, String name, Report report)
      throws Exception {
    Path raw = scratch.path(name + "-raw");
    Path naive = scratch.path(name + "-naive");
    Telemetry.rows(spark, series, rows / series, 2).write().parquet(raw.toString());
    Settings settings =
        Telemetry.settings(
            raw,
            scratch.path(name + "-lake"),
            "split { train = 1.0, validation = 0.0, test = 0.0 }");
    long windows = rows - (long) series * (STEPS - 1);
    var reports = new ArrayList<BuildReport>();
    Map<String, Turns.Times> times =
        new Turns()
            .add(
                "build-sequences",
                windows,
                "windows",
                () -> reports.add(Telemetry.build(spark, settings)))
            .add("sliding collect_list", windows, "windows", () -> cutBySql(spark, raw, naive))
            .run(2, 3);
    SequenceDataset dataset = Telemetry.open(reports.get(reports.size() - 1));
    requireSameWindows(spark, naive, dataset, windows);
    report
        .putTimes(name + "Times", times)
        .put(
            name + "BytesOfDataset",
            Scratch.bytes(Path.of(dataset.uri().replaceFirst("^file:", ""))))
        .put(name + "BytesOfNaiveWindows", Scratch.bytes(naive));
    return times.get("sliding collect_list").median() / times.get("build-sequences").median();
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
