package io.sluice.sequences.text.dataset;

import io.sluice.sequences.dataset.Dealing;

/**
 * A split's documents, dealt out epoch by epoch; see the package for the order.
 *
 * <p>All ranks make the same number of steps; together they have at each step the documents of the
 * global batch, whatever their number. One object serves one thread.
 */
public final class ShardedDocuments {
  private final DocumentStore store;
  private final Dealing dealing;
  private final int poolBatches;
  private final int padId;
  private final int rank;
  private final int ranks;

  ShardedDocuments(
      DocumentStore store, Dealing dealing, int poolBatches, int padId, int rank, int ranks) {
    this.store = store;
    this.dealing = dealing;
    this.poolBatches = poolBatches;
    this.padId = padId;
    this.rank = rank;
    this.ranks = ranks;
  }

  /** Documents of an epoch over all ranks. */
  public long documents() {
    return store.size();
  }

  /** Steps of an epoch, the same on every rank. */
  public long steps() {
    return dealing.steps(documents());
  }

  /** Whether the split is kept in memory, or read again each epoch. */
  public boolean isInMemory() {
    return store.isInMemory();
  }

  /**
   * This rank's shares of the batches of an epoch from a step on: those that a reader of the whole
   * epoch would come to. A batch may be empty.
   *
   * @param fromStep 0 ≤ fromStep ≤ {@link #steps()}
   */
  public DocumentBatches epoch(int epoch, long fromStep) {
    if (fromStep < 0 || fromStep > steps()) {
      throw new IllegalArgumentException(
          "fromStep is %d, expected 0 ≤ fromStep ≤ %d, the steps of an epoch"
              .formatted(fromStep, steps()));
    }
    // a step is a batch, whatever its length
    return new DocumentBatches(
        store,
        new Shares(new EpochOrder(documents(), poolBatches, dealing, epoch)),
        dealing.batchSize(),
        Long.MAX_VALUE,
        new TextBatch(Math.max(1, dealing.mostOfShare(rank, ranks)), padId),
        fromStep * dealing.batchSize(),
        documents());
  }

  private final class Shares implements DocumentBatches.Order {
    private final EpochOrder order;

    Shares(EpochOrder order) {
      this.order = order;
    }

    @Override
    public boolean isMine(long position) {
      return position % dealing.shards() % ranks == rank;
    }

    @Override
    public long document(long position) {
      return order.document(position);
    }

    @Override
    public DocumentBatches.Pool pool(long position) {
      int q = order.poolOf(position);
      long first = order.firstOf(q);
      return new DocumentBatches.Pool(first, first + order.sizeOf(q), order.endOf(q));
    }
  }
}
