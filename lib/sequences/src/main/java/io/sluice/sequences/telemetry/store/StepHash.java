package io.sluice.sequences.telemetry.store;

import io.sluice.sequences.dataset.Segment;

/** A hash of rows that does not depend on their order: the sum of one hash a row. */
final class StepHash {
  // SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014
  private static final long GAMMA = 0x9E3779B97F4A7C15L;

  private long sum;
  private long seed;

  void start(Segment segment) {
    seed = 0;
    for (int i = 0; i < segment.series().length(); i++) {
      seed = mix(seed + segment.series().charAt(i));
    }
    seed = mix(seed + segment.id());
  }

  void add(Segment segment, int n, boolean isOrigin) {
    long hash = mix(seed + segment.times()[n] * 2 + (isOrigin ? 1 : 0));
    for (float[] channel : segment.values()) {
      hash = hash * GAMMA + Float.floatToIntBits(channel[n]);
    }
    if (segment.ages() != null) {
      for (short[] age : segment.ages()) {
        hash = hash * GAMMA + (age == null ? 0 : age[n]);
      }
    }
    if (segment.label() != null) {
      hash = hash * GAMMA + Float.floatToIntBits(segment.label()[n]);
    }
    sum += mix(hash);
  }

  String toHex() {
    return "%016x".formatted(sum);
  }

  private static long mix(long z) {
    long x = z + GAMMA;
    x = (x ^ (x >>> 30)) * 0xBF58476D1CE4E5B9L;
    x = (x ^ (x >>> 27)) * 0x94D049BB133111EBL;
    return x ^ (x >>> 31);
  }
}
