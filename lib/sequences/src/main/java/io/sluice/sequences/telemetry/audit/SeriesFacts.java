package io.sluice.sequences.telemetry.audit;

import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.SequenceManifest.SplitSummary;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.telemetry.store.StoredSegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the written rows say of one series in one split.
 *
 * @param firstOrigin tick of the first row that is an origin
 * @param lastOrigin likewise of the last
 */
public record SeriesFacts(String series, Split split, long firstOrigin, long lastOrigin) {

  /** Facts by series, then split; of segments in order of split and series. */
  public static List<SeriesFacts> of(List<StoredSegment> segments) {
    var facts = new ArrayList<SeriesFacts>();
    StoredSegment before = null;
    for (StoredSegment segment : segments) {
      if (segment.firstOrigin() == null) {
        continue; // rows without an origin: the counts of the parts tell
      }
      if (before == null || !segment.isNeighbourOf(before)) {
        facts.add(
            new SeriesFacts(
                segment.series(), segment.split(), segment.firstOrigin(), segment.lastOrigin()));
      } else {
        int last = facts.size() - 1;
        facts.set(last, facts.get(last).with(segment));
      }
      before = segment;
    }
    facts.sort(Comparator.comparing(SeriesFacts::series).thenComparing(SeriesFacts::split));
    return List.copyOf(facts);
  }

  private SeriesFacts with(StoredSegment segment) {
    return new SeriesFacts(
        series,
        split,
        Math.min(firstOrigin, segment.firstOrigin()),
        Math.max(lastOrigin, segment.lastOrigin()));
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
