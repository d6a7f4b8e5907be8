package io.sluice.sequences.simulation;

import java.util.List;
import java.util.Random;

/**
 * What happens to readings between sensor and historian: irregular polling, a link that goes down
 * (two hours on average, six at most), single losses, bad quality, duplicates, late arrival (two
 * hours on average, twelve at most).
 *
 * <p>A scan draws the same number of random numbers whatever the settings, so that more of one
 * defect moves no other.
 */
final class Transport {
  /** Latest arrival after the reading: what a reader of the files must be ready to wait. */
  static final long MAX_LATE_MILLIS = 12 * 3_600_000L;

  private static final double HOUR_MILLIS = 3_600_000;
  private static final double MONTH_HOURS = 30 * 24;

  private final SimulationSettings.Defects settings;
  private final String unit;
  private final double[] rated;
  private final long intervalMillis;
  private final Random random;
  private long upAgainMillis = Long.MIN_VALUE;

  Transport(SimulationSettings settings, String unit, double[] rated, Random random) {
    this.settings = settings.defects();
    this.unit = unit;
    this.rated = rated;
    this.intervalMillis = settings.interval().toMillis();
    this.random = random;
  }

  /** Sends one scan; {@code values} are handed over. */
  Scan send(long nominalMillis, double[] values, List<PlantEvent> events) {
    double wander = Math.max(-3, Math.min(3, random.nextGaussian()));
    long time = nominalMillis + Math.round(settings.jitter() * intervalMillis * wander);
    long delay = 1000 + (long) (4000 * random.nextDouble());
    long lateness = (long) (exponential(2) * HOUR_MILLIS) + intervalMillis;
    boolean late = random.nextDouble() < settings.lateShare();
    long arrival = time + (late ? Math.min(MAX_LATE_MILLIS, delay + lateness) : delay);
    long copy = arrival + 1000 + (long) (60_000 * random.nextDouble());
    boolean lost = linkIsDown(nominalMillis);
    boolean rowTwice = random.nextDouble() < settings.duplicateShare();

    var states = new Scan.State[Channel.COUNT];
    var twice = new boolean[Channel.COUNT];
    for (int c = 0; c < Channel.COUNT; c++) {
      boolean missing = random.nextDouble() < settings.missingShare();
      boolean bad = random.nextDouble() < settings.badQualityShare();
      boolean full = random.nextBoolean();
      twice[c] = random.nextDouble() < settings.duplicateShare();
      states[c] = missing ? Scan.State.MISSING : bad ? Scan.State.BAD : Scan.State.GOOD;
      if (states[c] == Scan.State.BAD) {
        values[c] =
            full
                ? Channel.values()[c].transmitted(2 * rated[c])
                : 0; // a broken loop reads an end of its scale
      }
    }
    return new Scan(
        unit, nominalMillis, time, arrival, copy, lost, values, states, twice, rowTwice, events);
  }

  private boolean linkIsDown(long nominalMillis) {
    double chance =
        1 - Math.exp(-settings.gapsPerMonth() * intervalMillis / HOUR_MILLIS / MONTH_HOURS);
    boolean breaks = random.nextDouble() < chance;
    long length = (long) (Math.min(6, exponential(2)) * HOUR_MILLIS);
    if (breaks && nominalMillis >= upAgainMillis) {
      upAgainMillis = nominalMillis + Math.max(intervalMillis, length);
    }
    return nominalMillis < upAgainMillis;
  }

  private double exponential(double mean) {
    return -mean * Math.log(1 - random.nextDouble());
  }
}
