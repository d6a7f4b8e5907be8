package io.sluice.benchmarks.recurrent;

import java.util.Map;

/** How far two contestants' predictions and gradients lie apart. */
final class Agreement {
  private Agreement() {}

  /** Mean cross-entropy of class probabilities (B, classes), nats. */
  static double loss(float[] probabilities, long[] labels) {
    int classes = probabilities.length / labels.length;
    double sum = 0;
    for (int b = 0; b < labels.length; b++) {
      sum -= Math.log(probabilities[b * classes + Math.toIntExact(labels[b])]);
    }
    return sum / labels.length;
  }

  /**
   * The worst parameter's ‖actual - expected‖₂ / ‖expected‖₂; NaN if either holds one.
   *
   * @param expected gradients by parameter
   * @param actual the same parameters'
   */
  static double gradientDistance(Map<String, float[]> expected, Map<String, float[]> actual) {
    double worst = 0;
    for (var entry : expected.entrySet()) {
      float[] from = entry.getValue();
      float[] to = actual.get(entry.getKey());
      double apart = 0;
      double length = 0;
      for (int i = 0; i < from.length; i++) {
        double difference = (double) to[i] - from[i];
        apart += difference * difference;
        length += (double) from[i] * from[i];
      }
      worst = Math.max(worst, Math.sqrt(apart / length));
    }
    return worst;
  }

  /** The largest difference, as a share of the largest value; NaN if either holds one. */
  static double distance(float[] expected, float[] actual) {
    if (expected.length != actual.length) {
      throw new IllegalStateException(
          "One contestant predicts %d numbers, another %d"
              .formatted(expected.length, actual.length));
    }
    double difference = 0;
    double largest = 0;
    for (int i = 0; i < expected.length; i++) {
      difference = Math.max(difference, Math.abs((double) actual[i] - expected[i]));
      largest = Math.max(largest, Math.abs(expected[i]));
    }
    return difference / largest;
  }
}
