package io.sluice.training.loop;

import io.sluice.recurrent.layer.CarriedStates;
import io.sluice.recurrent.layer.KernelMemory;
import io.sluice.recurrent.layer.StackedPass;
import io.sluice.recurrent.optim.MicroBatches;
import io.sluice.sequences.dataset.Split;
import java.io.Serializable;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** The training objective on the validation split, without dropout. */
public final class ValidationLoss {
  private final ExampleSet examples;
  private final int batchSize;
  private final MicroBatches cut;
  private final int threads;

  /** Takes no more examples at once than a step of the plan does. */
  public ValidationLoss(ExampleSet examples, RunPlan plan) {
    this.examples = examples;
    this.batchSize = plan.steps().batchSize();
    this.cut = plan.cut();
    this.threads = plan.threads();
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

  /**
   * The part of one of {@code ranks} that share the batches.
   *
   * @param network forgets passes that it kept for their way back
   */
  public Sum of(MultiLayerNetwork network, int rank, int ranks) {
    var sum = new Sum(0, 0);
    KernelMemory.forgetPasses(network);
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

  private double loss(ExampleBatch batch, MultiLayerNetwork network, CarriedStates states) {
    if (states == null) {
      return batch.loss(network, cut, threads);
    }
    try (CarriedStates.Bound carried = states.bind(network)) {
      return batch.loss(network, cut, threads);
    } finally {
      states.advance();
    }
  }
}
