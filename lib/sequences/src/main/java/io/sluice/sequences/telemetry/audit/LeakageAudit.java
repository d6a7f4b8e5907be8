package io.sluice.sequences.telemetry.audit;

import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.SequenceManifest.Audit;
import io.sluice.sequences.dataset.SequenceManifest.Check;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.source.ReadFailures;
import io.sluice.sequences.telemetry.store.StoredSegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
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
 *   <li>{@code counts}: segments, steps and windows of each part equal the manifest's; steps of a
 *       segment are consecutive, and segments of a series follow each other.
 * </ol>
 */
public final class LeakageAudit {
  private final SparkSession spark;
  private final String uri;
  private final SequenceManifest manifest;
  private final List<StoredSegment> segments;
  private final List<SeriesFacts> facts;

  private LeakageAudit(
      SparkSession spark, String uri, SequenceManifest manifest, List<StoredSegment> segments) {
    this.spark = spark;
    this.uri = uri;
    this.manifest = manifest;
    this.segments = segments;
    this.facts = SeriesFacts.of(segments);
  }

  /** Audits a dataset folder; reads its Parquet anew. */
  public static Audit of(SparkSession spark, String uri, SequenceManifest manifest) {
    return of(spark, uri, manifest, StoredSegment.of(spark, uri, manifest));
  }

  /**
   * Audits a dataset folder.
   *
   * @param segments read from it a moment ago
   */
  public static Audit of(
      SparkSession spark, String uri, SequenceManifest manifest, List<StoredSegment> segments) {
    var audit = new LeakageAudit(spark, uri, manifest, segments);
    var checks = new ArrayList<Check>();
    checks.add(audit.targets());
    checks.add(audit.inputs());
    if (manifest.splitBounds().path("by").asText().equals("series")) {
      checks.add(audit.wholeSeries());
    }
    checks.addAll(ReadFailures.guard("the staged dataset " + uri, audit::scalersAndSteps));
    checks.add(audit.counts());
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
    return new ScalerCheck(spark, uri, manifest, segments).run();
  }

  private Check counts() {
    var broken = new ArrayList<String>();
    var found = new HashMap<String, Found>();
    int folder = -1;
    for (StoredSegment segment : segments) {
      if (folder < 0) {
        folder = segment.file().lastIndexOf("/split=") + 1; // one folder holds every part
      }
      found.computeIfAbsent(segment.file().substring(folder), f -> new Found()).add(segment);
    }
    for (Part part : manifest.parts()) {
      Found own = found.getOrDefault(part.path(), new Found());
      if (own.segments != part.segments()
          || own.steps != part.steps()
          || own.windows != part.windows()) {
        broken.add(
            "%s holds %s, the manifest says %d segments, %d steps, %d windows"
                .formatted(part.path(), own, part.segments(), part.steps(), part.windows()));
      }
    }
    if (broken.isEmpty()) {
      consecutive(broken);
    }
    return new Check(
        "counts",
        broken.isEmpty(),
        broken.isEmpty()
            ? "%d parts hold what the manifest says".formatted(manifest.parts().size())
            : first(broken));
  }

  /** Rows of one file. */
  private static final class Found {
    private long segments;
    private long steps;
    private long windows;

    void add(StoredSegment segment) {
      segments++;
      steps += segment.steps();
      windows += segment.windows();
    }

    @Override
    public String toString() {
      return segments == 0
          ? "nothing"
          : "%d segments, %d steps, %d windows".formatted(segments, steps, windows);
    }
  }

  /** A segment has every step from its first to its last, and none ends before the one before. */
  private void consecutive(List<String> broken) {
    StoredSegment before = null;
    for (StoredSegment segment : segments) {
      long span = step(segment.lastTick()) - step(segment.firstTick()) + 1;
      if (span != segment.steps()) {
        broken.add(
            "segment %d of series %s in %s has %d rows over %d steps"
                .formatted(
                    segment.id(),
                    segment.series(),
                    segment.split().label(),
                    segment.steps(),
                    span));
      }
      if (before != null
          && segment.isNeighbourOf(before)
          && (segment.firstTick() <= before.firstTick()
              || segment.lastTick() <= before.lastTick())) {
        broken.add(
            "segment %d of series %s in %s does not come after segment %d"
                .formatted(segment.id(), segment.series(), segment.split().label(), before.id()));
      }
      before = segment;
    }
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
