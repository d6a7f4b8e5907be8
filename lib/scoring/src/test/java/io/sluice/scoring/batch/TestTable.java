package io.sluice.scoring.batch;

import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.dataset.WindowContract.Scaling;
import io.sluice.sequences.dataset.WindowContract.Target;
import io.sluice.sequences.dataset.WindowContract.TargetType;
import io.sluice.sequences.dataset.WindowContract.WindowNormalization;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** A predictions table in a temporary folder, and windows to fill it with. */
final class TestTable {
  static final Duration LOCK_TIMEOUT = Duration.ofSeconds(2);
  private static final String HASH = "ab".repeat(32);

  final Path folder;
  final SparkSession spark;

  TestTable(SparkSession spark, Path folder) {
    this.spark = spark;
    this.folder = folder;
  }

  /** A forecast of channels a and b, two steps ahead. */
  static WindowContract forecast(TimeAxis.Type type) {
    return contract(type, new Target(TargetType.FORECAST, List.of("a", "b"), List.of(), 0, 0), 2);
  }

  static WindowContract contract(TimeAxis.Type type, Target target, int horizon) {
    return new WindowContract(
        new TimeAxis(type, type == TimeAxis.Type.ORDINAL ? 1 : 3_600_000_000L),
        4,
        horizon,
        1,
        List.of("a", "b"),
        List.of("a", "b"),
        false,
        false,
        0,
        List.of(),
        "UTC",
        List.of(),
        target,
        new Scaling("none", WindowNormalization.NONE, Map.of(), Map.of()));
  }

  PredictionsTable table() {
    return PredictionsTable.at(folder.toUri().toString(), LOCK_TIMEOUT, new Configuration());
  }

  PredictionsWrite begin(String model, String runId) {
    return table()
        .begin(
            model,
            new TableFormat.OfWindows(TimeAxis.Type.TIMESTAMP),
            runId,
            PublishStep.Observer.NONE);
  }

  /** One window per origin; every prediction is {@code value}. */
  static List<ScoredWindow> windows(String series, float value, Instant... origins) {
    var windows = new ArrayList<ScoredWindow>();
    for (Instant origin : origins) {
      windows.add(window(series, value, PredictionsSchema.ticks(origin)));
    }
    return windows;
  }

  static ScoredWindow window(String series, float value, long origin) {
    var window = new ScoredWindow();
    window.setSeries(series);
    window.setOriginTicks(origin);
    window.setPrediction(new float[] {value, value, value, value});
    return window;
  }

  /** Every hour of a day. */
  static Instant[] day(String date) {
    Instant midnight = Instant.parse(date + "T00:00:00Z");
    var hours = new Instant[24];
    Arrays.setAll(hours, h -> midnight.plus(Duration.ofHours(h)));
    return hours;
  }

  void stage(PredictionsWrite write, String model, String runId, List<ScoredWindow> windows) {
    stage(write.staging(), model, runId, forecast(TimeAxis.Type.TIMESTAMP), windows);
  }

  /** Writes windows into a folder as a run does. */
  void stage(
      org.apache.hadoop.fs.Path folder,
      String model,
      String runId,
      WindowContract contract,
      List<ScoredWindow> windows) {
    var run = new RunColumns(model, 3, HASH, runId, Instant.parse("2024-06-01T00:00:00.123456Z"));
    try {
      new Staging(spark, folder, contract, run, "zstd")
          .write(spark.createDataset(windows, Encoders.bean(ScoredWindow.class)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Publishes windows over the range of origins; returns the number of kept rows. */
  long publish(
      String model, String runId, Instant first, Instant last, List<ScoredWindow> windows) {
    return publish(
        model,
        runId,
        new Coverage.Range(
            TimeAxis.Type.TIMESTAMP, PredictionsSchema.ticks(first), PredictionsSchema.ticks(last)),
        windows);
  }

  long publish(String model, String runId, Coverage coverage, List<ScoredWindow> windows) {
    try (PredictionsWrite write = begin(model, runId)) {
      stage(write, model, runId, windows);
      long kept = new KeptRows(spark, write, "zstd").carryOver(coverage);
      write.publish(coverage);
      return kept;
    }
  }

  /** Rows as text, sorted, seen by the table's own reader. */
  List<String> contents() {
    return lines(table().read(spark));
  }

  /** Rows as text, sorted, seen by a reader that knows nothing of the protocol. */
  List<String> plainContents() {
    return lines(spark.read().parquet(folder.toUri().toString()));
  }

  static List<String> lines(Dataset<Row> rows) {
    return rows.collectAsList().stream().map(Row::toString).sorted().toList();
  }

  /** Number of rows by run and date: "run-1 2024-05-01" → rows. */
  Map<String, Long> rowsByRunAndDate() {
    var counts = new TreeMap<String, Long>();
    for (Row row : table().read(spark).groupBy("run_id", "date").count().collectAsList()) {
      counts.put(row.getString(0) + " " + row.get(1), row.getLong(2));
    }
    return counts;
  }

  /** Content of every file below the table, by path; the protocol's own folders left out. */
  Map<String, String> files() {
    try (var paths = Files.walk(folder)) {
      var files = new TreeMap<String, String>();
      for (Path path : paths.filter(Files::isRegularFile).toList()) {
        String name = folder.relativize(path).toString();
        if (!name.startsWith("_")) {
          files.put(name, HexFormat.of().formatHex(Files.readAllBytes(path)));
        }
      }
      return files;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Files of the protocol that are left over, but for the format description. */
  List<String> leftovers() {
    try (var paths = Files.walk(folder)) {
      return paths
          .filter(Files::isRegularFile)
          .map(p -> folder.relativize(p).toString())
          .filter(p -> p.startsWith("_") && !p.startsWith("_format"))
          .filter(p -> !p.endsWith(".crc"))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
