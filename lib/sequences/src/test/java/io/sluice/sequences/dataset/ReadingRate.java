package io.sluice.sequences.dataset;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.hadoop.metadata.ParquetMetadata;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;

/**
 * How fast are windows read, against a raw vectorised scan of the same columns?
 *
 * <p>Run it as a program; prints the best of several passes of each, on one thread.
 */
public final class ReadingRate {
  private static final int PASSES = 12;
  private static volatile double sink;

  public static void main(String[] args) throws IOException {
    Path folder = Files.createTempDirectory("reading-rate");
    int days = args.length > 0 ? Integer.parseInt(args[0]) : 30_000;
    int segmentSteps = args.length > 1 ? Integer.parseInt(args[1]) : 2400;
    TinyDataset tiny =
        TinyDataset.forecast()
            .channels("a", "b", "c", "d", "e", "f", "g", "h")
            .lookBack(96)
            .horizon(24)
            .series(1)
            .days(days)
            .noise(1)
            .segmentSteps(segmentSteps)
            .periodDays(days);
    SequenceDataset dataset = SequenceDataset.open(tiny.write(folder), new Configuration());
    long rows = dataset.parts(Split.TRAIN).stream().mapToLong(SequenceManifest.Part::steps).sum();
    long windows = dataset.windows(Split.TRAIN);
    long windowBytes = 4L * (96 * 8 + 24 * 8);

    report("raw scan", rows, 4L * 8 + 17, () -> scan(dataset));
    report("segments", rows, 4L * 8 + 17, () -> segments(dataset));
    report("windows in order", windows, windowBytes, () -> drain(dataset.inOrder(Split.TRAIN, 64)));
    report(
        "windows shuffled",
        windows,
        windowBytes,
        () -> drain(dataset.shuffled(Split.TRAIN, 64, 1, 1)));
  }

  private interface Pass {
    void run() throws IOException;
  }

  private static void report(String what, long count, long bytes, Pass pass) throws IOException {
    double best = Double.MAX_VALUE;
    for (int i = 0; i < PASSES; i++) {
      long start = System.nanoTime();
      pass.run();
      best = Math.min(best, (System.nanoTime() - start) / 1e9);
    }
    System.out.printf(
        Locale.ROOT,
        "%-18s %,12.0f a second, %8.1f MB/s (%,d in %.3f s)%n",
        what,
        count / best,
        count * bytes / best / 1e6,
        count,
        best);
  }

  /** Reads every batch of the same columns and touches one number of each. */
  private static void scan(SequenceDataset dataset) throws IOException {
    List<String> names = SegmentColumns.of(dataset.contract());
    StructField[] columns =
        names.stream()
            .map(n -> DataTypes.createStructField(n, type(dataset.contract(), n), true))
            .toArray(StructField[]::new);
    double sum = 0;
    for (SequenceManifest.Part part : dataset.parts(Split.TRAIN)) {
      var file = new org.apache.hadoop.fs.Path(dataset.uri() + "/" + part.path());
      var hadoop = new Configuration();
      ParquetMetadata footer = ParquetPart.footer(file, hadoop);
      try (var parquet = ParquetPart.open(file, footer, columns, hadoop)) {
        while (parquet.next() > 0) {
          for (int c = 3; c < 11; c++) {
            WritableColumnVector column = parquet.column(c);
            sum += column.getFloat(0);
          }
        }
      }
    }
    sink = sum;
  }

  private static DataType type(WindowContract contract, String column) {
    return switch (column) {
      case SegmentColumns.SERIES -> DataTypes.StringType;
      case SegmentColumns.SEGMENT -> DataTypes.LongType;
      case SegmentColumns.TIME -> DataTypes.TimestampType;
      case SegmentColumns.ORIGIN -> DataTypes.BooleanType;
      default -> DataTypes.FloatType;
    };
  }

  private static void segments(SequenceDataset dataset) {
    double sum = 0;
    for (SequenceManifest.Part part : dataset.parts(Split.TRAIN)) {
      for (var segments = dataset.segments(part); segments.hasNext(); ) {
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

  private ReadingRate() {}
}
