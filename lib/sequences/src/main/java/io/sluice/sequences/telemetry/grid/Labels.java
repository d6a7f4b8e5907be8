package io.sluice.sequences.telemetry.grid;

import io.sluice.sequences.dataset.WindowContract.TargetType;
import io.sluice.sequences.telemetry.SequenceSettings.LabelAt;
import java.io.Serializable;
import java.util.Arrays;
import java.util.Map;

/**
 * Targets that are judged at an origin: a class, an event within a lead time, remaining life.
 *
 * <p>An origin's "now" is the end of its step, because the step's value holds readings up to there.
 * So an event in the origin's own step is no longer ahead.
 *
 * @param type kind of target
 * @param at class: which steps of the window decide
 * @param leadSteps event: steps of lead time
 * @param recoverySteps steps after an event whose origins are left out
 * @param cap remaining life: in steps
 * @param eventSteps steps of the events of each series, ascending; null without an events table
 * @param remainingAtEnd remaining life: steps left at a series' end; absent = its end is its death
 */
public record Labels(
    TargetType type,
    LabelAt at,
    int leadSteps,
    long recoverySteps,
    int cap,
    Map<String, long[]> eventSteps,
    Map<String, Long> remainingAtEnd)
    implements Serializable {
  private static final long[] NONE = {};

  /** No label: a forecast, or scoring. */
  public static Labels none() {
    return new Labels(TargetType.FORECAST, LabelAt.LAST, 0, 0, 0, null, Map.of());
  }

  boolean areWanted() {
    return type != TargetType.FORECAST;
  }

  long[] eventsOf(String series) {
    return eventSteps == null ? NONE : eventSteps.getOrDefault(series, NONE);
  }

  /**
   * Why an origin has no target, or null if it has one.
   *
   * @param events of the series
   */
  DropReason whyNot(SeriesRange range, long[] events, long origin) {
    int next = firstAfter(events, origin);
    if (next > 0 && origin - events[next - 1] <= recoverySteps) {
      return DropReason.AFTER_EVENT;
    }
    return switch (type) {
      case FORECAST, CLASS -> null;
      case EVENT ->
          (next < events.length && events[next] <= origin + leadSteps)
                  || origin + leadSteps <= range.lastStep()
              ? null
              : DropReason.CENSORED;
      case REMAINING_LIFE ->
          eventSteps == null || next < events.length || range.lastStep() - origin >= cap
              ? null
              : DropReason.CENSORED;
    };
  }

  /** The target at an origin that {@link #whyNot} lets pass; class targets are not asked. */
  float valueOf(SeriesRange range, long[] events, long origin) {
    int next = firstAfter(events, origin);
    if (type == TargetType.EVENT) {
      return next < events.length && events[next] <= origin + leadSteps ? 1 : 0;
    }
    long left =
        eventSteps == null
            ? range.lastStep() - origin + remainingAtEnd.getOrDefault(range.series(), 0L)
            : next < events.length ? events[next] - origin : cap;
    return Math.min(left, cap);
  }

  private static int firstAfter(long[] events, long origin) {
    int at = Arrays.binarySearch(events, origin + 1);
    return at >= 0 ? at : -at - 1;
  }

  /**
   * The class of a window.
   *
   * @param track (N), class index per step, NaN = unknown
   * @return NaN if it is not known
   */
  float classOf(double[] track, int origin, int lookBack, int[] votes) {
    switch (at) {
      case LAST:
        return (float) track[origin];
      case ANY:
        double highest = Double.NaN;
        for (int n = origin - lookBack + 1; n <= origin; n++) {
          if (!Double.isNaN(track[n]) && !(highest >= track[n])) {
            highest = track[n];
          }
        }
        return (float) highest;
      case MAJORITY:
        Arrays.fill(votes, 0);
        int best = -1;
        for (int n = origin - lookBack + 1; n <= origin; n++) {
          if (!Double.isNaN(track[n])) {
            votes[(int) track[n]]++;
          }
        }
        for (int v = 0; v < votes.length; v++) {
          if (votes[v] > 0 && (best < 0 || votes[v] >= votes[best])) {
            best = v; // a tie goes to the later class in order
          }
        }
        return best < 0 ? Float.NaN : best;
    }
    throw new IllegalStateException("no such place: " + at);
  }
}
