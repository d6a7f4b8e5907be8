package io.sluice.sequences.simulation;

/**
 * What all units of the plant share: its load and the weather, t in hours UTC.
 *
 * <pre>{@code
 * daily      D(h) = 0.85 sin(2π(h − 9)/24) + 0.30 sin(4π(h − 7)/24)
 * weekly     W = 1 from Saturday 04:00 to Sunday 20:00, else 0; four-hour ramps on both sides
 * load       L = 0.80 (1 + 0.15 D) (1 − 0.18 W) + x,   in [0.35, 1.10]
 *            x Ornstein-Uhlenbeck, σ 0.055, τ 30 h
 * ambient    T = 11 − 9 cos(2π(day − 20)/365.25) + 4 sin(2π(h − 9)/24) + z °C
 *            z Ornstein-Uhlenbeck, σ 2.5 °C, τ 72 h
 * }</pre>
 *
 * Every unit runs its own copy from the same stream, so that units need not share a partition.
 */
final class Plant {
  private static final double HOUR_MILLIS = 3_600_000;

  private final OrnsteinUhlenbeck slowLoad;
  private final OrnsteinUhlenbeck weather;
  private double load;
  private double ambient;

  Plant(long seed) {
    var random = Streams.PLANT.of(seed, Streams.WHOLE_PLANT);
    slowLoad = new OrnsteinUhlenbeck(0.055, 30, random);
    weather = new OrnsteinUhlenbeck(2.5, 72, random);
  }

  /** Moves to a time, {@code hours} after the last call. */
  void advance(long timeMillis, double hours) {
    double t = timeMillis / HOUR_MILLIS;
    double hour = t - 24 * Math.floor(t / 24);
    double daily =
        0.85 * Math.sin(2 * Math.PI * (hour - 9) / 24)
            + 0.30 * Math.sin(4 * Math.PI * (hour - 7) / 24);
    double periodic = 0.80 * (1 + 0.15 * daily) * (1 - 0.18 * weekend(t));
    load = Math.max(0.35, Math.min(1.10, periodic + slowLoad.advance(hours)));
    double day = t / 24 % 365.25;
    ambient =
        11
            - 9 * Math.cos(2 * Math.PI * (day - 20) / 365.25)
            + 4 * Math.sin(2 * Math.PI * (hour - 9) / 24)
            + weather.advance(hours);
  }

  /** Share of rated load that the process asks of a unit at a set point of 100 %. */
  double load() {
    return load;
  }

  /** °C. */
  double ambient() {
    return ambient;
  }

  private static double weekend(double hours) {
    // 1970-01-01 was a Thursday, so a Saturday begins 48 h later
    double sinceSaturday = (hours - 48) - 168 * Math.floor((hours - 48) / 168);
    if (sinceSaturday >= 48) {
      return 0;
    }
    return Math.min(1, Math.min(sinceSaturday, 48 - sinceSaturday) / 4);
  }
}
