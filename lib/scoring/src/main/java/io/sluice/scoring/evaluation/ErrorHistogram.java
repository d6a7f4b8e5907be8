package io.sluice.scoring.evaluation;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * Counts of errors in bins of equal width over [−{@value #REACH}, {@value #REACH}], in scaled
 * units; what lies beyond is counted in the outermost bins. Histograms merge.
 */
final class ErrorHistogram implements Serializable {
  private static final long serialVersionUID = 1L;
  private static final int REACH = 4;
  private static final int PER_UNIT = 20;
  private static final int BINS = 2 * REACH * PER_UNIT;
  private static final int MOST_SHOWN = 60;

  private final long[] counts = new long[BINS];

  void add(double error) {
    int bin = (int) Math.floor((error + REACH) * PER_UNIT);
    counts[Math.max(0, Math.min(BINS - 1, bin))]++;
  }

  void merge(ErrorHistogram other) {
    for (int i = 0; i < BINS; i++) {
      counts[i] += other.counts[i];
    }
  }

  /** The range that holds anything, in at most {@value #MOST_SHOWN} bins; shares of all values. */
  EvaluationReport.Histogram report(String name, String unit) {
    long total = 0;
    int reach = 1;
    for (int i = 0; i < BINS; i++) {
      total += counts[i];
      if (counts[i] > 0) {
        reach = Math.max(reach, i < BINS / 2 ? BINS / 2 - i : i + 1 - BINS / 2);
      }
    }
    int width = (2 * reach + MOST_SHOWN - 1) / MOST_SHOWN;
    int half = (reach + width - 1) / width;
    List<Double> edges = new ArrayList<>();
    List<Double> shares = new ArrayList<>();
    for (int bin = -half; bin <= half; bin++) {
      edges.add((double) bin * width / PER_UNIT);
    }
    for (int bin = -half; bin < half; bin++) {
      long count = 0;
      for (int i = bin * width; i < (bin + 1) * width; i++) {
        int at = i + BINS / 2;
        count += at >= 0 && at < BINS ? counts[at] : 0;
      }
      shares.add(total == 0 ? 0 : (double) count / total);
    }
    return new EvaluationReport.Histogram(name, unit, edges, shares);
  }
}
