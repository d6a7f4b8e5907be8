package io.sluice.scoring.bundle;

import java.util.List;

/**
 * Predictions of one batch.
 *
 * <p><b>Shapes.</b> B windows, H horizon steps, K targets, Q values per target (quantiles, or 1), V
 * classes.
 *
 * <pre>
 * original       (B, H, K, Q)  in the targets' own units; empty for classes
 * scaled         (B, H, K, Q)  as the network put them out; empty for classes
 * probabilities  (B, V)        empty for numbers
 * </pre>
 *
 * <p>Quantiles ascend: where the network's cross, they are put in order (Chernozhukov et al.,
 * "Quantile and Probability Curves Without Crossing", Econometrica 78(3), 2010).
 *
 * @param size B
 * @param horizon H; 1 for remaining life; 0 for classes
 * @param targets K; 0 for classes
 * @param quantiles Q levels; empty for a mean
 * @param classes V names; empty for numbers
 */
public record Predictions(
    int size,
    int horizon,
    int targets,
    List<Double> quantiles,
    List<String> classes,
    float[] original,
    float[] scaled,
    float[] probabilities) {

  private static final double MEDIAN = 0.5;

  /** Q. */
  public int valuesPerTarget() {
    return Math.max(1, quantiles.size());
  }

  /** Value q of target k, h steps ahead (0 is the first), in the target's own unit. */
  public float original(int b, int h, int k, int q) {
    return original[index(b, h, k, q)];
  }

  /** Likewise as the network put it out. */
  public float scaled(int b, int h, int k, int q) {
    return scaled[index(b, h, k, q)];
  }

  /** The one number to quote: the mean, or the quantile nearest to the median. */
  public float point(int b, int h, int k) {
    return original(b, h, k, pointIndex());
  }

  /** Likewise as the network put it out. */
  public float scaledPoint(int b, int h, int k) {
    return scaled(b, h, k, pointIndex());
  }

  /** The probability of class v. */
  public float probability(int b, int v) {
    return probabilities[b * classes.size() + v];
  }

  /** q of the point prediction. */
  public int pointIndex() {
    int best = 0;
    for (int q = 1; q < quantiles.size(); q++) {
      if (Math.abs(quantiles.get(q) - MEDIAN) < Math.abs(quantiles.get(best) - MEDIAN)) {
        best = q;
      }
    }
    return best;
  }

  private int index(int b, int h, int k, int q) {
    return ((b * horizon + h) * targets + k) * valuesPerTarget() + q;
  }
}
