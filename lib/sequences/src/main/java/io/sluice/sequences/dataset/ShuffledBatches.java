package io.sluice.sequences.dataset;

/**
 * Batches in a random order of windows. Batches run on over the borders of groups, so only the last
 * one is smaller.
 */
final class ShuffledBatches extends WindowBatches {
  private final GroupReader groups;
  private final int batchSize;
  private final int readers;

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
  }

  @Override
  void fill(WindowBatch target, int size) {
    skip();
    for (int b = 0; b < size; b++) {
      while (group == null || window == group.windows()) {
        nextGroup();
      }
      group.encode(window++, encoder, target, b);
    }
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
