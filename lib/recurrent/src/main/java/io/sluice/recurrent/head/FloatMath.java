package io.sluice.recurrent.head;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas;

/**
 * exp and sums over float arrays in forms that HotSpot turns into vector instructions, and
 * OpenBLAS's product.
 *
 * <p><b>Accuracy.</b> exp within 2e-7 relative on [−87.6, 88], 0 below, e⁸⁸ above. NaN stays NaN.
 *
 * <p><b>Source.</b> exp: reduction to 2ⁿ·e^r and the minimax polynomial of Cephes' {@code expf}.
 */
final class FloatMath {
  private static final float MAX = 88;
  private static final float MIN = -88; // rounds to n = -127: 2⁻¹²⁷ has the bits of zero
  private static final float LOG2_E = 1.44269504f;

  /**
   * Added to a small whole number it leaves that number in the low bits; added and taken away again
   * it rounds to a whole number.
   */
  private static final float ROUNDING = 12582912f;

  private static final float LN2_HIGH = 0.693359375f;
  private static final float LN2_LOW = -2.12194440e-4f;
  private static final int ONE = 0x3f800000;

  private FloatMath() {}

  /**
   * v[0, n) = exp(v − shift).
   *
   * @param scratch of the size of {@code v}
   * @return the sum
   */
  static float exp(float[] v, int n, float shift, float[] scratch) {
    for (int k = 0; k < n; k++) {
      float x = Math.max(MIN, Math.min(MAX, v[k] - shift));
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
    return sum(v, 0, n);
  }

  /** Σ a[aStart + k]·b[bStart + k], in eight sums. */
  static float dot(float[] a, int aStart, float[] b, int bStart, int n) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    float s4 = 0;
    float s5 = 0;
    float s6 = 0;
    float s7 = 0;
    int k = 0;
    for (; k + 7 < n; k += 8) {
      int i = aStart + k;
      int j = bStart + k;
      s0 = Math.fma(a[i], b[j], s0);
      s1 = Math.fma(a[i + 1], b[j + 1], s1);
      s2 = Math.fma(a[i + 2], b[j + 2], s2);
      s3 = Math.fma(a[i + 3], b[j + 3], s3);
      s4 = Math.fma(a[i + 4], b[j + 4], s4);
      s5 = Math.fma(a[i + 5], b[j + 5], s5);
      s6 = Math.fma(a[i + 6], b[j + 6], s6);
      s7 = Math.fma(a[i + 7], b[j + 7], s7);
    }
    for (; k < n; k++) {
      s0 = Math.fma(a[aStart + k], b[bStart + k], s0);
    }
    return (s0 + s1) + (s2 + s3) + ((s4 + s5) + (s6 + s7));
  }

  /** Σ v[start + k], in eight sums. */
  static float sum(float[] v, int start, int n) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    float s4 = 0;
    float s5 = 0;
    float s6 = 0;
    float s7 = 0;
    int k = 0;
    for (; k + 7 < n; k += 8) {
      int i = start + k;
      s0 += v[i];
      s1 += v[i + 1];
      s2 += v[i + 2];
      s3 += v[i + 3];
      s4 += v[i + 4];
      s5 += v[i + 5];
      s6 += v[i + 6];
      s7 += v[i + 7];
    }
    for (; k < n; k++) {
      s0 += v[start + k];
    }
    return (s0 + s1) + (s2 + s3) + ((s4 + s5) + (s6 + s7));
  }

  /** The largest of v[0, n), NaN left aside; minus infinity if there is none. */
  static float max(float[] v, int n) {
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

  /**
   * C = scale·op(A)·op(B) + beta·C, row-major, op(A) of (M, K) and op(B) of (K, N); {@code lda},
   * {@code ldb}, {@code ldc} are the distances between rows.
   */
  static void multiply(
      boolean transposeA,
      boolean transposeB,
      int M,
      int N,
      int K,
      float scale,
      FloatPointer A,
      int lda,
      FloatPointer B,
      int ldb,
      float beta,
      FloatPointer C,
      int ldc) {
    openblas.cblas_sgemm(
        openblas.CblasRowMajor,
        transposeA ? openblas.CblasTrans : openblas.CblasNoTrans,
        transposeB ? openblas.CblasTrans : openblas.CblasNoTrans,
        M,
        N,
        K,
        scale,
        A,
        lda,
        B,
        ldb,
        beta,
        C,
        ldc);
  }

  /** The same of matrices whose rows lie without gaps. */
  static void multiply(
      boolean transposeA,
      boolean transposeB,
      int M,
      int N,
      int K,
      FloatPointer A,
      FloatPointer B,
      float beta,
      FloatPointer C) {
    multiply(
        transposeA,
        transposeB,
        M,
        N,
        K,
        1,
        A,
        transposeA ? M : K,
        B,
        transposeB ? K : N,
        beta,
        C,
        N);
  }

  /** The memory {@code elements} numbers further on. */
  static FloatPointer at(FloatPointer start, long elements) {
    return elements == 0 ? start : start.getPointer(elements);
  }
}
