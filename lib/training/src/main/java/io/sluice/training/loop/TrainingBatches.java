package io.sluice.training.loop;

import io.sluice.recurrent.dropout.ExampleKeys;
import io.sluice.recurrent.optim.Batch;
import io.sluice.scoring.bundle.BatchArrays;
import io.sluice.sequences.dataset.WindowBatch;
import org.nd4j.linalg.dataset.DataSet;

/** Windows as a training step takes them, each with the key that its dropout follows from. */
public final class TrainingBatches {
  private final BatchArrays arrays;
  private final long seed;

  public TrainingBatches(BatchArrays arrays, long seed) {
    this.arrays = arrays;
    this.seed = seed;
  }

  /**
   * @param windows a rank's part of a batch, which may be none
   * @param epoch from 0
   */
  public Batch of(WindowBatch windows, int epoch) {
    if (windows.size() == 0) {
      return Batch.empty();
    }
    var keys = new long[windows.size()];
    for (int b = 0; b < keys.length; b++) {
      keys[b] = ExampleKeys.of(seed, epoch, windows.position(b));
    }
    DataSet data = arrays.dataSet(windows);
    return new Batch(data.getFeatures(), data.getLabels(), data.getLabelsMaskArray(), keys);
  }
}
