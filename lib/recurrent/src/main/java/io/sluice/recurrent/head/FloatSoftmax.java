package io.sluice.recurrent.head;

import io.sluice.recurrent.kernel.Activations;

/**
 * The softmax of one row of V logits, in loops that HotSpot turns into vector instructions: none
 * has a branch, and sums and maxima are taken by folding halves onto each other.
 *
 * <p><b>Accuracy.</b> exp within 2e-7 relative on [−86, 0]; below it is e⁻⁸⁶, which in a
 * probability rounds to 0. Sums are pairwise, so that their rounding grows with log V. NaN in the
 * row makes all of it NaN.
 *
 * <p><b>Source.</b> exp: reduction to 2ⁿ·e^r and the minimax polynomial of Cephes' {@code expf}.
 */
final class FloatSoftmax {
  private static final float LOWEST = -86;
  private static final float LOG2_E = 1.44269504f;

  /**
   * Added to a small whole number it leaves that number in the low bits; added and taken away again
   * it rounds to a whole number.
   */
  private static final float ROUNDING = 12582912f;

  private static final float LN2_HIGH = 0.693359375f;
  private static final float LN2_LOW = -2.12194440e-4f;
  private static final int ONE = 0x3f800000;

  private final int V;
  private final float[] scratch;
  private final float[] folded;

  FloatSoftmax(int V) {
    this.V = V;
    this.scratch = new float[V];
    this.folded = new float[(V + 1) / 2];
  }

  /**
   * row = exp(row − its maximum).
   *
   * @param row (V)
   * @param result the maximum, and Σ row, which is at least 1
   */
  void exponentials(float[] row, float[] result) {
    float max = max(row);
    for (int k = 0; k < V; k++) {
      float x = Math.max(LOWEST, row[k] - max);
      float power = Math.fma(x, LOG2_E, ROUNDING);
      float whole = power - ROUNDING;
      float r = Math.fma(whole, -LN2_HIGH, x);
      r = Math.fma(whole, -LN2_LOW, r);
      float p = Math.fma(r, 1.9875691500E-4f, 1.3981999507E-3f);
      p = Math.fma(p, r, 8.3334519073E-3f);
      p = Math.fma(p, r, 4.1665795894E-2f);
      p = Math.fma(p, r, 1.6666665459E-1f);
      p = Math.fma(p, r, 5.0000001201E-1f);
      row[k] = Math.fma(p, r * r, r + 1);
      scratch[k] = power;
    }
    for (int k = 0; k < V; k++) {
      // the shift leaves n of ROUNDING + n, as an exponent
      row[k] *= Float.intBitsToFloat((Float.floatToRawIntBits(scratch[k]) << 23) + ONE);
    }
    result[0] = max;
    result[1] = sum(row);
  }

  /** row *= factor, what is tiny becomes zero. */
  void scale(float[] row, float factor) {
    for (int k = 0; k < V; k++) {
      row[k] *= factor;
    }
    Activations.flush(row, V);
  }

  private float max(float[] row) {
    int n = V;
    float[] from = row;
    while (n > 1) {
      int half = (n + 1) / 2;
      for (int k = 0; k < n - half; k++) {
        folded[k] = Math.max(from[k], from[half + k]);
      }
      if (from != folded && n % 2 != 0) {
        folded[half - 1] = from[half - 1];
      }
      n = half;
      from = folded;
    }
    return from[0];
  }

  private float sum(float[] row) {
    int n = V;
    float[] from = row;
    while (n > 1) {
      int half = (n + 1) / 2;
      for (int k = 0; k < n - half; k++) {
        folded[k] = from[k] + from[half + k];
      }
      if (from != folded && n % 2 != 0) {
        folded[half - 1] = from[half - 1];
      }
      n = half;
      from = folded;
    }
    return from[0];
  }
}
