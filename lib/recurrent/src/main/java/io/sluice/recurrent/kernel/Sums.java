package io.sluice.recurrent.kernel;

/**
 * Sums over float arrays, eight side by side: the processor adds them at once, and rounding grows
 * less.
 */
public final class Sums {
  private Sums() {}

  /** Σ a[aStart + k]·b[bStart + k], in eight sums. */
  public static float dot(float[] a, int aStart, float[] b, int bStart, int n) {
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
  public static float sum(float[] v, int start, int n) {
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
}
