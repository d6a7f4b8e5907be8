package io.sluice.sequences.dataset;

/**
 * Which windows of a split are read: all N of them, or M evenly spaced ones. Windows are numbered
 * through the split in manifest order, so the choice does not depend on the order of reading.
 */
record WindowSelection(long total, long kept) {

  static WindowSelection of(long total, long most) {
    // the product below must fit: 3 billion windows are more than any run will see
    return new WindowSelection(total, most <= 0 ? total : Math.min(total, most));
  }

  boolean keepsAll() {
    return kept == total;
  }

  /** True for {@link #kept} of the numbers 0 … total − 1. */
  boolean keeps(long window) {
    return Math.multiplyExact(window + 1, kept) / total > Math.multiplyExact(window, kept) / total;
  }

  /**
   * The origins of a segment that are kept.
   *
   * @param first number of the segment's first window
   */
  int[] of(int[] origins, long first) {
    if (keepsAll()) {
      return origins;
    }
    int[] chosen = new int[origins.length];
    int count = 0;
    for (int i = 0; i < origins.length; i++) {
      if (keeps(first + i)) {
        chosen[count++] = origins[i];
      }
    }
    return java.util.Arrays.copyOf(chosen, count);
  }
}
