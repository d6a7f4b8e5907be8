package io.sluice.benchmarks.training;

import io.sluice.benchmarks.Report;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.DoubleStream;

/**
 * How long a step takes, and how much that varies.
 *
 * @param deviation standard deviation
 * @param sorted all that were measured
 */
record Spread(double mean, double deviation, double[] sorted) {
  static Spread of(double[] seconds) {
    double mean = DoubleStream.of(seconds).average().orElseThrow();
    double squares = DoubleStream.of(seconds).map(s -> (s - mean) * (s - mean)).sum();
    return new Spread(
        mean,
        Math.sqrt(squares / Math.max(1, seconds.length - 1)),
        DoubleStream.of(seconds).sorted().toArray());
  }

  double median() {
    return Rates.median(sorted);
  }

  /**
   * The expected slowest of so many that are drawn from what was measured, each independent of the
   * others: the sum over the sorted times of x_i · ((i/n)^R − ((i−1)/n)^R). It cannot exceed the
   * slowest that was seen.
   */
  double expectedSlowest(int ranks) {
    int n = sorted.length;
    double sum = 0;
    for (int i = 1; i <= n; i++) {
      sum +=
          sorted[i - 1] * (Math.pow((double) i / n, ranks) - Math.pow((double) (i - 1) / n, ranks));
    }
    return sum;
  }

  /** The same if times are normal: mean + deviation · {@link #expectedMaximum}. */
  double expectedSlowestIfNormal(int ranks) {
    return mean + deviation * expectedMaximum(ranks);
  }

  /**
   * The expected greatest of R standard normal numbers, ∫ (1 − Φ^R) over x &gt; 0 less ∫ Φ^R over x
   * &lt; 0, by the rule of midpoints.
   */
  static double expectedMaximum(int ranks) {
    double step = 1e-3;
    double sum = 0;
    double phi = 0; // at the left end of a step
    for (int i = -10_000; i < 10_000; i++) {
      double x = (i + 0.5) * step;
      double rise = step * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
      double power = Math.pow(Math.min(1, phi + rise / 2), ranks);
      sum += step * (x > 0 ? 1 - power : -power);
      phi += rise;
    }
    return sum;
  }

  Map<String, Object> toJson() {
    var json = new LinkedHashMap<String, Object>();
    json.put("count", sorted.length);
    json.put("medianSeconds", Report.rounded(median()));
    json.put("meanSeconds", Report.rounded(mean));
    json.put("deviationSeconds", Report.rounded(deviation));
    json.put("slowestSeconds", Report.rounded(sorted[sorted.length - 1]));
    return json;
  }
}
