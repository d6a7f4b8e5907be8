package io.sluice.sequences.dataset;

import java.util.Random;

/**
 * Permutations that are a pure function of seed, epoch and a position in the reading order, by
 * {@link Random}, whose algorithm Java specifies.
 */
final class ShuffleOrder {
  private final long seed;
  private final int epoch;

  ShuffleOrder(long seed, int epoch) {
    this.seed = seed;
    this.epoch = epoch;
  }

  /**
   * The numbers 0 … n − 1 in a random order, by Fisher and Yates.
   *
   * @param position 0 for the parts, g for group g counted from 1
   */
  int[] permutation(int n, int position) {
    var random = new Random(mixed(mixed(mixed(seed) + epoch) + position));
    int[] order = new int[n];
    for (int i = 0; i < n; i++) {
      int j = random.nextInt(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    return order;
  }

  /**
   * Spreads neighbouring seeds over all 64 bits: the finaliser of SplitMix64 (Steele, Lea and
   * Flood, "Fast splittable pseudorandom number generators", 2014).
   */
  private static long mixed(long z) {
    z += 0x9e3779b97f4a7c15L;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}
