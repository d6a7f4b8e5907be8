package io.sluice.recurrent;

import org.assertj.core.api.Assertions;

/** Compares tensors and says where they differ most. */
public final class TensorAssert {
  private TensorAssert() {}

  /**
   * @param tolerance allowed for each element, times 1 + its expected magnitude
   */
  public static void assertClose(
      String name, double[] actual, double[] expected, double tolerance) {
    Assertions.assertThat(actual.length).as(name + ": length").isEqualTo(expected.length);
    int worst = -1;
    double worstError = tolerance;
    for (int k = 0; k < actual.length; k++) {
      double error = Math.abs(actual[k] - expected[k]) / (1 + Math.abs(expected[k]));
      if (!(error <= worstError)) {
        worst = k;
        worstError = Double.isNaN(error) ? Double.POSITIVE_INFINITY : error;
      }
    }
    if (worst >= 0) {
      Assertions.fail(
          "%s[%d] is %s, expected %s: error %.3g, allowed %.3g (worst of %d elements)"
              .formatted(
                  name,
                  worst,
                  actual[worst],
                  expected[worst],
                  worstError,
                  tolerance,
                  actual.length));
    }
  }
}
