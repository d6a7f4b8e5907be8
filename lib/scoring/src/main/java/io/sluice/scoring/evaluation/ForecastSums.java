package io.sluice.scoring.evaluation;

import java.io.Serializable;
import java.util.Map;
import java.util.TreeMap;

/**
 * Errors of forecasts as running sums: one value at a time in, metrics out, and two of them merge
 * into the sums of both, whatever the order (to rounding).
 *
 * <p>With y the actual value, ŷ the predicted one, n values, e = ŷ − y, and s the scale of the
 * channel's scaler:
 *
 * <pre>
 * MAE           Σ|e| / n                                      target's unit
 * MSE, RMSE     Σe² / n, its root                             unit², unit
 * bias          Σe / n                                        unit
 * …-scaled      the same of e / s                             train scale (standard deviation, range, …)
 * MAPE          Σ|e/y| / #(y ≠ 0)                             1; actuals of exactly zero are left out
 * sMAPE         Σ 2|e| / (|y| + |ŷ|) / n                      1, in [0, 2]; 0 where both are zero
 * MASE          Σ (|e| / q) / n                               1
 * pinball       Σ ρτ(y − ŷτ) / n, ρτ(u) = max(τu, (τ − 1)u)   unit, mean over the quantiles τ
 * coverage      #(lower ≤ y ≤ upper) / n                      1
 * width         Σ (upper − lower) / n                         unit
 * </pre>
 *
 * <p>q is the mean absolute error of the seasonal naive forecast on the series' train rows.
 *
 * <p><b>Sources.</b> MASE: Hyndman and Koehler, "Another look at measures of forecast accuracy",
 * Int. J. Forecasting 22(4), 2006. sMAPE: Makridakis and Hibon, "The M3-Competition", Int. J.
 * Forecasting 16(4), 2000, here as a share instead of per cent. Pinball: Koenker and Bassett,
 * "Regression Quantiles", Econometrica 46(1), 1978.
 */
final class ForecastSums implements Serializable {
  private static final long serialVersionUID = 1L;

  private long n;
  private double error;
  private double absolute;
  private double squared;
  private double absoluteScaled;
  private double squaredScaled;
  private long zeros;
  private double percentage;
  private double symmetric;
  private long withNaive;
  private double overNaive;
  private long quantiles;
  private double pinball;
  private long intervals;
  private long inside;
  private double width;

  /**
   * @param scale s, above zero
   * @param naive q; not above zero or NaN where it is not known, and the value is then left out of
   *     MASE
   */
  void add(double actual, double predicted, double scale, double naive) {
    double e = predicted - actual;
    double magnitude = Math.abs(e);
    n++;
    error += e;
    absolute += magnitude;
    squared += e * e;
    absoluteScaled += magnitude / scale;
    squaredScaled += e / scale * (e / scale);
    if (actual == 0) {
      zeros++;
    } else {
      percentage += magnitude / Math.abs(actual);
    }
    if (magnitude > 0) {
      symmetric += 2 * magnitude / (Math.abs(actual) + Math.abs(predicted));
    }
    if (naive > 0) {
      withNaive++;
      overNaive += magnitude / naive;
    }
  }

  void addInterval(double actual, double lower, double upper) {
    intervals++;
    width += upper - lower;
    if (lower <= actual && actual <= upper) {
      inside++;
    }
  }

  /** A quantile forecast at {@code level} τ. */
  void addQuantile(double level, double actual, double quantile) {
    double u = actual - quantile;
    quantiles++;
    pinball += Math.max(level * u, (level - 1) * u);
  }

  /** Adds the other's values to this one's. */
  ForecastSums merge(ForecastSums other) {
    n += other.n;
    error += other.error;
    absolute += other.absolute;
    squared += other.squared;
    absoluteScaled += other.absoluteScaled;
    squaredScaled += other.squaredScaled;
    zeros += other.zeros;
    percentage += other.percentage;
    symmetric += other.symmetric;
    withNaive += other.withNaive;
    overNaive += other.overNaive;
    quantiles += other.quantiles;
    pinball += other.pinball;
    intervals += other.intervals;
    inside += other.inside;
    width += other.width;
    return this;
  }

  /** Values added. */
  long count() {
    return n;
  }

  /** Actuals of exactly zero, which MAPE leaves out. */
  long zeros() {
    return zeros;
  }

  /** The metrics that some value was added for. */
  Map<Metric, Double> metrics() {
    var metrics = new TreeMap<Metric, Double>();
    if (n == 0) {
      return metrics;
    }
    metrics.put(Metric.MAE, absolute / n);
    metrics.put(Metric.MSE, squared / n);
    metrics.put(Metric.RMSE, Math.sqrt(squared / n));
    metrics.put(Metric.BIAS, error / n);
    metrics.put(Metric.MAE_SCALED, absoluteScaled / n);
    metrics.put(Metric.MSE_SCALED, squaredScaled / n);
    metrics.put(Metric.RMSE_SCALED, Math.sqrt(squaredScaled / n));
    metrics.put(Metric.SMAPE, symmetric / n);
    if (n > zeros) {
      metrics.put(Metric.MAPE, percentage / (n - zeros));
    }
    if (withNaive > 0) {
      metrics.put(Metric.MASE, overNaive / withNaive);
    }
    if (quantiles > 0) {
      metrics.put(Metric.PINBALL, pinball / quantiles);
    }
    if (intervals > 0) {
      metrics.put(Metric.COVERAGE, (double) inside / intervals);
      metrics.put(Metric.INTERVAL_WIDTH, width / intervals);
    }
    return metrics;
  }
}
