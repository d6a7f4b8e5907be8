package io.sluice.training.loop;

import io.sluice.failure.OperationFailedException;
import io.sluice.recurrent.optim.ParameterHash;
import io.sluice.training.allreduce.AllReduce;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** Whether ranks that should have the same parameters have. */
public final class Agreement {
  private Agreement() {}

  /**
   * Refuses to go on if they have not, on all ranks.
   *
   * @param ranks that should have the same
   * @param step steps finished
   */
  public static void require(AllReduce ranks, MultiLayerNetwork network, long step) {
    long hash = ParameterHash.of(network.params());
    // halves of a hash are exact as float64, and so is the sum of ranks of them
    double high = hash >>> 32;
    double low = hash & 0xFFFFFFFFL;
    double[] sums = sums(ranks, high, low);
    int count = ranks.ranks();
    if (sums[0] != high * count || sums[1] != low * count) {
      throw new OperationFailedException(
          "The ranks' parameters differ after step %d, seen on rank %d of %d: an executor computes something else than the others. Look for executors with other hardware, other native libraries or failing memory; run again to go on from the last checkpoint."
              .formatted(step, ranks.rank(), count));
    }
  }

  /** Over ranks; an interrupt ends the run. */
  public static double[] sums(AllReduce ranks, double... numbers) {
    try {
      return ranks.sum(numbers);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while waiting for other ranks", e);
    }
  }
}
