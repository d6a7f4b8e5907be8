package io.sluice.recurrent.kernel;

import java.util.Arrays;

/** H parameters, repeated for every row of a {@link FusedRows}, and the sum of their gradients. */
final class RowParameter {
  /** The parameters, row after row the same. */
  final float[] values;

  /** Sums of each place, to be summed over rows. */
  final float[] gradient;

  private final int H;
  private final int offset;

  /**
   * @param offset of the first among all that are not in products
   */
  RowParameter(int rows, int H, int offset) {
    this.H = H;
    this.offset = offset;
    this.values = new float[rows * H];
    this.gradient = new float[rows * H];
  }

  void take(float[] parameters) {
    for (int to = 0; to < values.length; to += H) {
      System.arraycopy(parameters, offset, values, to, H);
    }
  }

  /** Adds the gradients to those of all parameters, and starts a new sum. */
  void giveGradient(float[] gradients) {
    for (int from = 0; from < gradient.length; from += H) {
      for (int j = 0; j < H; j++) {
        gradients[offset + j] += gradient[from + j];
      }
    }
    Arrays.fill(gradient, 0);
  }
}
