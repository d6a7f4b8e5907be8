package io.sluice.sequences.telemetry.audit;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.input_file_name;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.when;

import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.SequenceManifest.Audit;
import io.sluice.sequences.dataset.SequenceManifest.Check;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.telemetry.source.ReadFailures;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Checks a written dataset against its manifest:
 *
 * <ol>
 *   <li>{@code targets-disjoint}: per series, the steps that splits predict do not overlap;
 *   <li>{@code inputs-overlap}: per series, the inputs of a split reach into the steps of another
 *       no further than look-back − embargo;
 *   <li>{@code series-whole} (a split by series): no series is in two splits;
 *   <li>{@code scalers-train-only}: scalers refitted on the stored train steps, each once, equal
 *       the manifest's, and count the same rows;
 *   <li>{@code steps-agree}: a step that two segments store has the same values in both;
 *   <li>{@code counts}: segments, steps and windows of each part equal the manifest's.
 * </ol>
 */
public final class LeakageAudit {
  private final SparkSession spark;
  private final String uri;
  private final SequenceManifest manifest;
  private final List<SeriesFacts> facts;

  private LeakageAudit(
      SparkSession spark, String uri, SequenceManifest manifest, List<SeriesFacts> facts) {
    this.spark = spark;
    this.uri = uri;
    this.manifest = manifest;
    this.facts = facts;
  }

  /** Audits a dataset folder; reads its Parquet anew. */
  public static Audit of(SparkSession spark, String uri, SequenceManifest manifest) {
    return of(spark, uri, manifest, SeriesFacts.of(spark, uri, manifest));
  }

  /**
   * Audits a dataset folder.
   *
   * @param facts read from it a moment ago
   */
  public static Audit of(
      SparkSession spark, String uri, SequenceManifest manifest, List<SeriesFacts> facts) {
    var audit = new LeakageAudit(spark, uri, manifest, facts);
    var checks = new ArrayList<Check>();
    checks.add(audit.targets());
    checks.add(audit.inputs());
    if (manifest.splitBounds().path("by").asText().equals("series")) {
      checks.add(audit.wholeSeries());
    }
    checks.addAll(ReadFailures.guard("the staged dataset " + uri, () -> audit.scalersAndSteps()));
    checks.add(ReadFailures.guard("the staged dataset " + uri, () -> audit.counts()));
    return new Audit(checks.stream().allMatch(Check::passed), List.copyOf(checks));
  }

  /** Pairs of splits of one series, the one that begins earlier first. */
  private interface Pair {
    void check(SeriesFacts earlier, SeriesFacts later);
  }

  private void forPairs(Pair pair) {
    Map<String, List<SeriesFacts>> bySeries =
        facts.stream()
            .collect(Collectors.groupingBy(SeriesFacts::series, TreeMap::new, Collectors.toList()));
    for (List<SeriesFacts> splits : bySeries.values()) {
      var ordered = new ArrayList<>(splits);
      ordered.sort(Comparator.comparingLong(SeriesFacts::firstOrigin));
      for (int i = 0; i < ordered.size(); i++) {
        for (int j = i + 1; j < ordered.size(); j++) {
          pair.check(ordered.get(i), ordered.get(j));
        }
      }
    }
  }

  private long firstTarget(SeriesFacts f) {
    return step(f.firstOrigin()) + (contract().horizon() > 0 ? 1 : 0);
  }

  private long lastTarget(SeriesFacts f) {
    return step(f.lastOrigin()) + contract().horizon();
  }

  private Check targets() {
    var broken = new ArrayList<String>();
    forPairs(
        (earlier, later) -> {
          long overlap = lastTarget(earlier) - firstTarget(later) + 1;
          if (overlap > 0) {
            broken.add(
                "series %s: %s and %s share %d target steps"
                    .formatted(
                        earlier.series(), earlier.split().label(), later.split().label(), overlap));
          }
        });
    return new Check(
        "targets-disjoint",
        broken.isEmpty(),
        broken.isEmpty() ? "no step is a target of two splits" : first(broken));
  }

