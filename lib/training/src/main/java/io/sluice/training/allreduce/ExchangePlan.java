package io.sluice.training.allreduce;

import java.util.ArrayList;
import java.util.List;

/**
 * Who sends what to whom when a short array is summed, in log₂ R rounds or twice that.
 *
 * <p>P is the largest power of two up to R. Rank r ≥ P first gives its array to rank r−P and gets
 * the sum from it at the end. Among the P ranks, partners differ in one bit of their rank:
 *
 * <ul>
 *   <li>few numbers, recursive doubling: partners swap all they have and both add. Addition
 *       commutes, so both have the same bits, and after log₂ P rounds all have.
 *   <li>more, recursive halving and doubling: partners swap halves of what they still sum, and each
 *       adds one; after log₂ P rounds each rank has the sum of 1/P of the array. Going back, they
 *       swap what they have summed. Twice the rounds, but 2(P−1)/P·n numbers in place of n·log₂ P.
 * </ul>
 *
 * <p><b>Source.</b> Thakur, Rabenseifner and Gropp, "Optimization of collective communication
 * operations in MPICH", International Journal of High Performance Computing Applications 19(1),
 * 2005.
 */
final class ExchangePlan {
  /** Arrays up to this many bytes are swapped whole. */
  static final int DOUBLING_BYTES = 4096;

  /** Numbers [from, to). */
  record Range(int from, int to) {}

  /**
   * One message to a partner, or from it, or both.
   *
   * @param tag the same on both sides; grows
   * @param send null for no message; may be empty
   * @param take null for no message; may be empty
   * @param adds whether what is taken is added; else it replaces
   */
  record Step(int tag, int partner, Range send, Range take, boolean adds) {}

  private ExchangePlan() {}

  /** The ranks that a rank exchanges messages with, whatever the array. */
  static List<Integer> partners(int rank, int ranks) {
    return steps(rank, ranks, 0, true).stream().map(Step::partner).distinct().toList();
  }

  /** Tags are lower than this. */
  static int tags(int ranks) {
    return 2 * rounds(ranks) + 2;
  }

  static List<Step> steps(int rank, int ranks, int count, boolean whole) {
    int rounds = rounds(ranks);
    int power = 1 << rounds;
    int lastTag = tags(ranks) - 1;
    var all = new Range(0, count);
    if (rank >= power) {
      return List.of(
          new Step(0, rank - power, all, null, false),
          new Step(lastTag, rank - power, null, all, false));
    }
    var steps = new ArrayList<Step>();
    if (rank + power < ranks) {
      steps.add(new Step(0, rank + power, null, all, true));
    }
    if (whole) {
      for (int round = 0; round < rounds; round++) {
        steps.add(new Step(1 + round, rank ^ 1 << round, all, all, true));
      }
    } else {
      addHalving(steps, rank, rounds, all);
    }
    if (rank + power < ranks) {
      steps.add(new Step(lastTag, rank + power, all, null, false));
    }
    return steps;
  }

  private static void addHalving(List<Step> steps, int rank, int rounds, Range all) {
    var back = new ArrayList<Step>();
    Range range = all;
    for (int round = 0; round < rounds; round++) {
      int bit = 1 << (rounds - 1 - round);
      int middle = range.from + (range.to - range.from) / 2;
      var lower = new Range(range.from, middle);
      var upper = new Range(middle, range.to);
      Range kept = (rank & bit) == 0 ? lower : upper;
      Range given = kept == lower ? upper : lower;
      steps.add(new Step(1 + round, rank ^ bit, given, kept, true));
      back.add(0, new Step(2 * rounds - round, rank ^ bit, kept, given, false));
      range = kept;
    }
    steps.addAll(back);
  }

  private static int rounds(int ranks) {
    return 31 - Integer.numberOfLeadingZeros(ranks);
  }
}
