package io.sluice.benchmarks.recurrent;

import java.util.Arrays;

/** What products are computed in; parameters and the optimizer are f32 in both. */
enum Precision {
  /**
   * Sums of n terms in another order differ by about 1e-7 · √n; ten times that and more is an
   * error.
   */
  F32("f32", 1e-4),
  /** 8 bits of mantissa: each rounding is up to 4e-3, and they add up over time steps. */
  BF16("bf16", 2e-2);

  private final String label;
  private final double tolerance;

  Precision(String label, double tolerance) {
    this.label = label;
    this.tolerance = tolerance;
  }

  /** How far, relatively, loss, probabilities and gradients of two contestants may lie apart. */
  double tolerance() {
    return tolerance;
  }

  static Precision of(String label) {
    return Arrays.stream(values())
        .filter(precision -> precision.label.equals(label))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "%s is not a precision; there are %s"
                        .formatted(label, Arrays.toString(values()))));
  }

  @Override
  public String toString() {
    return label;
  }
}
