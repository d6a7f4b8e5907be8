package io.sluice.training;

import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowContract;
import java.util.Iterator;

/** The windows of a dataset as training sees them. */
interface Windows {

  /** Batches in one reused object; closed where they are not read to their end. */
  interface Batches extends Iterator<WindowBatch>, AutoCloseable {
    @Override
    void close();
  }

  WindowContract contract();

  /** Windows that the batches of a split hold together. */
  long count(Split split);

  /**
   * One reader's share of the train batches, those with number ≡ {@code reader} modulo {@code
   * readers}, in an order that is a pure function of the dataset, {@code seed} and {@code epoch};
   * only the very last batch may have fewer than {@code batchSize} windows.
   */
  Batches shuffled(int batchSize, long seed, int epoch, int reader, int readers);

  /** Batches of a split in the dataset's own order. */
  Batches inOrder(Split split, int batchSize);
}
