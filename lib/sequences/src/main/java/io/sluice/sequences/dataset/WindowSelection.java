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

  /** Kept ones among the windows 0 … window − 1; a window is kept where it adds one. */
  long keptBefore(long window) {
    return keepsAll() ? window : Math.multiplyExact(window, kept) / total;
  }
}
