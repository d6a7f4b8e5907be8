package io.sluice.scoring.evaluation;

import java.io.Serializable;
import java.util.TreeMap;

/**
 * A forecaster's errors, apart by horizon step and channel, by series, and by fold.
 *
 * <p>Memory: H·K + series + folds sums, whatever the number of windows.
 */
final class ForecastScores implements Serializable {
  private static final long serialVersionUID = 1L;

  private final int H;
  private final int K;
  private final ForecastSums[] cells;
  private final ForecastSums[] folds;
  private final TreeMap<String, ForecastSums> bySeries = new TreeMap<>();

  ForecastScores(int H, int K, int folds) {
    this.H = H;
    this.K = K;
    this.cells = fresh(H * K);
    this.folds = fresh(folds);
  }

  /** The three sums that one value belongs to. */
  record Places(ForecastSums cell, ForecastSums series, ForecastSums fold) {
    void add(double actual, double predicted, double scale, double naive) {
      cell.add(actual, predicted, scale, naive);
      series.add(actual, predicted, scale, naive);
      fold.add(actual, predicted, scale, naive);
    }

    void addInterval(double actual, double lower, double upper) {
      cell.addInterval(actual, lower, upper);
      series.addInterval(actual, lower, upper);
      fold.addInterval(actual, lower, upper);
    }

    void addQuantile(double level, double actual, double quantile) {
      cell.addQuantile(level, actual, quantile);
      series.addQuantile(level, actual, quantile);
      fold.addQuantile(level, actual, quantile);
    }
  }

  /** Where values of horizon step h (from 0) and target channel k go. */
  Places at(String series, int fold, int h, int k) {
    return new Places(
        cells[h * K + k], bySeries.computeIfAbsent(series, s -> new ForecastSums()), folds[fold]);
  }

  ForecastScores merge(ForecastScores other) {
    for (int i = 0; i < cells.length; i++) {
      cells[i].merge(other.cells[i]);
    }
    for (int i = 0; i < folds.length; i++) {
      folds[i].merge(other.folds[i]);
    }
    other.bySeries.forEach((series, sums) -> bySeries.merge(series, sums, ForecastSums::merge));
    return this;
  }

  ForecastSums overall() {
    var sums = new ForecastSums();
    for (ForecastSums cell : cells) {
      sums.merge(cell);
    }
    return sums;
  }

  /** Over all channels at horizon step h, from 0. */
  ForecastSums step(int h) {
    var sums = new ForecastSums();
    for (int k = 0; k < K; k++) {
      sums.merge(cells[h * K + k]);
    }
    return sums;
  }

  /** Over all horizon steps of channel k. */
  ForecastSums channel(int k) {
    var sums = new ForecastSums();
    for (int h = 0; h < H; h++) {
      sums.merge(cells[h * K + k]);
    }
    return sums;
  }

  ForecastSums fold(int fold) {
    return folds[fold];
  }

  TreeMap<String, ForecastSums> bySeries() {
    return bySeries;
  }

  int horizon() {
    return H;
  }

  private static ForecastSums[] fresh(int n) {
    var sums = new ForecastSums[n];
    for (int i = 0; i < n; i++) {
      sums[i] = new ForecastSums();
    }
    return sums;
  }
}
