package io.sluice.sequences.telemetry.source;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.max;
import static org.apache.spark.sql.functions.min;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.when;

import io.sluice.sequences.telemetry.SourceSettings.Layout;
import io.sluice.sequences.telemetry.grid.Grid;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * The first pass over a source: what is in it, and what cannot be used.
 *
 * @param rows rows of the table, without those of tags that nobody asked for
 * @param ignoredRows rows of tags that nobody asked for
 * @param rejected rows by reason
 * @param missingValues values set to missing, by "channel: reason"
 * @param twiceOccurring rows whose local time occurs twice
 * @param extents usable rows per series and period, ordered by both
 * @param hash order-independent hash of the usable rows
 */
public record Survey(
    long rows,
    long ignoredRows,
    Map<String, Long> rejected,
    Map<String, Long> missingValues,
    long twiceOccurring,
    List<Extent> extents,
    String hash) {

  /**
   * @param period of the block that a row's step is in
   * @param firstTick of the rows there
   * @param lastTick likewise
   */
  public record Extent(String series, long period, long rows, long firstTick, long lastTick) {}

  /** Counts a judged source. */
  public static Survey of(Readings readings, Dataset<Row> judged, Channels channels, Grid grid) {
    boolean wide = readings.source().layout() == Layout.WIDE;
    var counts = new ArrayList<Column>();
    counts.add(min(col("tick")).as("first"));
    counts.add(max(col("tick")).as("last"));
    counts.add(count(when(col("twice"), 1)).as("twice"));
    counts.add(sum(expr("shiftrightunsigned(h, 32)")).as("hashSum"));
    counts.add(expr("bit_xor(h)").as("hashXor"));
    if (wide) {
      for (int i = 0; i < channels.stored().size(); i++) {
        counts.add(count(when(col("u" + i), 1)));
        counts.add(count(when(col("f" + i), 1)));
      }
    }
    String block = grid.blockSql(grid.stepSql("tick"));
    var hashed = new ArrayList<Column>(List.of(col("series"), col("tick"), col("arrival")));
    if (wide) {
      for (int i = 0; i < channels.tracks(); i++) {
        hashed.add(col("v" + i));
      }
    } else {
      hashed.add(col("channel"));
      hashed.add(col("value"));
    }
    Dataset<Row> grouped =
        judged
            .withColumn("h", org.apache.spark.sql.functions.xxhash64(hashed.toArray(Column[]::new)))
            .withColumn("isUsable", col("reason").isNull())
            .groupBy(
                col("reason"),
                when(col("isUsable"), col("series")).as("series"),
                when(col("isUsable"), expr(grid.periodSql(block))).as("period"))
            .agg(count(lit(1)).as("rows"), counts.toArray(Column[]::new));
    List<Row> groups = readings.table().reading(grouped::collectAsList);
    return summed(groups, wide ? channels.stored() : List.of());
  }

  private static Survey summed(List<Row> groups, List<String> channels) {
    long rows = 0;
    long ignored = 0;
    long twice = 0;
    long hashSum = 0;
    long hashXor = 0;
    var rejected = new TreeMap<String, Long>();
    var missing = new TreeMap<String, Long>();
    var extents = new ArrayList<Extent>();
    for (Row group : groups) {
      String reason = group.getString(0);
      long n = group.getLong(3);
      if (Readings.NOT_ASKED_FOR.equals(reason)) {
        ignored += n;
        continue;
      }
      rows += n;
      if (reason != null) {
        rejected.merge(reason, n, Long::sum);
        continue;
      }
      extents.add(
          new Extent(group.getString(1), group.getLong(2), n, group.getLong(4), group.getLong(5)));
      twice += group.getLong(6);
      hashSum += group.getLong(7);
      hashXor ^= group.getLong(8);
      for (int i = 0; i < channels.size(); i++) {
        merge(missing, channels.get(i) + ": not a number", group.getLong(9 + 2 * i));
        merge(
            missing,
            channels.get(i) + ": NaN, infinite or beyond float32",
            group.getLong(10 + 2 * i));
      }
    }
    extents.sort(java.util.Comparator.comparing(Extent::series).thenComparing(Extent::period));
    return new Survey(
        rows,
        ignored,
        rejected,
        missing,
        twice,
        List.copyOf(extents),
        "%016x%016x".formatted(hashSum, hashXor));
  }

  private static void merge(Map<String, Long> counts, String key, long n) {
    if (n > 0) {
      counts.merge(key, n, Long::sum);
    }
  }

  /** Both surveys as one; their series differ. */
  public Survey and(Survey other) {
    var bothRejected = new TreeMap<>(rejected);
    other.rejected.forEach((k, v) -> bothRejected.merge(k, v, Long::sum));
    var bothMissing = new TreeMap<>(missingValues);
    other.missingValues.forEach((k, v) -> bothMissing.merge(k, v, Long::sum));
    var bothExtents = new ArrayList<>(extents);
    bothExtents.addAll(other.extents);
    bothExtents.sort(java.util.Comparator.comparing(Extent::series).thenComparing(Extent::period));
    return new Survey(
        rows + other.rows,
        ignoredRows + other.ignoredRows,
        bothRejected,
        bothMissing,
        twiceOccurring + other.twiceOccurring,
        List.copyOf(bothExtents),
        hash + other.hash);
  }

  /** Rows that cannot be used. */
  public long rejectedRows() {
    return rejected.values().stream().mapToLong(Long::longValue).sum();
  }

  /** Their share of all rows. */
  public double rejectedShare() {
    return rows == 0 ? 0 : (double) rejectedRows() / rows;
  }

  /** First and last tick of each series, by name. */
  public TreeMap<String, long[]> seriesTicks() {
    var ticks = new TreeMap<String, long[]>();
    for (Extent e : extents) {
      ticks.merge(
          e.series(),
          new long[] {e.firstTick(), e.lastTick()},
          (a, b) -> new long[] {Math.min(a[0], b[0]), Math.max(a[1], b[1])});
    }
    return ticks;
  }
}
