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
    for (int k = 0; k < count; k++) {
      keys[k] = of(seed, epoch, first + k);
    }
    return keys;
  }

  /**
   * The key of one example.
   *
   * @param place in the epoch's order, over all ranks
   */
  public static long of(long seed, int epoch, long place) {
    return KeepBits.key(KeepBits.key(seed, epoch), place);
  }
}
