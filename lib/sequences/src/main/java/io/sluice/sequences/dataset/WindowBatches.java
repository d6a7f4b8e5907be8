package io.sluice.sequences.dataset;

import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * Batches of windows, one after the other, in one reused object: what {@link #next} returned is
 * overwritten by the next call. Close it unless it was read to its end.
 */
public abstract sealed class WindowBatches implements Iterator<WindowBatch>, AutoCloseable
    permits OrderedBatches, ShuffledBatches {
  final WindowEncoder encoder;
  private final WindowBatch batch;
  private final int batchSize;
  private final long windows;
  private long emitted;
  private boolean closed;

  /**
   * @param windows all windows that will come
   */
  WindowBatches(WindowEncoder encoder, int batchSize, long windows) {
    this.encoder = encoder;
    this.batchSize = batchSize;
    this.windows = windows;
    this.batch = encoder.newBatch((int) Math.max(1, Math.min(batchSize, windows)));
  }

  @Override
  public final boolean hasNext() {
    if (emitted < windows) {
      return !closed;
    }
    if (!closed) {
      checkEnd();
      close();
    }
    return false;
  }

  @Override
  public final WindowBatch next() {
    if (!hasNext()) {
      throw new NoSuchElementException("no more batches");
    }
    int size = (int) Math.min(batchSize, windows - emitted);
    encoder.begin(batch, size);
    fill(batch, size);
    emitted += size;
    return batch;
  }

  @Override
  public final void close() {
    if (!closed) {
      closed = true;
      closeSource();
    }
  }

  /** Encodes the next {@code size} windows. */
  abstract void fill(WindowBatch target, int size);

  /** Called after the last window: the files must have ended too. */
  abstract void checkEnd();

  abstract void closeSource();
}
