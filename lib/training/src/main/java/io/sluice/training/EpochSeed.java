package io.sluice.training;

import java.util.SplittableRandom;

/** Seeds of dropout: one an epoch in one process, one a step and worker among many. */
final class EpochSeed {
  private EpochSeed() {}

  /** Well-mixed even where seeds and epochs are small neighbours. */
  static long of(long seed, long position) {
    return new SplittableRandom(seed ^ (0x9E3779B97F4A7C15L * (position + 1))).nextLong();
  }
}
