package io.sluice.scoring.baseline;

import io.sluice.sequences.dataset.Segment;
import java.io.Serializable;
import java.util.Arrays;

/**
 * Values of some channels of one series on the grid, gathered from overlapping segments; NaN where
 * no segment has a value.
 *
 * <p>Steps are absolute: step = floor(time / ticks of a step), so segments, splits and series share
 * one numbering.
 */
public final class SeriesValues implements Serializable {
  private static final long serialVersionUID = 1L;

  private final int K;
  private long firstStep;
  private int length;
  private float[][] values;

  /**
   * @param K channels held
   */
  public SeriesValues(int K) {
    this.K = K;
    this.values = new float[K][0];
  }

  /**
   * Adds the steps of a segment that lie in [from, to].
   *
   * @param channels indices of the K channels in the segment
   * @param stepTicks ticks of a grid step
   */
  public void add(Segment segment, int[] channels, long stepTicks, long from, long to) {
    for (int n = 0; n < segment.steps(); n++) {
      long step = Math.floorDiv(segment.times()[n], stepTicks);
      if (step < from || step > to) {
        continue;
      }
      cover(step);
      int at = (int) (step - firstStep);
      for (int k = 0; k < K; k++) {
        values[k][at] = segment.values()[channels[k]][n];
      }
    }
  }

  /** Takes over the other's values where it has any. */
  public SeriesValues merge(SeriesValues other) {
    for (int i = 0; i < other.length; i++) {
      for (int k = 0; k < K; k++) {
        float value = other.values[k][i];
        if (!Float.isNaN(value)) {
          cover(other.firstStep + i);
          values[k][(int) (other.firstStep + i - firstStep)] = value;
        }
      }
    }
    return this;
  }

  /** The value of channel k at a step; NaN where there is none. */
  public float at(int k, long step) {
    return step < firstStep || step >= firstStep + length
        ? Float.NaN
        : values[k][(int) (step - firstStep)];
  }

  public boolean isEmpty() {
    return length == 0;
  }

  public long firstStep() {
    return firstStep;
  }

  /** The newest step held; one before the first where empty. */
  public long lastStep() {
    return firstStep + length - 1;
  }

  /** Channel k from the first step to {@code to}, NaN where missing. */
  public double[] channel(int k, long to) {
    int n = (int) Math.max(0, Math.min(length, to - firstStep + 1));
    var channel = new double[n];
    for (int i = 0; i < n; i++) {
      channel[i] = values[k][i];
    }
    return channel;
  }

  private void cover(long step) {
    if (length == 0) {
      firstStep = step;
    }
    if (step < firstStep) {
      int more = Math.toIntExact(firstStep - step);
      for (int k = 0; k < K; k++) {
        var longer = new float[more + length];
        Arrays.fill(longer, 0, more, Float.NaN);
        System.arraycopy(values[k], 0, longer, more, length);
        values[k] = longer;
      }
      firstStep = step;
      length += more;
    } else if (step >= firstStep + length) {
      int needed = Math.toIntExact(step - firstStep + 1);
      for (int k = 0; k < K; k++) {
        if (values[k].length < needed) {
          int old = values[k].length;
          values[k] = Arrays.copyOf(values[k], Math.max(needed, old + old / 2));
        }
        Arrays.fill(values[k], length, needed, Float.NaN);
      }
      length = needed;
    }
  }
}
