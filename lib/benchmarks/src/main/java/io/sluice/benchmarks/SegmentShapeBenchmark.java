package io.sluice.benchmarks;

import static org.apache.spark.sql.functions.array_sort;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.collect_list;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.flatten;
import static org.apache.spark.sql.functions.struct;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnarBatch;

/**
 * Which shape of a segment's row is best: one row a time step, one row a segment with an array a
 * channel, or one row a segment with all channels in one block?
 *
 * <pre>lib/benchmarks/run.sh segment-shape [--record]</pre>
 *
 * <p>The same segments, 2,400 steps each, in the three shapes; written by Spark's Parquet writer
 * with zstd and read by Spark's vectorised reader into a {@code float[]} a channel and segment, so
 * that only the shape differs. Writing starts from memory, in the shape's own rows.
 *
 * <p>Result: results/segment-shape.json (2026-11-25, 2 cores of an AMD EPYC, 24 GB): arrays and
 * blocks take 1.76 and 1.69 times as long to read as a row a step, with 0.96 and 1.19 of its bytes,
 * and write 1.16 and 1.19 times faster.
 */
public final class SegmentShapeBenchmark {
  private static final long ROWS = 960_000;
  private static final int STEPS = 2_400;
  private static final int C = Telemetry.CHANNELS;

  private static volatile double sink;

  private SegmentShapeBenchmark() {}

  public static void main(String[] args) throws Exception {
    try (var scratch = new Scratch();
        SparkSession spark = Telemetry.spark(1)) {
      spark.conf().set("spark.sql.parquet.compression.codec", "zstd");
      // a row group a file, as the written parts have
      spark.sparkContext().hadoopConfiguration().setLong("parquet.block.size", 32L << 20);
      Dataset<Row> steps = stepRows(spark);
      Dataset<Row> arrays = arrayRows(steps);
      Dataset<Row> blocks = blockRows(steps);
      Map<String, Dataset<Row>> shapes =
          Map.of("row a step", steps, "array a channel", arrays, "one block", blocks);
      for (Dataset<Row> shape : shapes.values()) {
        shape.cache().count();
      }
      var writing = new Turns();
      for (String shape : List.of("row a step", "array a channel", "one block")) {
        String path = scratch.path(shape).toString();
        writing.add(
            shape, ROWS, "steps", () -> shapes.get(shape).write().mode("overwrite").parquet(path));
      }
      Map<String, Turns.Times> written = writing.run(2, 5);
      Map<String, Long> bytes = new java.util.TreeMap<>();
      shapes.keySet().forEach(shape -> bytes.put(shape, Scratch.bytes(scratch.path(shape))));

      var reading = new Turns();
      var sums = new java.util.TreeMap<String, Double>();
      for (String shape : List.of("row a step", "array a channel", "one block")) {
        List<String> files = files(scratch.path(shape));
        StructType columns = shapes.get(shape).drop("segment", "time").schema();
        reading.add(shape, ROWS, "steps", () -> sums.put(shape, read(shape, files, columns)));
      }
      Map<String, Turns.Times> read = reading.run(3, 11);
      sums.values().forEach(sum -> Turns.requireEqual("sum", sums.get("row a step"), sum));

      double arraysToRows = read.get("array a channel").median() / read.get("row a step").median();
      double blocksToRows = read.get("one block").median() / read.get("row a step").median();
      new Report("segment-shape", "Which shape of a segment's row is best?")
          .put("data", "%,d steps of 8 float channels, %,d a segment".formatted(ROWS, STEPS))
          .putAll(prefixed("write: ", written))
          .put("bytes", bytes)
          .putAll(prefixed("read: ", read))
          .put("readArraysToRows", Report.rounded(arraysToRows))
          .put("readBlocksToRows", Report.rounded(blocksToRows))
          .put("bytesArraysToRows", Report.rounded(ratio(bytes, "array a channel")))
          .put("bytesBlocksToRows", Report.rounded(ratio(bytes, "one block")))
          .finish();
    }
  }

  private static double ratio(Map<String, Long> bytes, String shape) {
    return (double) bytes.get(shape) / bytes.get("row a step");
  }