  private Check inputs() {
    long H = contract().horizon();
    // inputs of a later split begin at its first target − H' − look-back + 1, H' = 1 for forecasts
    long allowed =
        Math.max(0, (long) contract().lookBack() - manifest.embargoSteps() - (H > 0 ? 0 : 1));
    var broken = new ArrayList<String>();
    long[] most = {0};
    forPairs(
        (earlier, later) -> {
          long firstInput = step(later.firstOrigin()) - contract().lookBack() + 1;
          long overlap = Math.min(lastTarget(earlier), step(later.lastOrigin())) - firstInput + 1;
          most[0] = Math.max(most[0], overlap);
          if (overlap > allowed) {
            broken.add(
                "series %s: %s reads %d steps of %s, allowed are %d"
                    .formatted(
                        later.series(),
                        later.split().label(),
                        overlap,
                        earlier.split().label(),
                        allowed));
          }
        });
    String fine =
        most[0] <= 0
            ? "no step is an input of one split and a step of another"
            : "a later split reads at most %d steps of the one before as context, as embargo %d allows (%d)"
                .formatted(most[0], manifest.embargoSteps(), allowed);
    return new Check("inputs-overlap", broken.isEmpty(), broken.isEmpty() ? fine : first(broken));
  }

  private Check wholeSeries() {
    var seen = new HashMap<String, Split>();
    var broken = new ArrayList<String>();
    for (SeriesFacts f : facts) {
      Split before = seen.putIfAbsent(f.series(), f.split());
      if (before != null) {
        broken.add(
            "series %s is in %s and %s".formatted(f.series(), before.label(), f.split().label()));
      }
    }
    return new Check(
        "series-whole",
        broken.isEmpty(),
        broken.isEmpty() ? "%d series, each in one split".formatted(seen.size()) : first(broken));
  }

  private List<Check> scalersAndSteps() {
    return new ScalerCheck(spark, uri, manifest).run();
  }

  private Check counts() {
    var broken = new ArrayList<String>();
    if (manifest.parts().isEmpty()) {
      return new Check("counts", true, "0 parts");
    }
    List<Row> rows =
        SeriesFacts.rows(spark, uri, manifest, null)
            .withColumn("file", input_file_name())
            .groupBy("file", "series", "segment")
            .agg(count(lit(1)).as("steps"), count(when(col("origin"), 1)).as("windows"))
            .groupBy("file")
            .agg(count(lit(1)), sum("steps"), sum("windows"))
            .collectAsList();
    for (Part part : manifest.parts()) {
      Row found =
          rows.stream()
              .filter(
                  r ->
                      java.net.URLDecoder.decode(
                              r.getString(0).replace("+", "%2B"),
                              java.nio.charset.StandardCharsets.UTF_8)
                          .endsWith("/" + part.path()))
              .findFirst()
              .orElse(null);
      if (found == null
          || found.getLong(1) != part.segments()
          || found.getLong(2) != part.steps()
          || found.getLong(3) != part.windows()) {
        broken.add(
            "%s holds %s, the manifest says %d segments, %d steps, %d windows"
                .formatted(
                    part.path(),
                    found == null
                        ? "nothing"
                        : "%d segments, %d steps, %d windows"
                            .formatted(found.getLong(1), found.getLong(2), found.getLong(3)),
                    part.segments(),
                    part.steps(),
                    part.windows()));
      }
    }
    return new Check(
        "counts",
        broken.isEmpty(),
        broken.isEmpty()
            ? "%d parts hold what the manifest says".formatted(manifest.parts().size())
            : first(broken));
  }

  private long step(long tick) {
    return Math.floorDiv(tick, contract().time().stepTicks());
  }

  private WindowContract contract() {
    return manifest.contract();
  }

  static String first(List<String> broken) {
    return broken.get(0) + (broken.size() > 1 ? " (and %d more)".formatted(broken.size() - 1) : "");
  }
}
