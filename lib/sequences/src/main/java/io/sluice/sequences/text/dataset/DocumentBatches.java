package io.sluice.sequences.text.dataset;

import io.sluice.sequences.text.dataset.TextManifest.Run;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/**
 * Batches of documents, one after the other, in one reused object: what {@link #next} returned is
 * overwritten by the next call. Holds the documents of a pool at a time.
 */
public final class DocumentBatches implements Iterator<TextBatch> {
  /** Of a pool in stored order. */
  private static final int STORED_POOL_BATCHES = 8;

  /** Of a pool in stored order, unless it is one document: 16 MiB of ids. */
  private static final long STORED_POOL_TOKENS = 1L << 22;

  /** Which documents come, and whose they are. */
  interface Order {
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
  private final long batchTokens;
  private final TextBatch batch;
  private final long end;
  private long position;
  private Pool pool;
  private Documents documents;

  /**
   * @param batchSize positions of a batch, at most
   * @param batchTokens tokens of a batch, padding included, at most; a longer document is a batch
   *     by itself
   * @param batch that is reused
   * @param from first position
   * @param end the one after the last
   */
  DocumentBatches(
      DocumentStore store,
      Order order,
      int batchSize,
      long batchTokens,
      TextBatch batch,
      long from,
      long end) {
    this.store = store;
    this.order = order;
    this.batchSize = batchSize;
    this.batchTokens = batchTokens;
    this.batch = batch;
    this.position = from;
    this.end = end;
  }

  @Override
  public boolean hasNext() {
    return position < end;
  }

  @Override
  public TextBatch next() {
    if (!hasNext()) {
      throw new NoSuchElementException("no more batches");
    }
    long from = position;
    long to = Math.min(end, from + batchSize);
    batch.begin();
    var sources = new Documents[(int) (to - from)];
    for (; position < to; position++) {
      if (order.isMine(position)) {
        Documents source = at(position);
        long document = order.document(position);
        if (!hasRoomFor(source.length(document))) {
          break;
        }
        sources[batch.size()] = source;
        batch.add(source, document, position);
      }
    }
    batch.allocate((int) (position - from));
    for (int b = 0; b < batch.size(); b++) {
      batch.fill(sources[b], b);
    }
    return batch;
  }

  private boolean hasRoomFor(int length) {
    return batch.size() == 0
        || (batch.size() + 1L) * Math.max(batch.timeSteps(), length) <= batchTokens;
  }

  private Documents at(long wanted) {
    if (pool == null || wanted >= pool.endPosition()) {
      pool = order.pool(wanted);
      documents = store.range(pool.firstDocument(), pool.endDocument());
    }
    return documents;
  }

  /**
   * Stored order; pools are batches, of long documents fewer.
   *
   * @param size documents
   * @param lengths of the documents in this order; null where they are not known
   */
  static Order stored(long size, int batchSize, List<Run> lengths) {
    return new Order() {
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
        long end = Math.min(size, position + (long) STORED_POOL_BATCHES * batchSize);
        end = lengths == null ? end : endOfTokens(position, end, lengths);
        return new Pool(position, end, end);
      }
    };
  }

  /** Of documents [first, end) those that a pool holds: at least one. */
  private static long endOfTokens(long first, long end, List<Run> lengths) {
    long next = first;
    long tokens = 0;
    long runEnd = 0;
    for (Run run : lengths) {
      runEnd += run.documents();
      long own = Math.min(end, runEnd) - next;
      if (own > 0) {
        long room = (STORED_POOL_TOKENS - tokens) / run.upTo();
        if (room < own) {
          return Math.max(first + 1, next + room);
        }
        tokens += own * run.upTo();
        next += own;
      }
    }
    return end;
  }
}
