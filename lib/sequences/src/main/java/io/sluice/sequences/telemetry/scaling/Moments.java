package io.sluice.sequences.telemetry.scaling;

import java.io.Serializable;

/** Count, mean, spread and range of one channel's values. */
final class Moments implements Serializable {
  private static final long serialVersionUID = 1L;

  long count;
  double mean;

  /** Sum of squared distances from the mean. */
  double m2;

  float min = Float.POSITIVE_INFINITY;
  float max = Float.NEGATIVE_INFINITY;

  // sums about the first value, until settled
  private double shift;
  private double sum;
  private double sumOfSquares;

  /** Adds the values from an index on; NaN is none. */
  void add(float[] values, int from) {
    for (int n = from; n < values.length; n++) {
      float value = values[n];
      if (Float.isNaN(value)) {
        continue;
      }
      if (count == 0) {
        shift = value;
      }
      count++;
      double d = value - shift;
      sum += d;
      sumOfSquares += d * d;
      min = Math.min(min, value);
      max = Math.max(max, value);
    }
  }

  /** Turns sums into mean and spread; nothing is added afterwards. */
  Moments settled() {
    if (count > 0) {
      mean = shift + sum / count;
      m2 = Math.max(0, sumOfSquares - sum * sum / count);
    }
    return this;
  }

  /** Combines with settled moments of other values. */
  void merge(Moments other) {
    if (other.count == 0) {
      return;
    }
    long total = count + other.count;
    double delta = other.mean - mean;
    m2 += other.m2 + delta * delta * ((double) count * other.count / total);
    mean += delta * other.count / total;
    count = total;
    min = Math.min(min, other.min);
    max = Math.max(max, other.max);
  }

  double standardDeviation() {
    return count == 0 ? 0 : Math.sqrt(m2 / count);
  }
}
