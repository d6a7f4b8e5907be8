package io.sluice.recurrent.kernel;

/**
 * tanh and σ over arrays, in a form that HotSpot turns into vector instructions.
 *
 * <p>tanh is a rational function, x·P(x²)/Q(x²) with P of degree 6 and Q of degree 3, on |x| ≤
 * 7.9053, where it reaches ±1 in float32; σ(x) = ½ + ½·tanh(x/2).
 *
 * <p><b>Accuracy.</b> Within 3e-7 of the exact value; beyond the range ±1, 0 and 1 to 3e-7. NaN
 * stays NaN.
 *
 * <p><b>Source.</b> The minimax coefficients of Eigen's {@code generic_fast_tanh_float}.
 */
public final class Activations {
  private static final float RANGE = 7.90531110763549805f;

  /**
   * Added and taken away again it turns what is below 1e-33, and what would soon become a denormal,
   * which processors take many times as long to multiply, into zero; what is above 1e-17 is left as
   * it is, and nothing is moved by more than 1e-32.
   */
  private static final float TINY = 1e-25f;

  private Activations() {}

  static float tanh(float value) {
    float x = Math.max(-RANGE, Math.min(RANGE, value));
    float s = x * x;
    float p = Math.fma(s, -2.76076847742355e-16f, 2.00018790482477e-13f);
    p = Math.fma(s, p, -8.60467152213735e-11f);
    p = Math.fma(s, p, 5.12229709037114e-08f);
    p = Math.fma(s, p, 1.48572235717979e-05f);
    p = Math.fma(s, p, 6.37261928875436e-04f);
    p = Math.fma(s, p, 4.89352455891786e-03f);
    float q = Math.fma(s, 1.19825839466702e-06f, 1.18534705686654e-04f);
    q = Math.fma(s, q, 2.26843463243900e-03f);
    q = Math.fma(s, q, 4.89352518554385e-03f);
    return x * p / q;
  }

  /** v = tanh(v). */
  public static void tanh(float[] v, int n) {
    tanh(v, v, n);
  }

  /** y = tanh(x). */
  static void tanh(float[] x, float[] y, int n) {
    for (int k = 0; k < n; k++) {
      y[k] = tanh(x[k]);
    }
  }

  /** v = σ(v). */
  static void sigmoid(float[] v, int n) {
    for (int k = 0; k < n; k++) {
      v[k] = 0.5f + 0.5f * tanh(0.5f * v[k]);
    }
  }

  /** v without what is so small that its products become denormals. */
  public static void flush(float[] v, int n) {
    for (int k = 0; k < n; k++) {
      v[k] = v[k] + TINY - TINY;
    }
  }
}
