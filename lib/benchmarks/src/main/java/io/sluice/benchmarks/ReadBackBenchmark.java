package io.sluice.benchmarks;

import io.sluice.sequences.dataset.Dealing;
import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowBatches;
import io.sluice.sequences.dataset.WindowEncoder;
import java.io.IOException;
import java.util.Iterator;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;

/**
 * Are windows read back from segments at half the rate of a raw vectorised scan of the same
 * columns?
 *
 * <pre>lib/benchmarks/run.sh read-back</pre>
 *
 * <p>Rates are rows a second for the scan and the segments, and windows a second for the windows;
 * at stride 1 a row more is a window more, so windows against rows is the strict reading. The scan
 * sums nothing: it only lets Spark's reader fill its column batches.
 *
 * <p>Windows come in two forms. <b>Views</b>: a segment's arrays and its origins, every window's
 * first and last step of every channel looked at, nothing copied. <b>Batches</b>: every window
 * copied and scaled into the arrays that a network is fed, 3,840 bytes a window (96 steps of 8
 * inputs and 24 of 8 targets) where a row is 53: 72 times the bytes of the scan, so that memory,
 * not Parquet, sets their rate.
 *
 * <p>Result: results/read-back.json.
 *
 * <p>Tried for batches in order without gain over several JVMs: reading ahead on a second thread
 * (0.43 of the scan by count, 0.38 to 0.52), scaling by blocks that stay in the cache with bulk
 * copies of what is equal in a run (0.44, 0.35 to 0.48).
 */
public final class ReadBackBenchmark {
  private static final int BATCH = 64;
  private static final int ROUNDS = 15;
  private static final int BYTES_A_WINDOW =
      4 * Telemetry.CHANNELS * (Telemetry.LOOK_BACK + Telemetry.HORIZON);

  /** Series, from a dictionary, counts as its index of 4 bytes; segment, time, channels, origin. */
  private static final int BYTES_A_ROW = 4 + 8 + 8 + 4 * Telemetry.CHANNELS + 1;

  private static volatile double sink;

  public static void main(String[] args) throws Exception {
    try (var scratch = new Scratch()) {
      SequenceDataset dataset;
      StructType columns;
      try (SparkSession spark = Telemetry.spark(2)) {
        Telemetry.rows(spark, 1, 500_000, -1).write().parquet(scratch.path("raw").toString());
        var settings =
            Telemetry.settings(
                scratch.path("raw"),
                scratch.path("lake"),
                "split { train = 1.0, validation = 0.0, test = 0.0 }",
                "dataset.period = 365 days");
        dataset = Telemetry.open(Telemetry.build(spark, settings));
        columns = spark.read().parquet(file(dataset, dataset.parts(Split.TRAIN).get(0))).schema();
      }
      measure(dataset, columns);
    }
  }

  private static void measure(SequenceDataset dataset, StructType columns) throws Exception {
    long rows = dataset.parts(Split.TRAIN).stream().mapToLong(Part::steps).sum();
    long windows = dataset.windows(Split.TRAIN);
    requireSameWindows(dataset);
    Map<String, Turns.Times> times =
        new Turns()
            .add("raw scan", rows, "rows", () -> scan(dataset, columns))
            .add("segments", rows, "rows", () -> segments(dataset))
            .add("windows as views", windows, "windows", () -> views(dataset))
            .add(
                "batches in order",
                windows,
                "windows",
                () -> drain(dataset.inOrder(Split.TRAIN, BATCH)))
            .add("batches shuffled", windows, "windows", () -> drain(shuffled(dataset)))
            .run(5, ROUNDS);

    double scan = times.get("raw scan").rate();
    double views = times.get("windows as views").rate() / scan;
    double inOrder = times.get("batches in order").rate() / scan;
    double shuffled = times.get("batches shuffled").rate() / scan;
    double bytes = (double) BYTES_A_WINDOW / BYTES_A_ROW;
    new Report(
            "read-back",
            "Are windows read back from segments at half the rate of a raw vectorised scan?")
        .put("data", "500,000 rows of 8 float channels, one series; look-back 96, horizon 24")
        .put("rows", rows)
        .put("windows", windows)
        .putTimes(times)
        .put("segmentsToScan", Report.rounded(times.get("segments").rate() / scan))
        .require("windowsToScannedRows", views, "at least 0.5", views >= 0.5)
        .put("batchedWindowsToScannedRows", Report.rounded(inOrder))
        .put("batchedBytesToScannedBytes", Report.rounded(inOrder * bytes))
        .put("shuffledBatchedWindowsToScannedRows", Report.rounded(shuffled))
        .put("shuffledBatchedBytesToScannedBytes", Report.rounded(shuffled * bytes))
        .finish();
  }

