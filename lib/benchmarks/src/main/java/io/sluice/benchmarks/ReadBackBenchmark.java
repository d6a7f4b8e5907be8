package io.sluice.benchmarks;

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
 * at stride 1 a row more is a window more, so windows against rows is the strict reading. By bytes
 * a window is 3,840 (96 steps of 8 inputs and 24 of 8 targets) and a row 49. The scan sums nothing:
 * it only lets Spark's reader fill its column batches.
 *
 * <p>Result, 2026-11-25, 2 cores of an AMD EPYC, 24 GB, code of commit 8943c6f; five JVMs of 15
 * rounds, all in {@code results/read-back.json}, here the median JVM and the spread. Segments: 1.00
 * of the scan (0.99 to 1.07). <b>Windows in order: 0.41 of the scan by count (0.33 to 0.43), so the
 * strict reading is missed</b>; 29 times the scan by bytes (24 to 31). Shuffled: 0.07 by count
 * (0.06 to 0.08), 5.2 times by bytes (4.7 to 5.5).
 *
 * <p>Tried without gain over several JVMs: reading ahead on a second thread (0.43, 0.38 to 0.52),
 * scaling by blocks that stay in the cache with bulk copies of what is equal in a run (0.44, 0.35
 * to 0.48).
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
            .add(
                "windows in order",
                windows,
                "windows",
                () -> drain(dataset.inOrder(Split.TRAIN, BATCH)))
            .add(
                "windows shuffled",
                windows,
                "windows",
                () -> drain(dataset.shuffled(Split.TRAIN, BATCH, 1, 1)))
            .run(5, ROUNDS);

    double scan = times.get("raw scan").rate();
    double inOrder = times.get("windows in order").rate() / scan;
    double shuffled = times.get("windows shuffled").rate() / scan;
    double bytes = (double) BYTES_A_WINDOW / BYTES_A_ROW;
    new Report(
            "read-back",
            "Are windows read back from segments at half the rate of a raw vectorised scan?")
        .put("data", "500,000 rows of 8 float channels, one series; look-back 96, horizon 24")
        .put("rows", rows)
        .put("windows", windows)
        .putTimes(times)
        .put("segmentsToScan", Report.rounded(times.get("segments").rate() / scan))
        .require("inOrderWindowsToScannedRows", inOrder, "at least 0.5", inOrder >= 0.5)
        .put("inOrderBytesToScannedBytes", Report.rounded(inOrder * bytes))
        .put("shuffledWindowsToScannedRows", Report.rounded(shuffled))
        .put("shuffledBytesToScannedBytes", Report.rounded(shuffled * bytes))
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
        WindowBatches shuffled = dataset.shuffled(Split.TRAIN, BATCH, 1, 1)) {
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

  private static void drain(WindowBatches batches) {
    double sum = 0;
    while (batches.hasNext()) {
      sum += batches.next().inputs()[0];
    }
    sink = sum;
  }

  private ReadBackBenchmark() {}
}
