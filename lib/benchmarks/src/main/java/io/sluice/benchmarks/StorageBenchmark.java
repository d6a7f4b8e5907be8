package io.sluice.benchmarks;

import static org.apache.spark.sql.functions.col;

import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.Split;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.SparkSession;

/**
 * Is a sequence dataset at most 1.1 times as large as the resampled input in the same codec?
 *
 * <pre>lib/benchmarks/run.sh storage [--record]</pre>
 *
 * <p>The resampled input is the same grid as Spark writes it: series, time and float channels,
 * sorted by series and time, zstd. Sizes do not vary from run to run, so there is one round.
 *
 * <p>Result: results/storage.json.
 */
public final class StorageBenchmark {
  private static final int SERIES = 4;
  private static final long ROWS = 500_000;

  private StorageBenchmark() {}

  public static void main(String[] args) throws Exception {
    try (var scratch = new Scratch();
        SparkSession spark = Telemetry.spark(2)) {
      var report =
          new Report(
                  "storage",
                  "Is a dataset at most 1.1 times as large as the resampled input, same codec?")
              .put(
                  "data",
                  "%,d rows of 8 channels in %d series; look-back %d, horizon %d; zstd"
                      .formatted(ROWS, SERIES, Telemetry.LOOK_BACK, Telemetry.HORIZON));
      for (int decimals : new int[] {2, -1}) {
        String name = decimals < 0 ? "fullPrecision" : "twoDecimals";
        measure(spark, scratch, decimals, name, report);
      }
      report.finish();
    }
  }

  private static void measure(
      SparkSession spark, Scratch scratch, int decimals, String name, Report report) {
    Path raw = scratch.path(name + "-raw");
    Path input = scratch.path(name + "-input");
    Telemetry.rows(spark, SERIES, ROWS / SERIES, decimals).write().parquet(raw.toString());
    var columns = new ArrayList<Column>(Arrays.asList(col("unit"), col("time")));
    Telemetry.channels().forEach(c -> columns.add(col(c).cast("float").as(c)));
    spark
        .read()
        .parquet(raw.toString())
        .select(columns.toArray(Column[]::new))
        .repartitionByRange(2, col("unit"), col("time"))
        .sortWithinPartitions("unit", "time")
        .write()
        .option("compression", "zstd")
        .parquet(input.toString());
    var settings =
        Telemetry.settings(
            raw,
            scratch.path(name + "-lake"),
            "split { train = 1.0, validation = 0.0, test = 0.0 }");
    SequenceDataset dataset = Telemetry.open(Telemetry.build(spark, settings));

    long steps = dataset.parts(Split.TRAIN).stream().mapToLong(Part::steps).sum();
    Turns.requireEqual(
        "windows",
        ROWS - SERIES * (Telemetry.LOOK_BACK + Telemetry.HORIZON - 1L),
        dataset.windows(Split.TRAIN));
    long inputBytes = Scratch.bytes(input);
    long datasetBytes = Scratch.bytes(Path.of(dataset.uri().replaceFirst("^file:", "")));
    double ratio = (double) datasetBytes / inputBytes;
    report
        .put(name + "InputBytes", inputBytes)
        .put(name + "DatasetBytes", datasetBytes)
        .put(name + "StepsToRows", Report.rounded((double) steps / ROWS))
        .require(name + "DatasetToInput", ratio, "at most 1.1", ratio <= 1.1);
  }
}
