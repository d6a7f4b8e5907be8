package io.sluice.recurrent.dropout;

/** What tells the examples of a run apart. */
public final class ExampleKeys {
  private ExampleKeys() {}

  /**
   * Keys of neighbours in the order of an epoch.
   *
   * @param seed of the run
   * @param epoch from 0
   * @param first place of the first in the epoch's order, over all ranks
   * @param count of them
   */
  public static long[] of(long seed, int epoch, long first, int count) {
    long[] keys = new long[count];
    long run = KeepBits.key(seed, epoch);
    for (int k = 0; k < count; k++) {
      keys[k] = KeepBits.key(run, first + k);
    }
    return keys;
  }
}
