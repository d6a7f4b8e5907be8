package io.sluice.sequences.simulation;

import java.util.Random;

/**
 * The eight transmitters of a unit: {@code reading = truth + bias + noise}, clamped and rounded.
 *
 * <p>The bias of each walks randomly (drift) until the next calibration, at a repair or a planned
 * stop, sets it to zero. Some sensors freeze once, for one to four days: they repeat the last
 * reading and the historian calls it good.
 */
final class Sensors {
  private static final double DAY_HOURS = 24;

  private final SimulationSettings.Defects settings;
  private final double[] rated;
  private final Random random;
  private final double[] bias = new double[Channel.COUNT];
  private final double[] last = new double[Channel.COUNT];
  private final double[] freezesAtHour = new double[Channel.COUNT];
  private final double[] thawsAtHour = new double[Channel.COUNT];
  private double clock;
  private boolean started;

  Sensors(SimulationSettings settings, double[] rated, Random random) {
    this.settings = settings.defects();
    this.rated = rated;
    this.random = random;
    for (Channel channel : Channel.values()) {
      int c = channel.ordinal();
      boolean dead =
          random.nextDouble() < this.settings.deadSensorShare() && channel != Channel.SET_POINT;
      freezesAtHour[c] = settings.days() * DAY_HOURS * random.nextDouble();
      thawsAtHour[c] = freezesAtHour[c] + DAY_HOURS * (1 + 3 * random.nextDouble());
      if (!dead) {
        freezesAtHour[c] = Double.POSITIVE_INFINITY;
      }
    }
  }

  /** One reading of every channel, {@code hours} after the last one. */
  double[] read(double[] truth, double hours, boolean calibrated) {
    clock += hours;
    double rootDays = Math.sqrt(hours / DAY_HOURS);
    var readings = new double[Channel.COUNT];
    for (Channel channel : Channel.values()) {
      int c = channel.ordinal();
      // both are drawn whatever the settings, so that no setting shifts the stream
      double walk = random.nextGaussian();
      double noise = random.nextGaussian();
      bias[c] =
          calibrated
              ? 0
              : bias[c] + settings.drift() * channel.driftPerDay(rated[c]) * rootDays * walk;
      boolean frozen = clock >= freezesAtHour[c] && clock < thawsAtHour[c];
      if (!frozen || !started) {
        last[c] =
            channel.transmitted(
                truth[c] + bias[c] + settings.noise() * channel.noise(rated[c]) * noise);
      }
      readings[c] = last[c];
    }
    started = true;
    return readings;
  }
}
