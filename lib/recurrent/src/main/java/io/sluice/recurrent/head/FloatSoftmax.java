package io.sluice.recurrent.head;

import io.sluice.recurrent.kernel.Activations;
import io.sluice.recurrent.kernel.Sums;
import java.util.Arrays;

/**
 * Softmax of a matrix's columns, forward and backward, and of one long row.
 *
 * <p>HotSpot turns a loop into vector instructions if it reduces nothing and all its arrays have
 * the same index. So attention keeps its scores so that a softmax is a column: maxima and sums are
 * taken a row at a time, of a copy of it, and what each column has one of is spread over a matrix
 * before the long loops that use it.
 *
 * <p><b>Accuracy.</b> exp within 2e-7 relative on [−86, 0]; below it is e⁻⁸⁶, which in a
 * probability becomes 0, as does all that is below 1e-33. A row's sum is eight side by side. NaN in
 * a column or row makes all of it NaN; other columns do not notice.
 *
 * <p><b>Source.</b> exp: reduction to 2ⁿ·e^r and the minimax polynomial of Cephes' {@code expf}.
 *
 * <p>Checked by {@code FloatSoftmaxTest}.
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

  private float[] scratch = {};
  private float[] row = {};
  private float[] ofColumn = {};

  /**
   * Each column of S (rows, n) becomes its softmax. Minus infinity becomes 0; a column of nothing
   * else becomes NaN.
   */
  void columns(float[] S, int rows, int n) {
    makeRoom(rows * n, n);
    maxima(S, rows, n);
    float[] max = spread(rows, n);
    for (int k = 0; k < rows * n; k++) {
      S[k] -= max[k];
    }
    exp(S, rows * n);
    sums(S, rows, n);
    for (int c = 0; c < n; c++) {
      ofColumn[c] = 1 / ofColumn[c];
    }
    float[] factor = spread(rows, n);
    for (int k = 0; k < rows * n; k++) {
      S[k] *= factor[k];
    }
    Activations.flush(S, rows * n);
  }

  /** dP becomes ∂L/∂S = P(dP − Σ P·dP), the sum that of a column; both (rows, n). */
  void columnsBack(float[] P, float[] dP, int rows, int n) {
    makeRoom(rows * n, n);
    for (int k = 0; k < rows * n; k++) {
      dP[k] *= P[k];
    }
    sums(dP, rows, n);
    float[] sum = spread(rows, n);
    for (int k = 0; k < rows * n; k++) {
      dP[k] = Math.fma(-P[k], sum[k], dP[k]);
    }
    Activations.flush(dP, rows * n);
  }

  private void maxima(float[] S, int rows, int n) {
    Arrays.fill(ofColumn, 0, n, Float.NEGATIVE_INFINITY);
    for (int r = 0; r < rows; r++) {
      System.arraycopy(S, r * n, row, 0, n);
      for (int c = 0; c < n; c++) {
        ofColumn[c] = Math.max(ofColumn[c], row[c]);
      }
    }
  }

  private void sums(float[] S, int rows, int n) {
    Arrays.fill(ofColumn, 0, n, 0);
    for (int r = 0; r < rows; r++) {
      System.arraycopy(S, r * n, row, 0, n);
      for (int c = 0; c < n; c++) {
        ofColumn[c] += row[c];
      }
    }
  }

  /** (rows, n) of what each column has one of; until the next use of the scratch. */
  private float[] spread(int rows, int n) {
    for (int r = 0; r < rows; r++) {
      System.arraycopy(ofColumn, 0, scratch, r * n, n);
    }
    return scratch;
  }

  private void makeRoom(int numbers, int columns) {
    if (scratch.length < numbers) {
      scratch = new float[numbers];
    }
    if (row.length < columns) {
      row = new float[columns];
      ofColumn = new float[columns];
    }
  }

  /**
   * row = exp(row − its maximum), of which {@link #weigh} makes the softmax.
   *
   * @param row (n)
   * @param maxAndSum out: the maximum, NaN left aside, and Σ row, at least 1, or NaN if one is
   */
  void exponentials(float[] row, int n, float[] maxAndSum) {
    makeRoom(n, 0);
    float max = max(row, n);
    for (int k = 0; k < n; k++) {
      row[k] -= max;
    }
    exp(row, n);
    maxAndSum[0] = max;
    maxAndSum[1] = Sums.sum(row, 0, n);
  }

  /** row *= factor, and what is tiny becomes 0. */
  static void weigh(float[] row, int n, float factor) {
    for (int k = 0; k < n; k++) {
      row[k] *= factor;
    }
    Activations.flush(row, n);
  }

  /** v[0, n) = exp(v). */
  private void exp(float[] v, int n) {
    for (int k = 0; k < n; k++) {
      float x = Math.max(LOWEST, v[k]);
      float power = Math.fma(x, LOG2_E, ROUNDING);
      float whole = power - ROUNDING;
      float r = Math.fma(whole, -LN2_HIGH, x);
      r = Math.fma(whole, -LN2_LOW, r);
      float p = Math.fma(r, 1.9875691500E-4f, 1.3981999507E-3f);
      p = Math.fma(p, r, 8.3334519073E-3f);
      p = Math.fma(p, r, 4.1665795894E-2f);
      p = Math.fma(p, r, 1.6666665459E-1f);
      p = Math.fma(p, r, 5.0000001201E-1f);
      v[k] = Math.fma(p, r * r, r + 1);
      scratch[k] = power;
    }
    for (int k = 0; k < n; k++) {
      // the shift leaves n of ROUNDING + n, as an exponent
      v[k] *= Float.intBitsToFloat((Float.floatToRawIntBits(scratch[k]) << 23) + ONE);
    }
  }

  /**
   * The largest of v[0, n), NaN left aside; minus infinity if there is none. By comparisons: {@code
   * Math.max} spends most of its time on NaN, which the exponentials keep anyway, and in a long row
   * the processor foresees how nearly all of them end.
   */
  private static float max(float[] v, int n) {
    float m0 = Float.NEGATIVE_INFINITY;
    float m1 = m0;
    float m2 = m0;
    float m3 = m0;
    int k = 0;
    for (; k + 3 < n; k += 4) {
      m0 = v[k] > m0 ? v[k] : m0;
      m1 = v[k + 1] > m1 ? v[k + 1] : m1;
      m2 = v[k + 2] > m2 ? v[k + 2] : m2;
      m3 = v[k + 3] > m3 ? v[k + 3] : m3;
    }
    for (; k < n; k++) {
      m0 = v[k] > m0 ? v[k] : m0;
    }
    return Math.max(Math.max(m0, m1), Math.max(m2, m3));
  }
}
