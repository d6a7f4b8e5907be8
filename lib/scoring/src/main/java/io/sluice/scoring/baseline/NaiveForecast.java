package io.sluice.scoring.baseline;

/**
 * Forecasts that repeat what was seen.
 *
 * <pre>
 * last value       ŷ(o + h) = y(newest known step ≤ o, at most look-back steps old)
 * seasonal naive   ŷ(o + h) = y(o + h − m·⌈h / m⌉), m steps a season
 * </pre>
 *
 * <p>o is the origin, h ≥ 1 the horizon step. Both use values up to the origin only. NaN where the
 * value is not known: it is not replaced by another, so the comparison says on how many values it
 * stands.
 *
 * <p><b>Source.</b> Hyndman and Athanasopoulos, "Forecasting: Principles and Practice", 3rd ed.,
 * section 5.2.
 */
public final class NaiveForecast {

  /** The newest value of channel k at or before the origin, at most {@code most} steps old. */
  public static float lastValue(SeriesValues history, int k, long origin, int most) {
    for (int age = 0; age < most; age++) {
      float value = history.at(k, origin - age);
      if (!Float.isNaN(value)) {
        return value;
      }
    }
    return Float.NaN;
  }

  /** The value one or more whole seasons before step {@code origin + h}. */
  public static float seasonal(SeriesValues history, int k, long origin, int h, int season) {
    int seasons = (h + season - 1) / season;
    return history.at(k, origin + h - (long) season * seasons);
  }

  private NaiveForecast() {}
}
