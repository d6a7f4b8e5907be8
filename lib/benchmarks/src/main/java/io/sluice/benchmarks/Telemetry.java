package io.sluice.benchmarks;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.lit;

import io.sluice.config.Provenance;
import io.sluice.config.Settings;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.telemetry.BuildReport;
import io.sluice.sequences.telemetry.SequenceBuilder;
import io.sluice.sequences.telemetry.SequenceSettings;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Made-up wide telemetry for benchmarks: a row a minute per series, eight channels on a daily wave
 * with noise, no gaps; a pure function of series and minute.
 */
public final class Telemetry {
  static final int CHANNELS = 8;
  static final int LOOK_BACK = 96;
  static final int HORIZON = 24;

  /** 2000-01-01: ten million minutes from there are still in the past. */
  static final long START_SECONDS = 946_684_800;

  private Telemetry() {}

  static List<String> channels() {
    return channels(CHANNELS);
  }

  private static List<String> channels(int count) {
    return IntStream.range(0, count).mapToObj(c -> "channel_" + c).toList();
  }

  public static SparkSession spark(int threads) {
    return SparkSession.builder()
        .master("local[%d]".formatted(threads))
        .appName("sluice-benchmarks")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "localhost")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate();
  }

  /**
   * Columns unit, time and the channels, DOUBLE.
   *
   * @param decimals digits a sensor reports; −1 for all that a number has
   */
  static Dataset<Row> rows(SparkSession spark, int series, long rowsPerSeries, int decimals) {
    return rows(spark, CHANNELS, series, rowsPerSeries, decimals);
  }

  /** The same with another number of channels. */
  public static Dataset<Row> rows(
      SparkSession spark, int channels, int series, long rowsPerSeries, int decimals) {
    Dataset<Row> rows =
        spark
            .range(0, series * rowsPerSeries, 1, Math.max(2, series))
            .withColumn("minute", expr("id %% %d".formatted(rowsPerSeries)))
            .withColumn("number", expr("id div %d".formatted(rowsPerSeries)));
    var columns = new ArrayList<Column>();
    columns.add(concat(lit("unit-"), col("number").cast("string")).as("unit"));
    columns.add(expr("timestamp_seconds(%d + 60 * minute)".formatted(START_SECONDS)).as("time"));
    for (int c = 0; c < channels; c++) {
      // 16 bits of a hash as noise: no generator whose state depends on the partition
      String value =
          "%d + number + 10 * sin(2 * pi() * (minute / 1440 + %d / 8)) + pmod(xxhash64(id, %d), 65536) / 16384"
              .formatted(20 * (c + 1), c, c);
      columns.add(
          expr(decimals < 0 ? value : "round(%s, %d)".formatted(value, decimals))
              .as(channels(channels).get(c)));
    }
    return rows.select(columns.toArray(Column[]::new));
  }

  /** The settings of a build over rows written by {@link #rows}. */
  public static Settings settings(Path source, Path lake, String... more) {
    return Settings.parse(
        """
        name = benchmark
        lake.root = "%s"
        source { path = "%s", columns { series = unit } }
        resample { interval = 1 minute }
        window { look-back = %d, horizon = %d, stride = 1 }
        """
                .formatted(lake, source, LOOK_BACK, HORIZON)
            + String.join("\n", more));
  }

  public static BuildReport build(SparkSession spark, Settings settings) {
    return SequenceBuilder.build(
        spark, settings.read(SequenceSettings::from), Provenance.start(settings));
  }

  static SequenceDataset open(BuildReport report) {
    return SequenceDataset.open(report.dataset(), new Configuration());
  }
}
