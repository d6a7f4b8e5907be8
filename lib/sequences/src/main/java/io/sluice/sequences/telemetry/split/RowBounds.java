package io.sluice.sequences.telemetry.split;

import io.sluice.failure.OperationFailedException;
import io.sluice.sequences.source.ReadFailures;
import io.sluice.sequences.telemetry.SequenceSettings.SplitSettings;
import io.sluice.sequences.telemetry.grid.Grid;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.InternalRow;
import org.roaringbitmap.longlong.Roaring64NavigableMap;
import scala.Tuple2;

/**
 * Finds, per series, the step at which a number of rows ends: rows are the steps that have a usable
 * row, counted once each. A compressed bitmap per series holds them, about a bit a step.
 */
public final class RowBounds {
  private RowBounds() {}

  /**
   * Reads the steps of every series.
   *
   * @param usable columns series, tick
   * @return per series, the first step after train, validation and test
   */
  public static Map<String, long[]> of(
      String source, Dataset<Row> usable, Grid grid, SplitSettings settings) {
    long train = (long) settings.train();
    long validation = train + (long) settings.validation();
    long test = validation + settings.test().longValue();
    long[] counts = {train, validation, test};
    JavaPairRDD<String, byte[]> bitmaps =
        usable
            .selectExpr("series", grid.stepSql("tick") + " as step")
            .queryExecution()
            .toRdd()
            .toJavaRDD()
            .mapPartitionsToPair(RowBounds::bitmaps)
            .reduceByKey((a, b) -> bytes(union(a, b)));
    List<Tuple2<String, long[]>> bounds =
        ReadFailures.guard(
            source, () -> bitmaps.mapValues(b -> bounds(bitmap(b), counts)).collect());
    var bySeries = new TreeMap<String, long[]>();
    bounds.forEach(pair -> bySeries.put(pair._1(), pair._2()));
    return bySeries;
  }

  private static Iterator<Tuple2<String, byte[]>> bitmaps(Iterator<InternalRow> rows) {
    var bySeries = new HashMap<String, Roaring64NavigableMap>();
    while (rows.hasNext()) {
      InternalRow row = rows.next();
      bySeries
          .computeIfAbsent(row.getUTF8String(0).toString(), s -> new Roaring64NavigableMap(true))
          .addLong(row.getLong(1));
    }
    var pairs = new ArrayList<Tuple2<String, byte[]>>();
    bySeries.forEach((series, bitmap) -> pairs.add(new Tuple2<>(series, bytes(bitmap))));
    return pairs.iterator();
  }

  private static long[] bounds(Roaring64NavigableMap steps, long[] counts) {
    long size = steps.getLongCardinality();
    var bounds = new long[counts.length];
    for (int i = 0; i < counts.length; i++) {
      bounds[i] = counts[i] < size ? steps.select(counts[i]) : steps.select(size - 1) + 1;
    }
    return bounds;
  }

  private static Roaring64NavigableMap union(byte[] a, byte[] b) {
    Roaring64NavigableMap union = bitmap(a);
    union.or(bitmap(b));
    return union;
  }

  private static byte[] bytes(Roaring64NavigableMap bitmap) {
    bitmap.runOptimize();
    var bytes = new ByteArrayOutputStream();
    try (var out = new DataOutputStream(bytes)) {
      bitmap.serialize(out);
    } catch (IOException e) {
      throw new OperationFailedException("Cannot encode the steps of a series in memory", e);
    }
    return bytes.toByteArray();
  }

  private static Roaring64NavigableMap bitmap(byte[] bytes) {
    var bitmap = new Roaring64NavigableMap(true);
    try (var in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      bitmap.deserialize(in);
    } catch (IOException e) {
      throw new OperationFailedException("Cannot decode the steps of a series in memory", e);
    }
    return bitmap;
  }
}
