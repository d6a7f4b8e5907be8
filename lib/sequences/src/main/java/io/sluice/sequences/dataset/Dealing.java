package io.sluice.sequences.dataset;

import java.io.Serializable;

/**
 * How a run's windows become global batches, and batches become the ranks' shares; a pure function
 * of the number of windows, so it holds whoever reads.
 *
 * <p>N windows in manifest order are cut into S shards, contiguous ranges whose sizes differ by one
 * at most. Position p of an epoch's order, 0 ≤ p &lt; N, is the next window of shard p mod S in
 * that shard's own order of the epoch; step t learns from positions [t·B, min(N, (t + 1)·B)). Rank
 * r of R owns the shards s ≡ r (mod R), so what a batch holds does not depend on R.
 *
 * @param batchSize B, windows of a global batch
 * @param shards S ≤ B: each batch holds windows of every shard
 * @param seed of the order
 */
public record Dealing(int batchSize, int shards, long seed) implements Serializable {
  /** Shards of a run that sets none, where its batches are as large. */
  public static final int DEFAULT_SHARDS = 64;

  public Dealing {
    if (batchSize < 1) {
      throw new IllegalArgumentException(
          "batchSize is %d, expected at least 1".formatted(batchSize));
    }
    if (shards < 1 || shards > batchSize) {
      throw new IllegalArgumentException(
          "shards is %d, expected 1 ≤ shards ≤ batchSize = %d".formatted(shards, batchSize));
    }
  }

  /** Steps of an epoch over N windows; only the last batch may be smaller. */
  public long steps(long windows) {
    return (windows + batchSize - 1) / batchSize;
  }

  /** Windows of the global batch of a step. */
  public int globalSize(long windows, long step) {
    return (int) Math.max(0, Math.min(batchSize, windows - step * batchSize));
  }

  /** Windows of a rank's share of the global batch of a step. */
  public int shareSize(long windows, long step, int rank, int ranks) {
    long from = step * batchSize;
    long to = from + globalSize(windows, step);
    long size = 0;
    for (int shard = rank; shard < shards; shard += ranks) {
      size += dealtBefore(shard, to) - dealtBefore(shard, from);
    }
    return Math.toIntExact(size);
  }

  /** Number of a shard's first window; of S: N. */
  long firstWindow(int shard, long windows) {
    return windows / shards * shard + Math.min(shard, windows % shards);
  }

  /** Windows of a shard that stand before a position of the order. */
  long dealtBefore(int shard, long position) {
    return position / shards + (position % shards > shard ? 1 : 0);
  }

  /** Windows that a rank's share of a batch can hold at most. */
  public int mostOfShare(int rank, int ranks) {
    int mine = shardsOf(rank, ranks);
    return (int) Math.min(batchSize, (long) mine * ((batchSize + shards - 1) / shards));
  }

  /** Shards of a rank. */
  int shardsOf(int rank, int ranks) {
    return (shards - rank + ranks - 1) / ranks;
  }

  /** Refuses a rank that there cannot be: each owns at least one shard. */
  public void checkRank(int rank, int ranks) {
    if (ranks < 1 || rank < 0 || rank >= ranks) {
      throw new IllegalArgumentException(
          "rank is %d, expected 0 ≤ rank < ranks = %d".formatted(rank, ranks));
    }
    if (ranks > shards) {
      throw new IllegalArgumentException(
          ("ranks is %d, but there are %d shards and a rank needs one. Use fewer ranks, or more"
                  + " shards (up to the batch size, %d)")
              .formatted(ranks, shards, batchSize));
    }
  }
}
