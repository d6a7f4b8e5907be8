package io.sluice.sequences.dataset;

import java.util.Arrays;

/**
 * Batches in a random order of windows. Batches run on over the borders of groups, so only the last
 * one is smaller.
 */
final class ShuffledBatches extends WindowBatches {
  private final GroupReader groups;
  private final int batchSize;
  private final int readers;

  // of the batch being filled
  private final EncodedSegment[] segments;
  private final int[] origins;

  private WindowGroup group;
  private int window;
  private long toSkip;

  /**
   * @param windows windows of this reader's batches
   * @param reader reads batches reader, reader + readers, reader + 2·readers, …
   */
  ShuffledBatches(
      WindowEncoder encoder,
      int batchSize,
      long windows,
      GroupReader groups,
      int reader,
      int readers) {
    super(encoder, batchSize, windows);
    this.groups = groups;
    this.batchSize = batchSize;
    this.readers = readers;
    this.toSkip = (long) reader * batchSize;
    this.segments = new EncodedSegment[(int) Math.min(batchSize, Math.max(1, windows))];
    this.origins = new int[segments.length];
  }

  @Override
  void fill(WindowBatch target, int size) {
    skip();
    for (int b = 0; b < size; b++) {
      while (group == null || window == group.windows()) {
        nextGroup();
      }
      group.find(window++, segments, origins, b);
    }
    encoder.encodeEach(segments, origins, size, target, 0);
    Arrays.fill(segments, null); // or a batch would hold on to the group before
    toSkip = (long) (readers - 1) * batchSize;
  }

  /** Passes over the batches of the other readers. */
  private void skip() {
    while (toSkip > 0) {
      while (group == null || window == group.windows()) {
        nextGroup();
      }
      int step = (int) Math.min(toSkip, group.windows() - window);
      window += step;
      toSkip -= step;
    }
  }

  private void nextGroup() {
    group = groups.next();
    window = 0;
    if (group == null) {
      throw new IllegalStateException("the split ended before its windows were dealt out");
    }
  }

  @Override
  void checkEnd() {
    if (readers == 1 && groups.next() != null) {
      throw new IllegalStateException("the split has more windows than the manifest says");
    }
  }

  @Override
  void closeSource() {
    groups.close();
  }
}
