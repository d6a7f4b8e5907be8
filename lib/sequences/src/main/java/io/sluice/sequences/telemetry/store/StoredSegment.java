package io.sluice.sequences.telemetry.store;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.input_file_name;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.max;
import static org.apache.spark.sql.functions.min;
import static org.apache.spark.sql.functions.when;

import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.source.ReadFailures;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * What the written rows say of one segment, read in one pass by Spark SQL.
 *
 * @param id of the segment; its block
 * @param file where it was found, a URI without escapes
 * @param firstOrigin tick of the first row that is an origin; null where none is
 * @param lastOrigin likewise of the last
 * @param firstTick of all rows
 * @param lastTick of all rows
 */
public record StoredSegment(
    Split split,
    String series,
    long id,
    String file,
    long steps,
    long windows,
    Long firstOrigin,
    Long lastOrigin,
    long firstTick,
    long lastTick) {

  /** Every segment of a dataset folder, in order of split, series and id. */
  public static List<StoredSegment> of(SparkSession spark, String uri, SequenceManifest manifest) {
    if (manifest.parts().isEmpty()) {
      return List.of();
    }
    List<Row> rows =
        ReadFailures.guard(
            "the staged dataset " + uri,
            () ->
                SegmentTable.of(spark, uri, manifest.contract(), manifest.parts())
                    .withColumn("file", input_file_name())
                    .groupBy("series", "segment", "file")
                    .agg(
                        count(lit(1)),
                        count(when(col("origin"), 1)),
                        min(when(col("origin"), col("tick"))),
                        max(when(col("origin"), col("tick"))),
                        min("tick"),
                        max("tick"))
                    .collectAsList());
    var known = new HashMap<String, String>(); // a name is kept once, however many segments have it
    return rows.stream()
        .map(
            row ->
                of(
                    known.computeIfAbsent(row.getString(0), name -> name),
                    known.computeIfAbsent(row.getString(2), StoredSegment::unescaped),
                    row))
        .sorted(
            Comparator.<StoredSegment, Split>comparing(segment -> segment.split())
                .thenComparing(segment -> segment.series())
                .thenComparingLong(segment -> segment.id()))
        .toList();
  }

  // a plus is itself in a URI
  private static String unescaped(String uri) {
    return URLDecoder.decode(uri.replace("+", "%2B"), StandardCharsets.UTF_8);
  }

  private static StoredSegment of(String series, String file, Row row) {
    return new StoredSegment(
        splitOf(file),
        series,
        row.getLong(1),
        file,
        row.getLong(3),
        row.getLong(4),
        row.isNullAt(5) ? null : Long.valueOf(row.getLong(5)),
        row.isNullAt(6) ? null : Long.valueOf(row.getLong(6)),
        row.getLong(7),
        row.getLong(8));
  }

  private static Split splitOf(String file) {
    for (Split split : Split.values()) {
      if (file.contains("/split=" + split.label() + "/period=")) {
        return split;
      }
    }
    throw new IllegalStateException(file + " lies in the folder of no split");
  }

  /** Whether this is of the same series and split as another. */
  public boolean isNeighbourOf(StoredSegment other) {
    return split == other.split && series.equals(other.series);
  }
}
