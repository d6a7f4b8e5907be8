package io.sluice.sequences.telemetry.audit;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.max;
import static org.apache.spark.sql.functions.min;
import static org.apache.spark.sql.functions.when;

import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.SequenceManifest.SplitSummary;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.telemetry.source.ReadFailures;
import io.sluice.sequences.telemetry.store.SegmentTable;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * What the written rows say of one series in one split.
 *
 * @param firstOrigin tick of the first row that is an origin
 * @param lastOrigin likewise of the last
 * @param firstTick of all rows
 * @param lastTick of all rows
 */
public record SeriesFacts(
    String series, Split split, long firstOrigin, long lastOrigin, long firstTick, long lastTick) {

  /** The rows of a dataset folder; null = of every split. */
  static Dataset<Row> rows(
      SparkSession spark, String uri, SequenceManifest manifest, String split) {
    List<Part> parts =
        manifest.parts().stream().filter(p -> split == null || p.split().equals(split)).toList();
    return SegmentTable.of(spark, uri, manifest.contract(), parts);
  }

  /** Facts by series, then split. */
  public static List<SeriesFacts> of(SparkSession spark, String uri, SequenceManifest manifest) {
    if (manifest.parts().isEmpty()) {
      return List.of();
    }
    List<Row> groups =
        ReadFailures.guard(
            "the staged dataset " + uri,
            () ->
                rows(spark, uri, manifest, null)
                    .groupBy("series", "split")
                    .agg(
                        min(when(col("origin"), col("tick"))),
                        max(when(col("origin"), col("tick"))),
                        min("tick"),
                        max("tick"),
                        count(lit(1)))
                    .collectAsList());
    return groups.stream()
        .filter(r -> !r.isNullAt(2)) // rows without an origin: the counts of the parts tell
        .map(
            r ->
                new SeriesFacts(
                    r.getString(0),
                    split(r.getString(1)),
                    r.getLong(2),
                    r.getLong(3),
                    r.getLong(4),
                    r.getLong(5)))
        .sorted(Comparator.comparing(SeriesFacts::series).thenComparing(SeriesFacts::split))
        .toList();
  }

  private static Split split(String label) {
    for (Split split : Split.values()) {
      if (split.label().equals(label)) {
        return split;
      }
    }
    throw new IllegalStateException("no split is called " + label);
  }

  /** What each split holds. */
  public static Map<String, SplitSummary> summaries(List<SeriesFacts> facts, List<Part> parts) {
    var summaries = new TreeMap<String, SplitSummary>();
    for (Split split : Split.values()) {
      List<SeriesFacts> own = facts.stream().filter(f -> f.split() == split).toList();
      List<Part> ownParts = parts.stream().filter(p -> p.split().equals(split.label())).toList();
      summaries.put(
          split.label(),
          new SplitSummary(
              own.size(),
              ownParts.stream().mapToLong(Part::segments).sum(),
              ownParts.stream().mapToLong(Part::steps).sum(),
              ownParts.stream().mapToLong(Part::windows).sum(),
              own.isEmpty()
                  ? null
                  : Long.valueOf(
                      own.stream().mapToLong(SeriesFacts::firstOrigin).min().orElseThrow()),
              own.isEmpty()
                  ? null
                  : Long.valueOf(
                      own.stream().mapToLong(SeriesFacts::lastOrigin).max().orElseThrow())));
    }
    return summaries;
  }
}
