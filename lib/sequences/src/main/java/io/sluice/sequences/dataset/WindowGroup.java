package io.sluice.sequences.dataset;

import java.util.List;

/**
 * Encoded segments whose windows are dealt out in a random order.
 *
 * <p>Windows are numbered through the group: segment s holds numbers {@code starts[s] … starts[s +
 * 1] − 1}.
 */
final class WindowGroup {
  private final List<EncodedSegment> segments;
  private final int[] starts;
  private final int[] order;

  WindowGroup(List<EncodedSegment> segments, ShuffleOrder shuffle, int position) {
    this.segments = segments;
    this.starts = new int[segments.size() + 1];
    for (int s = 0; s < segments.size(); s++) {
      starts[s + 1] = Math.addExact(starts[s], segments.get(s).origins().length);
    }
    this.order = shuffle.permutation(starts[segments.size()], position);
  }

  int windows() {
    return order.length;
  }

  /** Puts segment and origin of the i-th window of the random order at index {@code j}. */
  void find(int i, EncodedSegment[] segmentOf, int[] originOf, int j) {
    int window = order[i];
    int found = java.util.Arrays.binarySearch(starts, window);
    // not found: −(insertion point) − 1; no segment is empty, so equal starts do not occur
    int s = found >= 0 ? found : -found - 2;
    segmentOf[j] = segments.get(s);
    originOf[j] = segmentOf[j].origins()[window - starts[s]];
  }
}
