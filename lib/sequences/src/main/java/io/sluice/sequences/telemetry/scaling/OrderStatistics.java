package io.sluice.sequences.telemetry.scaling;

import java.io.Serializable;
import java.util.TreeMap;

/**
 * Counts of values by a half of their bits: with two passes, the second over the values whose upper
 * half matches, any order statistic is found exactly.
 *
 * <p>A float's bits, with the sign turned, order as the floats do.
 */
final class OrderStatistics implements Serializable {
  private static final long serialVersionUID = 1L;

  /** Upper half of the ordered bits → count; or, of one upper half, lower half → count. */
  final TreeMap<Integer, Long> counts = new TreeMap<>();

  /** Bits whose unsigned order is the order of the values; −0 counts as 0. */
  static int orderedBits(float value) {
    int bits = Float.floatToIntBits(value + 0.0f);
    return bits < 0 ? ~bits : bits ^ Integer.MIN_VALUE;
  }

  static float value(int orderedBits) {
    return Float.intBitsToFloat(orderedBits < 0 ? orderedBits ^ Integer.MIN_VALUE : ~orderedBits);
  }

  /** Takes over counts from an array of 65,536. */
  OrderStatistics with(int[] byHalf) {
    for (int half = 0; half < byHalf.length; half++) {
      if (byHalf[half] != 0) {
        counts.merge(half, (long) byHalf[half], Long::sum);
      }
    }
    return this;
  }

  void merge(OrderStatistics other) {
    other.counts.forEach((half, n) -> counts.merge(half, n, Long::sum));
  }

  /** Which half holds the value of a rank, and the rank inside it. */
  long[] find(long rank) {
    long before = 0;
    for (var entry : counts.entrySet()) {
      if (rank < before + entry.getValue()) {
        return new long[] {entry.getKey(), rank - before};
      }
      before += entry.getValue();
    }
    throw new IllegalArgumentException("rank is %d, values are %d".formatted(rank, before));
  }
}
