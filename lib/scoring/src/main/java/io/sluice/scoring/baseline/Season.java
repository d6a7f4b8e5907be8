package io.sluice.scoring.baseline;

import io.sluice.sequences.dataset.TimeAxis;
import java.util.OptionalInt;

/** Days and weeks in steps of a grid. */
public final class Season {
  private static final long DAY_MICROS = 86_400_000_000L;

  /** Steps in a day; empty for ordinal time and for a grid that a day is no multiple of. */
  public static OptionalInt daily(TimeAxis time) {
    return steps(time, DAY_MICROS);
  }

  /** Steps in a week; empty for ordinal time and for a grid that a week is no multiple of. */
  public static OptionalInt weekly(TimeAxis time) {
    return steps(time, 7 * DAY_MICROS);
  }

  private static OptionalInt steps(TimeAxis time, long micros) {
    boolean fits =
        time.type() == TimeAxis.Type.TIMESTAMP
            && micros % time.stepTicks() == 0
            && micros > time.stepTicks()
            && micros / time.stepTicks() <= Integer.MAX_VALUE;
    return fits ? OptionalInt.of((int) (micros / time.stepTicks())) : OptionalInt.empty();
  }

  private Season() {}
}
