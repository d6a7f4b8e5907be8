package io.sluice.sequences.dataset;

import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * Batches of windows, one after the other, in one reused object: what {@link #next} returned is
 * overwritten by the next call. Close it unless it was read to its end.
 */
public abstract sealed class WindowBatches implements Iterator<WindowBatch>, AutoCloseable
    permits OrderedBatches, ShardedBatches {
  final WindowEncoder encoder;
  private final WindowBatch batch;
  private final long end;
  private long number;
  private boolean closed;

  /**
   * @param capacity of the largest batch
   * @param first number of the first batch
   * @param end number after the last one
   */
  WindowBatches(WindowEncoder encoder, int capacity, long first, long end) {
    this.encoder = encoder;
    this.batch = encoder.newBatch(Math.max(1, capacity));
    this.number = first;
    this.end = end;
  }

  @Override
  public final boolean hasNext() {
    if (closed) {
      return false;
    }
    if (number >= end) {
      checkEnd();
      close();
      return false;
    }
    return true;
  }

  @Override
  public final WindowBatch next() {
    if (!hasNext()) {
      throw new NoSuchElementException("no more batches");
    }
    fill(batch, number++);
    return batch;
  }

  @Override
  public final void close() {
    if (!closed) {
      closed = true;
      closeSource();
    }
  }

  /** Encodes the windows of one batch. */
  abstract void fill(WindowBatch target, long number);

  /** Called after the last batch: files that were read to their end must have ended too. */
  abstract void checkEnd();

  abstract void closeSource();
}
