package io.sluice.sequences.dataset;

import java.io.Serializable;
import java.util.Arrays;

/**
 * A run of consecutive time steps of one series on the resampling grid, from which overlapping
 * windows are cut. Neighbouring segments share look-back + horizon − 1 steps, so each window lies
 * whole in one segment and belongs to one only.
 *
 * <p><b>Shapes.</b> N steps, C channels; {@code times[n]} in the ticks of {@link TimeAxis}, {@code
 * values[c][n]} in the channel's own unit with NaN for "missing", {@code ages[c][n]} steps since
 * the last observation (0 = observed here), null where the contract asks for neither masks nor time
 * since last. {@code origins} are the indices n of the last look-back step of each window that
 * belongs to this segment, ascending; {@code label[n]} is the target at an origin for class, event
 * and remaining-life targets (NaN where it is not known), null for forecasts.
 *
 * <p>Arrays are shared, not copied: a reader hands over its own and forgets them.
 */
public record Segment(
    String series,
    long id,
    long[] times,
    float[][] values,
    short[][] ages,
    float[] label,
    int[] origins)
    implements Serializable {

  /** N, time steps held. */
  public int steps() {
    return times.length;
  }

  /** Windows that belong to this segment. */
  public int windows() {
    return origins.length;
  }

  /** Some of the steps, with origins counted from the first of them. */
  Segment slice(int offset, int count, int[] newOrigins) {
    if (offset == 0 && count == steps()) {
      return withOrigins(newOrigins);
    }
    int end = offset + count;
    float[][] cutValues = new float[values.length][];
    short[][] cutAges = ages == null ? null : new short[ages.length][];
    for (int channel = 0; channel < values.length; channel++) {
      cutValues[channel] = Arrays.copyOfRange(values[channel], offset, end);
      if (ages != null && ages[channel] != null) {
        cutAges[channel] = Arrays.copyOfRange(ages[channel], offset, end);
      }
    }
    return new Segment(
        series,
        id,
        Arrays.copyOfRange(times, offset, end),
        cutValues,
        cutAges,
        label == null ? null : Arrays.copyOfRange(label, offset, end),
        newOrigins);
  }

  /** The same steps with other origins. */
  Segment withOrigins(int[] newOrigins) {
    return newOrigins == origins
        ? this
        : new Segment(series, id, times, values, ages, label, newOrigins);
  }

  @Override
  public String toString() {
    return "Segment[%s #%d, %d steps, %d windows, %s]"
        .formatted(
            series,
            id,
            steps(),
            windows(),
            times.length == 0
                ? ""
                : Arrays.toString(new long[] {times[0], times[times.length - 1]}));
  }
}
