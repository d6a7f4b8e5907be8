package io.sluice.training.loop;

import io.sluice.sequences.dataset.Dealing;
import io.sluice.sequences.dataset.Split;
import java.util.Iterator;

/** The examples of a dataset as training sees them: windows of series, texts, or parts of one. */
public interface ExampleSet {

  /**
   * Whether the examples of a batch go on where those of the batch before ended, in the same order:
   * then recurrent states are carried over, and all batches of a rank have as many examples. An
   * epoch, and a pass over a split, begins with states of zero.
   */
  default boolean carriesStates() {
    return false;
  }

  /** Batches; closed where they are not read to their end. */
  interface Batches extends Iterator<ExampleBatch>, AutoCloseable {
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

  /**
   * The shards of the train split that a rank owns.
   *
   * @param memoryBytes that the rank may keep examples in
   */
  Shards shards(Dealing dealing, int rank, int ranks, long memoryBytes);

  /**
   * A rank's share of the batches of a split in the dataset's own order; each batch goes whole to
   * one rank. Of examples that carry states a rank has some, in all batches.
   */
  Batches inOrder(Split split, int batchSize, int rank, int ranks);
}
