package io.sluice.training.loop;

import io.sluice.recurrent.layer.StackedPass;
import io.sluice.scoring.bundle.BatchArrays;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowBatch;
import java.io.Serializable;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** The training objective on the validation windows, without dropout. */
public final class ValidationLoss {
  private final Windows windows;
  private final BatchArrays arrays;
  private final int batchSize;

  public ValidationLoss(Windows windows, BatchArrays arrays, int batchSize) {
    this.windows = windows;
    this.arrays = arrays;
    this.batchSize = batchSize;
  }

  /** Loss over some windows. */
  public record Sum(double loss, long windows) implements Serializable {
    public Sum plus(Sum other) {
      return new Sum(loss + other.loss, windows + other.windows);
    }

    public double mean() {
      return loss / windows;
    }
  }

  /** The part of one of {@code ranks} that share the batches. */
  public Sum of(MultiLayerNetwork network, int rank, int ranks) {
    var sum = new Sum(0, 0);
    try (Windows.Batches batches = windows.inOrder(Split.VALIDATION, batchSize, rank, ranks);
        StackedPass stacked = StackedPass.begin(network)) {
      while (batches.hasNext()) {
        WindowBatch batch = batches.next();
        double loss = network.score(arrays.dataSet(batch), false);
        sum = sum.plus(new Sum(loss * batch.size(), batch.size()));
      }
    }
    return sum;
  }
}
