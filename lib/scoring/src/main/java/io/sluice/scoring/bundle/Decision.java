package io.sluice.scoring.bundle;

import java.io.Serializable;

/**
 * Which class probabilities stand for: of two classes the second from a threshold on, of more the
 * most probable.
 *
 * @param V classes
 * @param threshold plays no part with more than two
 */
public record Decision(int V, float threshold) implements Serializable {
  private static final float HALF = 0.5f;

  /** The most probable class, of two as of more. */
  public static Decision mostProbable(int V) {
    return new Decision(V, HALF);
  }

  /**
   * The class.
   *
   * @param probabilities (…, V) from {@code offset}
   */
  public int predicted(float[] probabilities, int offset) {
    if (V == 2) {
      return probabilities[offset + 1] >= threshold ? 1 : 0;
    }
    int best = 0;
    for (int v = 1; v < V; v++) {
      if (probabilities[offset + v] > probabilities[offset + best]) {
        best = v;
      }
    }
    return best;
  }

  /** How far the probabilities are from another class: from the threshold, or from the second. */
  public float margin(float[] probabilities, int offset) {
    if (V == 2) {
      return Math.abs(probabilities[offset + 1] - threshold);
    }
    int best = predicted(probabilities, offset);
    float second = 0;
    for (int v = 0; v < V; v++) {
      second = v == best ? second : Math.max(second, probabilities[offset + v]);
    }
    return probabilities[offset + best] - second;
  }
}
