package io.sluice.sequences.simulation;

import java.util.Random;

/**
 * Independent random streams, each a function of (seed, unit, purpose) alone: no partition, no
 * order of generation and no setting of another purpose changes what a stream gives.
 *
 * <p>{@link Random}, because its algorithm is specified and the same in every Java.
 */
enum Streams {
  /** Load and weather, common to all units. */
  PLANT,
  /** Sizes of a machine. */
  PARAMETERS,
  /** Set points, wear, repairs. */
  OPERATION,
  /** Noise, drift and frozen sensors. */
  SENSORS,
  /** Everything that happens to a reading on its way. */
  TRANSPORT;

  /** The plant as a whole, in the place of a unit number. */
  static final long WHOLE_PLANT = -1;

  Random of(long seed, long unit) {
    return new Random(mix(mix(mix(seed) + unit) + ordinal()));
  }

  /**
   * Finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators).
   */
  private static long mix(long value) {
    long z = value + 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