  private static Map<String, Turns.Times> prefixed(String prefix, Map<String, Turns.Times> times) {
    var prefixed = new java.util.LinkedHashMap<String, Turns.Times>();
    times.forEach((name, t) -> prefixed.put(prefix + name, t));
    return prefixed;
  }

  private static Dataset<Row> stepRows(SparkSession spark) {
    var columns = new ArrayList<Column>();
    columns.add(
        expr("(unix_seconds(time) - %d) div 60 div %d".formatted(Telemetry.START_SECONDS, STEPS))
            .as("segment"));
    columns.add(col("time"));
    Telemetry.channels().forEach(c -> columns.add(col(c).cast("float").as(c)));
    return Telemetry.rows(spark, 1, ROWS, 2)
        .coalesce(1)
        .select(columns.toArray(Column[]::new))
        .sortWithinPartitions("segment", "time");
  }

  private static Dataset<Row> arrayRows(Dataset<Row> steps) {
    Dataset<Row> ordered = ordered(steps);
    var columns = new ArrayList<Column>(List.of(col("segment"), col("steps.time").as("time")));
    Telemetry.channels().forEach(c -> columns.add(col("steps." + c).as(c)));
    return ordered.select(columns.toArray(Column[]::new)).coalesce(1);
  }

  private static Dataset<Row> blockRows(Dataset<Row> steps) {
    String row = "transform(steps, s -> array(%s))";
    String values = String.join(", ", Telemetry.channels().stream().map(c -> "s." + c).toList());
    return ordered(steps)
        .select(
            col("segment"),
            col("steps.time").as("time"),
            flatten(expr(row.formatted(values))).as("block"))
        .coalesce(1);
  }

  private static Dataset<Row> ordered(Dataset<Row> steps) {
    var fields = new ArrayList<Column>(List.of(col("time")));
    Telemetry.channels().forEach(c -> fields.add(col(c)));
    return steps
        .groupBy("segment")
        .agg(array_sort(collect_list(struct(fields.toArray(Column[]::new)))).as("steps"));
  }

  private static double read(String shape, List<String> files, StructType columns) {
    var reader = new Reader(shape);
    try {
      for (String file : files) {
        RawScan.read(file, columns, new Configuration(), reader::take);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    sink = reader.sum;
    return Math.rint(reader.sum);
  }

  private static List<String> files(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(Path::toString).filter(f -> f.endsWith(".parquet")).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Gathers a segment's channels from batches, and adds up the first and last step of each. */
  private static final class Reader {
    private final String shape;
    private float[][] segment = new float[C][STEPS];
    private int filled;
    private double sum;

    Reader(String shape) {
      this.shape = shape;
    }

    void take(ColumnarBatch batch) {
      switch (shape) {
        case "row a step" -> takeSteps(batch);
        case "array a channel" -> takeArrays(batch);
        default -> takeBlocks(batch);
      }
    }

    private void takeSteps(ColumnarBatch batch) {
      int at = 0;
      while (at < batch.numRows()) {
        int count = Math.min(STEPS - filled, batch.numRows() - at);
        for (int c = 0; c < C; c++) {
          var vector =
              (org.apache.spark.sql.execution.vectorized.WritableColumnVector) batch.column(c);
          System.arraycopy(vector.getFloats(at, count), 0, segment[c], filled, count);
        }
        filled += count;
        at += count;
        if (filled == STEPS) {
          handOver();
        }
      }
    }

    private void takeArrays(ColumnarBatch batch) {
      for (int row = 0; row < batch.numRows(); row++) {
        for (int c = 0; c < C; c++) {
          segment[c] = batch.column(c).getArray(row).toFloatArray();
        }
        handOver();
      }
    }

    private void takeBlocks(ColumnarBatch batch) {
      for (int row = 0; row < batch.numRows(); row++) {
        float[] block = batch.column(0).getArray(row).toFloatArray();
        for (int c = 0; c < C; c++) {
          float[] channel = segment[c];
          for (int n = 0, from = c; n < channel.length; n++, from += C) {
            channel[n] = block[from];
          }
        }
        handOver();
      }
    }

    private void handOver() {
      for (float[] channel : segment) {
        sum += channel[0] + 3.0 * channel[channel.length - 1];
      }
      segment = new float[C][STEPS];
      filled = 0;
    }
  }
}
