package io.sluice.scoring.evaluation;

import java.io.Serializable;
import java.util.Map;
import java.util.TreeMap;

/**
 * Errors of remaining-life predictions as running sums that merge.
 *
 * <p>With d = predicted − true, in grid steps: MAE, RMSE, bias as for forecasts, and the score of
 * the PHM'08 challenge, by which a late prediction costs more than an early one:
 *
 * <pre>score = Σ exp(−d/13) − 1 where d &lt; 0, exp(d/10) − 1 otherwise      1; a sum, grows with n
 * </pre>
 *
 * <p><b>Source.</b> Saxena, Goebel, Simon and Eklund, "Damage propagation modeling for aircraft
 * engine run-to-failure simulation", PHM 2008 (the C-MAPSS data sets).
 */
final class LifeSums implements Serializable {
  private static final long serialVersionUID = 1L;

  private long n;
  private double error;
  private double absolute;
  private double squared;
  private double score;

  void add(double actual, double predicted) {
    double d = predicted - actual;
    n++;
    error += d;
    absolute += Math.abs(d);
    squared += d * d;
    score += d < 0 ? Math.expm1(-d / 13) : Math.expm1(d / 10);
  }

  LifeSums merge(LifeSums other) {
    n += other.n;
    error += other.error;
    absolute += other.absolute;
    squared += other.squared;
    score += other.score;
    return this;
  }

  long count() {
    return n;
  }

  /** Root mean squared error, steps. */
  double rmse() {
    return Math.sqrt(squared / n);
  }

  /** The asymmetric score. */
  double score() {
    return score;
  }

  Map<Metric, Double> metrics() {
    var metrics = new TreeMap<Metric, Double>();
    if (n > 0) {
      metrics.put(Metric.MAE, absolute / n);
      metrics.put(Metric.MSE, squared / n);
      metrics.put(Metric.RMSE, rmse());
      metrics.put(Metric.BIAS, error / n);
      metrics.put(Metric.LIFE_SCORE, score);
    }
    return metrics;
  }
}
