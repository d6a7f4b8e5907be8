package io.sluice.sequences.dataset;

import io.sluice.sequences.dataset.WindowContract.Calendar;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.zone.ZoneRules;
import java.util.List;

/**
 * Positions in the cycles of the calendar as a sine and a cosine each, by the clock on the wall of
 * a zone, daylight saving included.
 *
 * <p>With φ in [0, 1): hour of day φ = seconds since local midnight / 86,400; day of week φ = days
 * since Monday / 7; day of year φ = days since 1 January / length of the year; month φ = months
 * since January / 12. The inputs are sin 2πφ and cos 2πφ.
 */
final class CalendarCycles {
  private static final long MICROS_PER_SECOND = 1_000_000L;
  private static final double SECONDS_PER_DAY = 86_400;

  private final Calendar[] cycles;
  private final ZoneRules zone;

  CalendarCycles(TimeAxis axis, List<Calendar> cycles, String zone) {
    if (!cycles.isEmpty() && axis.type() == TimeAxis.Type.ORDINAL) {
      throw new IllegalArgumentException(
          "calendar inputs %s need time stamps, but time is ordinal".formatted(cycles));
    }
    this.cycles = cycles.toArray(Calendar[]::new);
    this.zone = cycles.isEmpty() ? ZoneOffset.UTC.getRules() : ZoneId.of(zone).getRules();
  }

  /**
   * Writes sine and cosine of each cycle at every step.
   *
   * @param times (N) ticks
   * @param steps (N, I), row-major
   * @param I row length
   * @param column first of the 2 × cycles columns to fill
   */
  void fill(long[] times, float[] steps, int I, int column) {
    if (cycles.length == 0) {
      return;
    }
    for (int n = 0; n < times.length; n++) {
      LocalDateTime local = local(times[n]);
      int at = n * I + column;
      for (Calendar cycle : cycles) {
        double angle = 2 * Math.PI * phase(cycle, local);
        steps[at++] = (float) Math.sin(angle);
        steps[at++] = (float) Math.cos(angle);
      }
    }
  }

  private LocalDateTime local(long micros) {
    long seconds = Math.floorDiv(micros, MICROS_PER_SECOND);
    int nanos = (int) Math.floorMod(micros, MICROS_PER_SECOND) * 1000;
    ZoneOffset offset = zone.getOffset(Instant.ofEpochSecond(seconds));
    return LocalDateTime.ofEpochSecond(seconds, nanos, offset);
  }

  private static double phase(Calendar cycle, LocalDateTime local) {
    return switch (cycle) {
      case HOUR_OF_DAY -> (local.toLocalTime().toNanoOfDay() / 1e9) / SECONDS_PER_DAY;
      case DAY_OF_WEEK -> (local.getDayOfWeek().getValue() - 1) / 7.0;
      case DAY_OF_YEAR -> (local.getDayOfYear() - 1.0) / local.toLocalDate().lengthOfYear();
      case MONTH -> (local.getMonthValue() - 1) / 12.0;
    };
  }
}
