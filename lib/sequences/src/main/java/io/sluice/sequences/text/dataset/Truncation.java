package io.sluice.sequences.text.dataset;

import io.sluice.sequences.dataset.ShuffleOrder;
import java.io.Serializable;
import java.util.Arrays;
import java.util.Random;

/**
 * Where backpropagation through a stream is cut: how many tokens each step takes.
 *
 * <p>Varied lengths (AWD-LSTM: Merity, Keskar and Socher, "Regularizing and Optimizing LSTM
 * Language Models", 2017, section 5) let other tokens be the first and last of a step in each
 * epoch:
 *
 * <pre>{@code
 * base   = T with probability 0.95, else T/2
 * length ~ N(base, 5), rounded, at least 5 (T where that is less), at most T + 20
 * }</pre>
 *
 * <p>There they are drawn anew as an epoch goes on, so that epochs differ in their number of steps.
 * Here they are drawn once, from the seed, until they cover the stream, and come in another random
 * order in each epoch: the number of steps is known, and any step of any epoch can be found.
 *
 * @param timeSteps T, of each step, or about so many
 * @param varied whether lengths are drawn
 * @param seed of lengths and their order; no part where they are all alike
 */
public record Truncation(int timeSteps, boolean varied, long seed) implements Serializable {
  private static final double DEVIATION = 5;
  private static final int LEAST = 5;
  private static final int MOST_BEYOND = 20;
  private static final double WHOLE_BASE = 0.95;

  public Truncation {
    if (timeSteps < 1) {
      throw new IllegalArgumentException(
          "timeSteps is %d, expected at least 1".formatted(timeSteps));
    }
  }

  /** T tokens a step; the last of an epoch may have fewer. */
  public static Truncation every(int timeSteps) {
    return new Truncation(timeSteps, false, 0);
  }

  /** Tokens that no step exceeds. */
  public int longest() {
    return varied ? Math.addExact(timeSteps, MOST_BEYOND) : timeSteps;
  }

  /**
   * Steps of every epoch over a stream.
   *
   * @param targets tokens of it that are predicted
   */
  public long steps(long targets) {
    return over(targets).steps();
  }

  /**
   * The cuts of all epochs over a stream.
   *
   * @param targets tokens of it that are predicted
   */
  Cuts over(long targets) {
    if (!varied) {
      return new Cuts(targets, null);
    }
    var random = new Random(seed);
    int least = Math.min(LEAST, timeSteps);
    int[] lengths = new int[16];
    int count = 0;
    for (long left = targets; left > 0; left -= lengths[count++]) {
      double base = random.nextDouble() < WHOLE_BASE ? timeSteps : timeSteps / 2.0;
      long length = Math.round(base + DEVIATION * random.nextGaussian());
      if (count == lengths.length) {
        lengths = Arrays.copyOf(lengths, 2 * count);
      }
      lengths[count] = (int) Math.min(left, Math.max(least, Math.min(longest(), length)));
    }
    return new Cuts(targets, Arrays.copyOf(lengths, count));
  }

  /** Cuts of a stream of known length. */
  final class Cuts {
    private final long targets;
    private final int[] lengths; // in the order in which they were drawn; null where all are T

    private Cuts(long targets, int[] lengths) {
      this.targets = targets;
      this.lengths = lengths;
    }

    /** Steps of every epoch. */
    long steps() {
      return lengths == null ? (targets + timeSteps - 1) / timeSteps : lengths.length;
    }

    /** (steps + 1) first token of each step of an epoch, and the end; null where all take T. */
    long[] starts(int epoch) {
      if (lengths == null) {
        return null;
      }
      int[] order = new ShuffleOrder(seed, epoch, 0).permutation(lengths.length, 0);
      var starts = new long[lengths.length + 1];
      for (int step = 0; step < lengths.length; step++) {
        starts[step + 1] = starts[step] + lengths[order[step]];
      }
      return starts;
    }

    /** First token of a step, or the end. */
    long start(long[] starts, long step) {
      return starts == null ? Math.min(targets, step * timeSteps) : starts[(int) step];
    }
  }
}
