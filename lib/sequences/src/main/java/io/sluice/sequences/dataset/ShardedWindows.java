package io.sluice.sequences.dataset;

import java.util.ArrayList;
import java.util.List;

/**
 * The windows of the shards that one rank owns, dealt out epoch by epoch in the order of {@link
 * Dealing}.
 *
 * <p>All ranks make the same number of steps; together they have at each step the windows of the
 * global batch, whatever their number. Close it after the last epoch. One object serves one thread.
 */
public final class ShardedWindows implements AutoCloseable {
  private final WindowContract contract;
  private final boolean sequenceTargets;
  private final Dealing dealing;
  private final long windows;
  private final int rank;
  private final int ranks;
  private final long groupBytes;
  private final List<List<List<Slice>>> piecesOfShard;
  private final SliceSource source;
  private boolean closed;

  /**
   * @param windows N, of all shards
   * @param groupBytes of a shard's group
   * @param piecesOfShard of the rank's shards rank, rank + ranks, …
   */
  ShardedWindows(
      WindowContract contract,
      boolean sequenceTargets,
      Dealing dealing,
      long windows,
      int rank,
      int ranks,
      long groupBytes,
      List<List<List<Slice>>> piecesOfShard,
      SliceSource source) {
    this.contract = contract;
    this.sequenceTargets = sequenceTargets;
    this.dealing = dealing;
    this.windows = windows;
    this.rank = rank;
    this.ranks = ranks;
    this.groupBytes = groupBytes;
    this.piecesOfShard = piecesOfShard;
    this.source = source;
  }

  /** Windows of an epoch over all ranks. */
  public long windows() {
    return windows;
  }

  /** Steps of an epoch, the same on every rank. */
  public long steps() {
    return dealing.steps(windows);
  }

  /** Whether the rank's shards are kept in memory, or read again each epoch. */
  public boolean isInMemory() {
    return source instanceof KeptSlices;
  }

  /**
   * This rank's shares of the batches of an epoch from a step on: those that a reader of the whole
   * epoch would come to. What lies before is neither read nor encoded. A batch may be empty. The
   * batch object is reused.
   *
   * @param fromStep 0 ≤ fromStep ≤ {@link #steps()}
   */
  public WindowBatches epoch(int epoch, long fromStep) {
    if (closed) {
      throw new IllegalStateException("the windows of rank %d are closed".formatted(rank));
    }
    if (fromStep < 0 || fromStep > steps()) {
      throw new IllegalArgumentException(
          "fromStep is %d, expected 0 ≤ fromStep ≤ %d, the steps of an epoch"
              .formatted(fromStep, steps()));
    }
    long position = Math.min(windows, fromStep * dealing.batchSize());
    List<ShardCursor> cursors = new ArrayList<>();
    for (int i = 0; i < piecesOfShard.size(); i++) {
      int shard = rank + i * ranks;
      var shuffle = new ShuffleOrder(dealing.seed(), epoch, shard);
      var order = new ShardOrder(piecesOfShard.get(i), shuffle, contract, groupBytes);
      cursors.add(new ShardCursor(order, source, dealing.dealtBefore(shard, position)));
    }
    var batches =
        new ShardedBatches(
            new WindowEncoder(contract, sequenceTargets),
            dealing,
            windows,
            rank,
            ranks,
            cursors.toArray(ShardCursor[]::new),
            (int) Math.max(1, Math.min(windows, dealing.mostOfShare(rank, ranks))),
            fromStep);
    cursors.forEach(ShardCursor::readAhead);
    return batches;
  }

  /** Ends the reading in the background. */
  @Override
  public void close() {
    closed = true;
    source.close();
  }
}
