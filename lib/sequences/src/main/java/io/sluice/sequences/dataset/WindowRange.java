package io.sluice.sequences.dataset;

import java.util.Arrays;

/**
 * A contiguous range of the windows that a selection keeps.
 *
 * @param from number of the first kept window, counted among the kept ones
 * @param to number after the last one
 */
record WindowRange(WindowSelection selection, long from, long to) {

  static WindowRange all(WindowSelection selection) {
    return new WindowRange(selection, 0, selection.kept());
  }

  /** Whether any of the split's windows {@code first … end − 1} lies in the range. */
  boolean touches(long first, long end) {
    return Math.min(to, selection.keptBefore(end)) > Math.max(from, selection.keptBefore(first));
  }

  /** The share of the split's windows {@code first … end − 1} that lies in the range. */
  double share(long first, long end) {
    long kept = selection.keptBefore(end) - selection.keptBefore(first);
    long inRange =
        Math.min(to, selection.keptBefore(end)) - Math.max(from, selection.keptBefore(first));
    return inRange <= 0 ? 0 : (double) inRange / kept;
  }

  /** Whether no window from {@code window} on lies in the range. */
  boolean isPassed(long window) {
    return selection.keptBefore(window) >= to;
  }

  /** Whether all windows before {@code window} lie before the range. */
  boolean beginsAfter(long window) {
    return selection.keptBefore(window) <= from;
  }

  /** Whether kept windows before {@code window} lie behind the range. */
  boolean endsBefore(long window) {
    return selection.keptBefore(window) > to;
  }

  boolean contains(long window) {
    long number = selection.keptBefore(window);
    return number >= from && number < to && selection.keptBefore(window + 1) > number;
  }

  /**
   * The origins of a segment that lie in the range.
   *
   * @param first number of the segment's first window in its split
   */
  int[] of(int[] origins, long first) {
    if (selection.keepsAll() && from <= first && first + origins.length <= to) {
      return origins;
    }
    int[] chosen = new int[origins.length];
    int count = 0;
    for (int i = 0; i < origins.length; i++) {
      if (contains(first + i)) {
        chosen[count++] = origins[i];
      }
    }
    return Arrays.copyOf(chosen, count);
  }
}
