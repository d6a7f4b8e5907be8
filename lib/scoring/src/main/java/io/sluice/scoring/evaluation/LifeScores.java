package io.sluice.scoring.evaluation;

import java.io.Serializable;
import java.util.Map;
import java.util.TreeMap;

/**
 * Remaining-life predictions against the truth with and without its cap, by series, by fold, and at
 * the last window of each series (the protocol of the C-MAPSS test sets).
 */
final class LifeScores implements Serializable {
  private static final long serialVersionUID = 1L;

  private final double cap;
  private final LifeSums uncapped = new LifeSums();
  private final LifeSums[] folds;
  private final TreeMap<String, LifeSums> bySeries = new TreeMap<>();
  private final TreeMap<String, Last> last = new TreeMap<>();

  private record Last(long origin, double actual, double predicted) implements Serializable {
    Last newer(Last other) {
      return other.origin > origin ? other : this;
    }
  }

  LifeScores(double cap, int folds) {
    this.cap = cap;
    this.folds = new LifeSums[folds];
    for (int f = 0; f < folds; f++) {
      this.folds[f] = new LifeSums();
    }
  }

  /**
   * @param actual true remaining life in steps, not capped if the dataset knows it so
   */
  void add(String series, int fold, long origin, double actual, double predicted) {
    double capped = Math.min(actual, cap);
    uncapped.add(actual, predicted);
    folds[fold].add(capped, predicted);
    bySeries.computeIfAbsent(series, s -> new LifeSums()).add(capped, predicted);
    last.merge(series, new Last(origin, actual, predicted), Last::newer);
  }

  LifeScores merge(LifeScores other) {
    uncapped.merge(other.uncapped);
    for (int f = 0; f < folds.length; f++) {
      folds[f].merge(other.folds[f]);
    }
    other.bySeries.forEach((series, sums) -> bySeries.merge(series, sums, LifeSums::merge));
    other.last.forEach((series, newest) -> last.merge(series, newest, Last::newer));
    return this;
  }

  LifeSums overall() {
    var sums = new LifeSums();
    for (LifeSums fold : folds) {
      sums.merge(fold);
    }
    return sums;
  }

  LifeSums fold(int fold) {
    return folds[fold];
  }

  TreeMap<String, LifeSums> bySeries() {
    return bySeries;
  }

  Map<Metric, Double> metrics() {
    LifeSums overall = overall();
    Map<Metric, Double> metrics = overall.metrics();
    if (overall.count() == 0) {
      return metrics;
    }
    metrics.put(Metric.RMSE_UNCAPPED, uncapped.rmse());
    metrics.put(Metric.LIFE_SCORE_UNCAPPED, uncapped.score());
    var lastCapped = new LifeSums();
    var lastUncapped = new LifeSums();
    for (Last window : last.values()) {
      lastCapped.add(Math.min(window.actual, cap), window.predicted);
      lastUncapped.add(window.actual, window.predicted);
    }
    metrics.put(Metric.RMSE_LAST, lastCapped.rmse());
    metrics.put(Metric.LIFE_SCORE_LAST, lastCapped.score());
    metrics.put(Metric.RMSE_LAST_UNCAPPED, lastUncapped.rmse());
    metrics.put(Metric.LIFE_SCORE_LAST_UNCAPPED, lastUncapped.score());
    return metrics;
  }
}
