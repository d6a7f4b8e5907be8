package io.sluice.training.loop;

import io.sluice.recurrent.layer.StackedPass;
import io.sluice.sequences.dataset.Split;
import java.io.Serializable;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** The training objective on the validation split, without dropout. */
public final class ValidationLoss {
  private final ExampleSet examples;
  private final int batchSize;

  public ValidationLoss(ExampleSet examples, int batchSize) {
    this.examples = examples;
    this.batchSize = batchSize;
  }

  /** Loss over some examples. */
  public record Sum(double loss, long examples) implements Serializable {
    public Sum plus(Sum other) {
      return new Sum(loss + other.loss, examples + other.examples);
    }

    public double mean() {
      return loss / examples;
    }
  }

  /** The part of one of {@code ranks} that share the batches. */
  public Sum of(MultiLayerNetwork network, int rank, int ranks) {
    var sum = new Sum(0, 0);
    try (ExampleSet.Batches batches = examples.inOrder(Split.VALIDATION, batchSize, rank, ranks);
        StackedPass stacked = StackedPass.begin(network)) {
      while (batches.hasNext()) {
        ExampleBatch batch = batches.next();
        sum = sum.plus(new Sum(batch.loss(network) * batch.size(), batch.size()));
      }
    }
    return sum;
  }
}
