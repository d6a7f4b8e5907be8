package io.sluice.scoring.baseline;

import io.sluice.sequences.dataset.SequenceManifest.Part;
import java.io.Serializable;
import java.util.HashMap;
import java.util.Map;

/**
 * The scale of MASE: for each series and target channel the mean of |y(t) − y(t − m)| over the
 * train rows, m steps a season. Sums that merge.
 *
 * <p><b>Source.</b> Hyndman and Koehler, "Another look at measures of forecast accuracy", Int. J.
 * Forecasting 22(4), 2006.
 */
public final class NaiveScale implements Serializable {
  private static final long serialVersionUID = 1L;

  private final int K;
  private final int season;
  private final Map<String, double[]> sums = new HashMap<>();

  /**
   * @param K target channels
   * @param season m; 1 for data without a season
   */
  public NaiveScale(int K, int season) {
    this.K = K;
    this.season = season;
  }

  /**
   * Adds a train part. A row that an earlier part holds too is counted there, so every step counts
   * once.
   *
   * @param history over train parts only
   */
  public void add(Part part, SeriesHistory history) {
    Map<String, SeriesHistory.Span> spans = history.spans(part);
    Map<String, SeriesValues> own = history.own(part);
    Map<String, SeriesValues> before = history.others(part, spans, season, true);
    own.forEach(
        (series, values) -> add(series, values, before.getOrDefault(series, new SeriesValues(K))));
  }

  private void add(String series, SeriesValues own, SeriesValues before) {
    double[] sum = sums.computeIfAbsent(series, s -> new double[2 * K]);
    for (int k = 0; k < K; k++) {
      for (long step = own.firstStep(); step <= own.lastStep(); step++) {
        if (!Float.isNaN(before.at(k, step))) {
          continue; // counted with the earlier part
        }
        float lagged = own.at(k, step - season);
        lagged = Float.isNaN(lagged) ? before.at(k, step - season) : lagged;
        double difference = Math.abs((double) own.at(k, step) - lagged);
        if (!Double.isNaN(difference)) {
          sum[2 * k] += difference;
          sum[2 * k + 1]++;
        }
      }
    }
  }

  public NaiveScale merge(NaiveScale other) {
    other.sums.forEach(
        (series, theirs) -> {
          double[] sum = sums.computeIfAbsent(series, s -> new double[2 * K]);
          for (int i = 0; i < sum.length; i++) {
            sum[i] += theirs[i];
          }
        });
    return this;
  }

  /** m. */
  public int season() {
    return season;
  }

  /**
   * The scale of a series; one that has no train rows takes the mean over all train rows. NaN where
   * there is none.
   */
  public double[] of(String series) {
    double[] own = sums.get(series);
    var scale = new double[K];
    for (int k = 0; k < K; k++) {
      scale[k] = own != null && own[2 * k + 1] > 0 ? own[2 * k] / own[2 * k + 1] : overall(k);
    }
    return scale;
  }

  private double overall(int k) {
    double sum = 0;
    double count = 0;
    for (double[] one : sums.values()) {
      sum += one[2 * k];
      count += one[2 * k + 1];
    }
    return count > 0 ? sum / count : Double.NaN;
  }
}
