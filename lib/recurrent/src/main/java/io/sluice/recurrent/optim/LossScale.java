package io.sluice.recurrent.optim;

import java.io.Serializable;

/**
 * A power of two that lifts gradients into the range of half precision, as large as it can be.
 *
 * <p>A kernel multiplies gradients that come in by it and divides those that go out, so its caller
 * sees none of it. A gradient that overflows all the same is not finite and spoils the step, which
 * must be left out; the scale is halved then.
 *
 * <p><b>Source.</b> Micikevicius et al., "Mixed Precision Training", ICLR 2018, with the constants
 * of NVIDIA's implementations: from 2¹⁶, halved at an overflow, doubled after 2000 steps without.
 *
 * @param value what gradients are multiplied by
 * @param steps since the last overflow or doubling
 */
public record LossScale(double value, int steps) implements Serializable {
  /** Before the first step. */
  public static final LossScale FIRST = new LossScale(1 << 16, 0);

  private static final double LARGEST = 1 << 24;
  private static final int PATIENCE = 2000;

  /**
   * Whether a step's gradients may be used. With nothing left to halve they are used whatever they
   * are, so that a run whose gradients are not finite for another reason shows it.
   *
   * @param finite whether all of its gradients are finite
   */
  boolean allows(boolean finite) {
    return finite || value == 1;
  }

  /**
   * That of the next step.
   *
   * @param finite whether all gradients of this one are finite
   */
  LossScale next(boolean finite) {
    if (!finite) {
      return new LossScale(Math.max(1, value / 2), 0);
    }
    return steps + 1 == PATIENCE
        ? new LossScale(Math.min(LARGEST, value * 2), 0)
        : new LossScale(value, steps + 1);
  }
}
