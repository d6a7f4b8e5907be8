package io.sluice.sequences.dataset;

import java.util.List;

/**
 * The part of a segment that a shard's windows in it need: from the first look-back step of the
 * first one to the last target step of the last one.
 *
 * @param index among the slices that a rank reads
 * @param part that the segment lies in
 * @param segment the segment's number in its series
 * @param offset of the slice's first step in the segment
 * @param firstWindow number of the slice's first window in its split
 * @param windows of the shard in this slice
 */
record Slice(
    int index,
    SequenceManifest.Part part,
    String series,
    long segment,
    int offset,
    int steps,
    long firstWindow,
    int windows) {

  /**
   * The slice of a segment for the windows of a range; null where it has none of them.
   *
   * @param series the segment's, in one object for many slices
   * @param firstWindow number of the segment's first window in its split
   */
  static Slice of(
      Segment segment,
      String series,
      long firstWindow,
      WindowRange range,
      WindowContract contract,
      SequenceManifest.Part part,
      int index) {
    int[] origins = segment.origins();
    int first = -1;
    int last = -1;
    int windows = 0;
    for (int i = 0; i < origins.length; i++) {
      if (range.contains(firstWindow + i)) {
        first = windows++ == 0 ? i : first;
        last = i;
      }
    }
    if (windows == 0) {
      return null;
    }
    int start = origins[first] - contract.lookBack() + 1;
    int end = Math.min(segment.steps(), origins[last] + contract.horizon() + 1);
    return new Slice(
        index, part, series, segment.id(), start, end - start, firstWindow + first, windows);
  }

  /** Whether this is a slice of {@code whole}. */
  boolean isOf(Segment whole) {
    return whole.id() == segment && whole.series().equals(series);
  }

  /**
   * These steps of the whole segment with the origins of this slice's windows.
   *
   * @return null where the segment is not the one that the slice was made of
   */
  Segment cut(Segment whole, WindowSelection selection, int lookBack) {
    if (offset < 0 || offset + steps > whole.steps()) {
      return null;
    }
    int[] chosen = new int[windows];
    int count = 0;
    long window = firstWindow;
    for (int origin : whole.origins()) {
      int n = origin - offset;
      if (n >= lookBack - 1 && n < steps && count < windows) {
        if (selection.keptBefore(window + 1) > selection.keptBefore(window)) {
          chosen[count++] = n;
        }
        window++;
      }
    }
    return count < windows ? null : whole.slice(offset, steps, chosen);
  }

  /** Windows of several slices. */
  static int windows(List<Slice> slices) {
    int sum = 0;
    for (Slice slice : slices) {
      sum = Math.addExact(sum, slice.windows());
    }
    return sum;
  }
}