  /**
   * Batches hold what a window-by-window encoding of the segments gives; every 37th is compared.
   */
  private static void requireSameWindows(SequenceDataset dataset) {
    var encoder = new WindowEncoder(dataset.contract());
    WindowBatch one = encoder.newBatch(1);
    long windows = 0;
    try (WindowBatches batches = dataset.inOrder(Split.TRAIN, BATCH)) {
      WindowBatch batch = null;
      for (Part part : dataset.parts(Split.TRAIN)) {
        for (Iterator<Segment> segments = dataset.segments(part); segments.hasNext(); ) {
          Segment segment = segments.next();
          for (int origin : segment.origins()) {
            int b = (int) (windows % BATCH);
            batch = b == 0 ? batches.next() : batch;
            if (windows++ % 37 == 0) {
              encoder.encode(segment, origin, one, 0);
              requireEqual(one, batch, b);
            }
          }
        }
      }
    }
    Turns.requireEqual("windows", dataset.windows(Split.TRAIN), windows);
    try (WindowBatches ordered = dataset.inOrder(Split.TRAIN, BATCH);
        WindowBatches shuffled = shuffled(dataset)) {
      Turns.requireEqual("hash of shuffled windows", hash(ordered), hash(shuffled));
    }
  }

  private static void requireEqual(WindowBatch one, WindowBatch batch, int b) {
    int I = Telemetry.CHANNELS;
    for (int i = 0; i < Telemetry.LOOK_BACK * I; i++) {
      int at = (i / I * batch.size() + b) * I + i % I;
      Turns.requireEqual("input", one.inputs()[i], batch.inputs()[at]);
    }
    int K = Telemetry.HORIZON * Telemetry.CHANNELS;
    for (int k = 0; k < K; k++) {
      Turns.requireEqual("target", one.targets()[k], batch.targets()[b * K + k]);
    }
  }

  /** A sum of one hash a window, so the order does not matter. */
  private static long hash(WindowBatches batches) {
    long sum = 0;
    while (batches.hasNext()) {
      WindowBatch batch = batches.next();
      int B = batch.size();
      for (int b = 0; b < B; b++) {
        long hash = batch.origin(b);
        for (int t = 0; t < Telemetry.LOOK_BACK; t++) {
          for (int i = 0; i < Telemetry.CHANNELS; i++) {
            float value = batch.inputs()[(t * B + b) * Telemetry.CHANNELS + i];
            hash = hash * 0x9E3779B97F4A7C15L + Float.floatToIntBits(value);
          }
        }
        int K = Telemetry.HORIZON * Telemetry.CHANNELS;
        for (int k = 0; k < K; k++) {
          hash = hash * 0x9E3779B97F4A7C15L + Float.floatToIntBits(batch.targets()[b * K + k]);
        }
        sum += hash * 0xBF58476D1CE4E5B9L;
      }
    }
    return sum;
  }

  private static String file(SequenceDataset dataset, Part part) {
    return dataset.uri() + "/" + part.path();
  }

  private static void scan(SequenceDataset dataset, StructType columns) throws IOException {
    var hadoop = new Configuration();
    long rows = 0;
    for (Part part : dataset.parts(Split.TRAIN)) {
      rows += RawScan.read(file(dataset, part), columns, hadoop, batch -> {});
    }
    sink = rows;
  }

  private static void segments(SequenceDataset dataset) {
    double sum = 0;
    for (Part part : dataset.parts(Split.TRAIN)) {
      for (Iterator<Segment> segments = dataset.segments(part); segments.hasNext(); ) {
        sum += segments.next().values()[0][0];
      }
    }
    sink = sum;
  }

  private static void views(SequenceDataset dataset) {
    double sum = 0;
    long windows = 0;
    for (Part part : dataset.parts(Split.TRAIN)) {
      for (Iterator<Segment> segments = dataset.segments(part); segments.hasNext(); ) {
        Segment segment = segments.next();
        for (int origin : segment.origins()) {
          windows++;
          for (float[] channel : segment.values()) {
            sum += channel[origin - Telemetry.LOOK_BACK + 1] + channel[origin + Telemetry.HORIZON];
          }
        }
      }
    }
    Turns.requireEqual("windows", dataset.windows(Split.TRAIN), windows);
    sink = sum;
  }

  private static WindowBatches shuffled(SequenceDataset dataset) {
    return dataset.shards(Split.TRAIN, new Dealing(BATCH, BATCH, 1), 0, 1).epoch(1, 0);
  }

  private static void drain(WindowBatches batches) {
    double sum = 0;
    while (batches.hasNext()) {
      sum += batches.next().inputs()[0];
    }
    sink = sum;
  }

  private ReadBackBenchmark() {}
}
