package io.sluice.training;

import java.util.SplittableRandom;

/** Seeds of dropout, one a step and worker. */
final class DropoutSeed {
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private DropoutSeed() {}

  /** Well mixed even where seeds and positions are small neighbours. */
  static long of(long seed, long position) {
    return new SplittableRandom(seed ^ (GOLDEN * (position + 1))).nextLong();
  }
}
