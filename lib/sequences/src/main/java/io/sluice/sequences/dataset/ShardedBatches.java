package io.sluice.sequences.dataset;

import java.util.Arrays;

/** A rank's shares of the global batches of an epoch, in the order of {@link Dealing}. */
final class ShardedBatches extends WindowBatches {
  private final Dealing dealing;
  private final long windows;
  private final int rank;
  private final int ranks;
  private final ShardCursor[] cursors;

  // of the batch being filled
  private final EncodedSegment[] segments;
  private final int[] origins;

  /**
   * @param windows N, of all shards
   * @param cursors of the rank's shards rank, rank + ranks, rank + 2·ranks, …
   * @param capacity windows of the rank in a batch at most
   */
  ShardedBatches(
      WindowEncoder encoder,
      Dealing dealing,
      long windows,
      int rank,
      int ranks,
      ShardCursor[] cursors,
      int capacity,
      long fromStep) {
    super(encoder, capacity, fromStep, dealing.steps(windows));
    this.dealing = dealing;
    this.windows = windows;
    this.rank = rank;
    this.ranks = ranks;
    this.cursors = cursors;
    this.segments = new EncodedSegment[capacity];
    this.origins = new int[capacity];
  }

  @Override
  void fill(WindowBatch target, long step) {
    int S = dealing.shards();
    long first = step * dealing.batchSize();
    int globalSize = dealing.globalSize(windows, step);
    int size = 0;
    for (int i = 0; i < globalSize; i++) {
      int shard = (int) ((first + i) % S);
      if (shard % ranks == rank) {
        cursors[shard / ranks].take(segments, origins, size);
        target.positions[size++] = first + i;
      }
    }
    target.resize(size, globalSize);
    encoder.encodeEach(segments, origins, size, target, 0);
    Arrays.fill(segments, null); // or a batch would hold on to the group before
  }

  @Override
  void checkEnd() {}

  @Override
  void closeSource() {
    for (ShardCursor cursor : cursors) {
      cursor.close();
    }
  }
}
