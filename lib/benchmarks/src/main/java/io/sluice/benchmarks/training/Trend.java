package io.sluice.benchmarks.training;

import io.sluice.benchmarks.Report;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The line through samples of a number, by least squares.
 *
 * @param slope a second
 * @param error standard error of the slope, as if samples were independent
 * @param seconds from the first sample to the last
 */
record Trend(double mean, double slope, double error, double seconds) {
  static Trend of(List<ProcessSample> samples, ProcessSample.Number number) {
    return of(
        samples.stream().mapToDouble(ProcessSample::seconds).toArray(),
        samples.stream().mapToDouble(s -> s.get(number)).toArray());
  }

  static Trend of(double[] x, double[] y) {
    int n = x.length;
    if (n < 3) {
      throw new IllegalArgumentException(
          "%d samples have no trend, expected 3 or more".formatted(n));
    }
    double meanX = 0;
    double meanY = 0;
    for (int i = 0; i < n; i++) {
      meanX += x[i] / n;
      meanY += y[i] / n;
    }
    double xx = 0;
    double xy = 0;
    for (int i = 0; i < n; i++) {
      xx += (x[i] - meanX) * (x[i] - meanX);
      xy += (x[i] - meanX) * (y[i] - meanY);
    }
    double slope = xy / xx;
    double residual = 0;
    for (int i = 0; i < n; i++) {
      double off = y[i] - meanY - slope * (x[i] - meanX);
      residual += off * off;
    }
    return new Trend(meanY, slope, Math.sqrt(residual / (n - 2) / xx), x[n - 1] - x[0]);
  }

  double perHour() {
    return 3600 * slope;
  }

  /** Growth from the first sample to the last, less two standard errors; 0 if it may be none. */
  double certainGrowth() {
    return Math.max(0, (slope - 2 * error) * seconds);
  }

  Map<String, Object> toJson(double bound, boolean holds) {
    var json = new LinkedHashMap<String, Object>();
    json.put("mean", Report.rounded(mean));
    json.put("perHour", Report.rounded(perHour()));
    json.put("perHourStandardError", Report.rounded(3600 * error));
    json.put("certainGrowth", Report.rounded(certainGrowth()));
    json.put("allowedGrowth", Report.rounded(bound));
    json.put("steady", holds);
    return json;
  }
}
