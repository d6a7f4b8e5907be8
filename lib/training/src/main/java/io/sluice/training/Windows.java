package io.sluice.training;

import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowContract;
import java.util.Iterator;

/** The windows of a dataset as training sees them; batches are reused from call to call. */
interface Windows {
  WindowContract contract();

  /** Windows of a split. */
  long count(Split split);

  /**
   * Train batches in an order that is a pure function of the dataset, {@code seed} and {@code
   * epoch}; only the last may have fewer than {@code batchSize} windows.
   */
  Iterator<WindowBatch> shuffled(int batchSize, long seed, int epoch);

  /** Batches of a split in the dataset's own order. */
  Iterator<WindowBatch> inOrder(Split split, int batchSize);
}
