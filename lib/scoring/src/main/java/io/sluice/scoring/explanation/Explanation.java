package io.sluice.scoring.explanation;

import java.io.Serializable;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.commons.math3.stat.correlation.SpearmansCorrelation;

/**
 * What each of the T tokens of a document weighs.
 *
 * @param probability of the explained class, the document whole
 * @param attention (T) weights that sum to 1; null where the model has none
 * @param occlusion (T) by how much that probability falls without the token: positive tokens speak
 *     for the class, negative ones against it
 * @param window consecutive tokens that were taken away together and share a value; 1 = each alone
 */
public record Explanation(float probability, float[] attention, float[] occlusion, int window)
    implements Serializable {

  /**
   * Spearman's rank correlation of attention and the magnitude of occlusion, ties at their mean
   * rank; empty without attention, or where either is the same for all tokens.
   */
  public Optional<Double> rankCorrelation() {
    if (attention == null || attention.length < 2) {
      return Optional.empty();
    }
    double[] magnitudes =
        IntStream.range(0, occlusion.length).mapToDouble(t -> Math.abs(occlusion[t])).toArray();
    double[] weights =
        IntStream.range(0, attention.length).mapToDouble(t -> attention[t]).toArray();
    double correlation = new SpearmansCorrelation().correlation(weights, magnitudes);
    return Double.isFinite(correlation) ? Optional.of(correlation) : Optional.empty();
  }

  /**
   * Positions of the {@code most} tokens that weigh the most, by magnitude, the first of equals
   * first; fewer where others weigh nothing.
   */
  public static int[] top(float[] weights, int most) {
    return IntStream.range(0, weights.length)
        .filter(t -> weights[t] != 0)
        .boxed()
        .sorted((s, t) -> Float.compare(Math.abs(weights[t]), Math.abs(weights[s])))
        .limit(most)
        .mapToInt(t -> t)
        .toArray();
  }
}
