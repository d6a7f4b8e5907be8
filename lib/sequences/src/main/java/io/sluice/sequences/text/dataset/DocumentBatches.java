package io.sluice.sequences.text.dataset;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.LongUnaryOperator;

/**
 * Batches of documents, one after the other, in one reused object: what {@link #next} returned is
 * overwritten by the next call. Holds the documents of a pool at a time.
 */
public final class DocumentBatches implements Iterator<TextBatch> {
  /** Which documents come, and whose they are. */
  interface Order {
    /** Positions of all ranks. */
    long positions();

    boolean isMine(long position);

    long document(long position);

    /** First document and the one after the last of the pool around a position, and its end. */
    Pool pool(long position);
  }

  /** Documents that are read together, and the position after the last of theirs. */
  record Pool(long firstDocument, long endDocument, long endPosition) {}

  private final DocumentStore store;
  private final Order order;
  private final int batchSize;
  private final long end;
  private final TextBatch batch;
  private long step;
  private Pool pool;
  private Documents documents;

  DocumentBatches(
      DocumentStore store,
      Order order,
      int batchSize,
      int capacity,
      int padId,
      long fromStep,
      long endStep) {
    this.store = store;
    this.order = order;
    this.batchSize = batchSize;
    this.step = fromStep;
    this.end = endStep;
    this.batch = new TextBatch(Math.max(1, capacity), padId);
  }

  @Override
  public boolean hasNext() {
    return step < end;
  }

  @Override
  public TextBatch next() {
    if (!hasNext()) {
      throw new NoSuchElementException("no more batches");
    }
    long from = step++ * batchSize;
    long to = Math.min(order.positions(), from + batchSize);
    batch.begin((int) (to - from));
    var sources = new Documents[(int) (to - from)];
    for (long position = from; position < to; position++) {
      if (order.isMine(position)) {
        Documents source = at(position);
        sources[batch.size()] = source;
        batch.add(source, order.document(position), position);
      }
    }
    batch.allocate();
    for (int b = 0; b < batch.size(); b++) {
      batch.fill(sources[b], b);
    }
    return batch;
  }

  private Documents at(long position) {
    if (pool == null || position >= pool.endPosition()) {
      pool = order.pool(position);
      documents = store.range(pool.firstDocument(), pool.endDocument());
    }
    return documents;
  }

  /** Stored order; pools are batches. */
  static Order stored(long size, int batchSize) {
    LongUnaryOperator endOf = position -> Math.min(size, (position / batchSize + 8) * batchSize);
    return new Order() {
      @Override
      public long positions() {
        return size;
      }

      @Override
      public boolean isMine(long position) {
        return true;
      }

      @Override
      public long document(long position) {
        return position;
      }

      @Override
      public Pool pool(long position) {
        long end = endOf.applyAsLong(position);
        return new Pool(position, end, end);
      }
    };
  }
}
