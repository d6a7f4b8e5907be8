package io.sluice.scoring.evaluation;

import io.sluice.scoring.evaluation.EvaluationReport.ReliabilityBin;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * Whether a classifier is right as often as it says: windows in {@value #BINS} equal bins of
 * confidence, the probability of the most probable class.
 *
 * <p>Source: Guo et al., "On calibration of modern neural networks", ICML 2017, section 2.
 */
final class Reliability implements Serializable {
  private static final long serialVersionUID = 1L;
  private static final int BINS = 10;

  private final long[] windows = new long[BINS];
  private final long[] right = new long[BINS];
  private final double[] confidence = new double[BINS];

  /**
   * @param confidence of the most probable class
   * @param isRight whether that is the window's class
   */
  void add(float confidence, boolean isRight) {
    int bin = Math.min(BINS - 1, (int) (confidence * BINS));
    windows[bin]++;
    right[bin] += isRight ? 1 : 0;
    this.confidence[bin] += confidence;
  }

  void merge(Reliability other) {
    for (int bin = 0; bin < BINS; bin++) {
      windows[bin] += other.windows[bin];
      right[bin] += other.right[bin];
      confidence[bin] += other.confidence[bin];
    }
  }

  /**
   * The expected calibration error:
   *
   * <pre>{@code
   * Σ over bins  (n_bin / n) · |accuracy of the bin − mean confidence of the bin|
   * }</pre>
   */
  double error() {
    double sum = 0;
    long n = 0;
    for (int bin = 0; bin < BINS; bin++) {
      sum += Math.abs(right[bin] - confidence[bin]);
      n += windows[bin];
    }
    return sum / n;
  }

  /** The bins that have windows, in order. */
  List<ReliabilityBin> bins() {
    var bins = new ArrayList<ReliabilityBin>();
    for (int bin = 0; bin < BINS; bin++) {
      if (windows[bin] > 0) {
        bins.add(
            new ReliabilityBin(
                (double) bin / BINS,
                (bin + 1.0) / BINS,
                windows[bin],
                Math.min(1, confidence[bin] / windows[bin]),
                (double) right[bin] / windows[bin]));
      }
    }
    return bins;
  }
}
