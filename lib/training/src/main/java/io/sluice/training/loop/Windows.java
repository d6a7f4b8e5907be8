package io.sluice.training.loop;

import io.sluice.sequences.dataset.Dealing;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowContract;
import java.util.Iterator;

/** The windows of a dataset as training sees them. */
public interface Windows {

  /** Batches in one reused object; closed where they are not read to their end. */
  interface Batches extends Iterator<WindowBatch>, AutoCloseable {
    @Override
    void close();
  }

  /** The shards of a rank, for all epochs. */
  interface Shards extends AutoCloseable {
    /**
     * The rank's shares of an epoch's global batches from a step on, in an order that is a pure
     * function of the dataset, the dealing and the epoch. A share may be empty.
     */
    Batches epoch(int epoch, long fromStep);

    @Override
    void close();
  }

  WindowContract contract();

  /** Windows that the batches of a split hold together. */
  long count(Split split);

  /**
   * The shards of the train windows that a rank owns.
   *
   * @param memoryBytes that the rank may keep windows in
   */
  Shards shards(Dealing dealing, int rank, int ranks, long memoryBytes);

  /**
   * A rank's share of the batches of a split in the dataset's own order; each batch goes whole to
   * one rank.
   */
  Batches inOrder(Split split, int batchSize, int rank, int ranks);

  /** All batches of a split in the dataset's own order. */
  default Batches inOrder(Split split, int batchSize) {
    return inOrder(split, batchSize, 0, 1);
  }
}
