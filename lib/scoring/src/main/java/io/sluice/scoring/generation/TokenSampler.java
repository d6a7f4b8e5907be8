package io.sluice.scoring.generation;

import java.util.Arrays;
import java.util.Random;

/**
 * Draws tokens from probabilities p: token v with a probability proportional to {@code p[v]^(1/τ)},
 * of the k most probable ones alone if so asked; of equals those with the lower id. The draws are
 * those of {@link Random}, which are the same in every JVM.
 */
final class TokenSampler {
  private final double temperature;
  private final int topK;
  private final Random random;

  /**
   * @param temperature τ; 0 takes the most probable token
   * @param topK k; 0 is all
   */
  TokenSampler(double temperature, int topK, long seed) {
    this.temperature = temperature;
    this.topK = topK;
    this.random = new Random(seed);
  }

  /** The next token. */
  int draw(float[] p) {
    int likeliest = 0;
    for (int v = 1; v < p.length; v++) {
      likeliest = p[v] > p[likeliest] ? v : likeliest;
    }
    if (temperature == 0) {
      return likeliest;
    }
    double[] weights = weights(p, Math.log(p[likeliest]));
    double left = random.nextDouble() * Arrays.stream(weights).sum();
    for (int v = 0; v < p.length; v++) {
      left -= weights[v];
      if (left < 0) {
        return v;
      }
    }
    return likeliest; // rounding took the last bit of the sum
  }

  /** (p / largest p) to the power of 1/τ; 0 for what is not drawn from. */
  private double[] weights(float[] p, double largest) {
    var weights = new double[p.length];
    boolean all = topK == 0 || topK >= p.length;
    float least = all ? 0 : kthLargest(p);
    int ofLeast = all ? p.length : topK - above(p, least);
    for (int v = 0; v < p.length; v++) {
      boolean isDrawn = p[v] > least || p[v] == least && ofLeast-- > 0;
      weights[v] = isDrawn ? Math.exp((Math.log(p[v]) - largest) / temperature) : 0;
    }
    return weights;
  }

  private float kthLargest(float[] p) {
    float[] sorted = p.clone();
    Arrays.sort(sorted);
    return sorted[p.length - topK];
  }

  private static int above(float[] p, float least) {
    int n = 0;
    for (float value : p) {
      n += value > least ? 1 : 0;
    }
    return n;
  }
}
