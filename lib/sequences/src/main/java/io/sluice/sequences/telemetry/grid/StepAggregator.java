package io.sluice.sequences.telemetry.grid;

import io.sluice.sequences.telemetry.SequenceSettings.Aggregate;
import java.util.Arrays;

/** The readings of one track in one step, as one value; reused from step to step. */
final class StepAggregator {
  private final Aggregate aggregate;
  private int count;
  private double value;
  private double[] all = new double[8];

  StepAggregator(Aggregate aggregate) {
    this.aggregate = aggregate;
  }

  boolean isEmpty() {
    return count == 0;
  }

  /** Adds a reading; in time order. */
  void add(double reading) {
    switch (aggregate) {
      case MEAN, SUM -> value = count == 0 ? reading : value + reading;
      case LAST -> value = reading;
      case FIRST -> value = count == 0 ? reading : value;
      case MIN -> value = count == 0 ? reading : Math.min(value, reading);
      case MAX -> value = count == 0 ? reading : Math.max(value, reading);
      case MEDIAN -> {
        if (count == all.length) {
          all = Arrays.copyOf(all, 2 * count);
        }
        all[count] = reading;
      }
    }
    count++;
  }

  /** The value of the step; empties the aggregator. */
  double take() {
    int n = count;
    count = 0;
    return switch (aggregate) {
      case MEAN -> value / n;
      case SUM, LAST, FIRST, MIN, MAX -> value;
      case MEDIAN -> {
        Arrays.sort(all, 0, n);
        yield n % 2 == 1 ? all[n / 2] : (all[n / 2 - 1] + all[n / 2]) / 2;
      }
    };
  }
}
