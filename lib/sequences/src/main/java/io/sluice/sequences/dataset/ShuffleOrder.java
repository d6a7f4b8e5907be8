package io.sluice.sequences.dataset;

import java.util.Random;

/**
 * Permutations of one shard in one epoch: a pure function of seed, epoch, shard and what is
 * permuted, by {@link Random}, whose algorithm Java specifies.
 */
public final class ShuffleOrder {
  private final long seed;
  private final int epoch;
  private final int shard;

  /** The permutations of a shard; where an order has no shards, of number 0. */
  public ShuffleOrder(long seed, int epoch, int shard) {
    this.seed = seed;
    this.epoch = epoch;
    this.shard = shard;
  }

  /**
   * The numbers 0 … n − 1 in a random order, by Fisher and Yates.
   *
   * @param position 0 for the pieces of parts, 1 for the groups, 2 + g for the windows of the group
   *     that comes g-th; any number that tells the permutations of another order apart
   */
  public int[] permutation(int n, int position) {
    var random = new Random(mixed(mixed(mixed(mixed(seed) + epoch) + shard) + position));
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
