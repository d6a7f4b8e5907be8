package io.sluice.training.loop;

import io.sluice.recurrent.layer.CarriedStates;
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

  /** Loss over some targets: one an example, or a stream's tokens. */
  public record Sum(double loss, long targets) implements Serializable {
    public Sum plus(Sum other) {
      return new Sum(loss + other.loss, targets + other.targets);
    }

    public double mean() {
      return loss / targets;
    }
  }

  /** The part of one of {@code ranks} that share the batches. */
  public Sum of(MultiLayerNetwork network, int rank, int ranks) {
    var sum = new Sum(0, 0);
    try (ExampleSet.Batches batches = examples.inOrder(Split.VALIDATION, batchSize, rank, ranks);
        StackedPass stacked = StackedPass.begin(network)) {
      CarriedStates states = null;
      while (batches.hasNext()) {
        ExampleBatch batch = batches.next();
        if (batch.size() == 0) {
          continue;
        }
        if (examples.carriesStates() && states == null) {
          states = CarriedStates.zeros(network, batch.size());
        }
        sum =
            sum.plus(
                new Sum(loss(batch, network, states) * batch.ownTargets(), batch.ownTargets()));
      }
    }
    return sum;
  }

  private static double loss(ExampleBatch batch, MultiLayerNetwork network, CarriedStates states) {
    if (states == null) {
      return batch.loss(network);
    }
    try (CarriedStates.Bound carried = states.bind(network)) {
      return batch.loss(network);
    } finally {
      states.advance();
    }
  }
}
