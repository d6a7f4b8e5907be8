package io.sluice.training.loop;

import io.sluice.recurrent.layer.CarriedStates;
import io.sluice.recurrent.layer.KernelMemory;
import io.sluice.recurrent.layer.StackedPass;
import io.sluice.sequences.dataset.Split;
import java.io.Serializable;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/**
 * The training objective on the validation split, without dropout.
 *
 * <p>A forward pass is no larger than one of training: what a process has room for there is enough
 * here.
 */
public final class ValidationLoss {
  /** Time steps of a forward pass, filling included. */
  private static final int MOST_STEPS = 1 << 16;

  /** Those of one that is small anyway. */
  private static final int LEAST_STEPS = 1 << 10;

  private final ExampleSet examples;
  private final RunPlan plan;

  public ValidationLoss(ExampleSet examples, RunPlan plan) {
    this.examples = examples;
    this.plan = plan;
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
   * The part of one of {@code ranks} that share the batches: threads, where a process has several.
   *
   * @param network forgets passes that it kept for their way back, and afterwards these
   */
  public Sum of(MultiLayerNetwork network, int rank, int ranks) {
    var sum = new Sum(0, 0);
    KernelMemory.forgetPasses(network);
    int batchSize = plan.steps().batchSize();
    long mostSteps = mostSteps(batchSize, ranks);
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
                new Sum(
                    states == null
                        ? batch.loss(network, mostSteps) * batch.ownTargets()
                        : loss(batch, network, states) * batch.ownTargets(),
                    batch.ownTargets()));
      }
    }
    KernelMemory.forgetPasses(network);
    return sum;
  }

  /** Of a thread's micro-batch in training, within limits. */
  private long mostSteps(int batchSize, int ranks) {
    long pieces = (long) ranks * plan.microBatches();
    long examples = (batchSize + pieces - 1) / pieces;
    return Math.min(MOST_STEPS, Math.max(LEAST_STEPS, examples * plan.spec().lookBack()));
  }

  /** A rank has its own streams alone, and their states go with all of them. */
  private static double loss(ExampleBatch batch, MultiLayerNetwork network, CarriedStates states) {
    try (CarriedStates.Bound carried = states.bind(network)) {
      return batch.loss(network, Long.MAX_VALUE);
    } finally {
      states.advance();
    }
  }
}
