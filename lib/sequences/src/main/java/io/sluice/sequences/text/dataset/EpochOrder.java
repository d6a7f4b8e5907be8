package io.sluice.sequences.text.dataset;

import io.sluice.sequences.dataset.Dealing;
import io.sluice.sequences.dataset.ShuffleOrder;

/**
 * The order of documents in one epoch. Documents in stored order, by length, are cut into pools;
 * full pools come in a random order and the short one last, each with its documents permuted.
 * Position p of the epoch lies in the pool that comes (p / pool size)-th.
 */
final class EpochOrder {
  private final long documents;
  private final long poolSize;
  private final ShuffleOrder shuffle;
  private final int[] order;
  private final int shortPool; // its number in stored order; −1 = none is short
  private int permuted = -1;
  private int[] permutation;

  /**
   * @param poolBatches batches of a pool; see {@link Padding}
   */
  EpochOrder(long documents, int poolBatches, Dealing dealing, int epoch) {
    this.documents = documents;
    this.poolSize = (long) poolBatches * dealing.batchSize();
    this.shuffle = new ShuffleOrder(dealing.seed(), epoch, 0);
    int pools = Math.toIntExact((documents + poolSize - 1) / poolSize);
    if (documents % poolSize == 0) {
      shortPool = -1;
      order = shuffle.permutation(pools, 0);
    } else {
      shortPool = shuffle.permutation(pools, 1)[0];
      int[] full = shuffle.permutation(pools - 1, 0);
      order = new int[pools];
      for (int i = 0; i < full.length; i++) {
        order[i] = full[i] < shortPool ? full[i] : full[i] + 1;
      }
      order[pools - 1] = shortPool;
    }
  }

  /** The position after the last of the pool that comes q-th, as if it were full. */
  long endOf(int q) {
    return (q + 1) * poolSize;
  }

  /** The pool, by its place in the epoch, that holds a position. */
  int poolOf(long position) {
    return (int) (position / poolSize);
  }

  /** Number of the first document of the pool that comes q-th. */
  long firstOf(int q) {
    int pool = order[q];
    long before = (long) pool * poolSize;
    return shortPool >= 0 && pool > shortPool ? before - poolSize + documents % poolSize : before;
  }

  /** Documents of the pool that comes q-th. */
  int sizeOf(int q) {
    return (int) (order[q] == shortPool ? documents % poolSize : poolSize);
  }

  /** Number of the document at a position. */
  long document(long position) {
    int q = poolOf(position);
    if (q != permuted) {
      permutation = shuffle.permutation(sizeOf(q), 2 + q);
      permuted = q;
    }
    return firstOf(q) + permutation[(int) (position % poolSize)];
  }
}
