package io.sluice.sequences.dataset;

import java.io.Serializable;

/**
 * An affine scaling of one channel: {@code scaled = (value − center) / scale}.
 *
 * @param center mean, minimum or median
 * @param scale standard deviation, range or interquartile range; 1 for a constant channel
 * @param rows the observed train rows it was fitted on
 */
public record Scaler(double center, double scale, long rows) implements Serializable {
  public static final Scaler IDENTITY = new Scaler(0, 1, 0);

  public double scaled(double value) {
    return (value - center) / scale;
  }

  public double original(double scaled) {
    return scaled * scale + center;
  }
}
