package io.sluice.recurrent.cuda;

/**
 * A power of two that lifts gradients into the range of half precision, as large as it can be.
 *
 * <p>A stack multiplies gradients that come in by it and divides those that go out, so its caller
 * sees none of it. A gradient that overflows all the same spoils the step: {@link #update} halves
 * the scale, and the step must be left out.
 *
 * <p><b>Source.</b> Micikevicius et al., "Mixed Precision Training", ICLR 2018, with the constants
 * of NVIDIA's implementations: from 2¹⁶, halved at an overflow, doubled after 2000 steps without.
 */
public final class LossScale {
  private static final double FIRST = 1 << 16;
  private static final double LARGEST = 1 << 24;
  private static final int PATIENCE = 2000;

  private double value = FIRST;
  private int steps;

  /** What gradients are multiplied by now. */
  public float value() {
    return (float) value;
  }

  /**
   * Closes a step.
   *
   * @param overflowed whether one of its gradients was not finite
   * @return whether the step's gradients may be used
   */
  public boolean update(boolean overflowed) {
    if (overflowed) {
      value = Math.max(1, value / 2);
      steps = 0;
    } else if (++steps == PATIENCE) {
      value = Math.min(LARGEST, value * 2);
      steps = 0;
    }
    return !overflowed;
  }
}
