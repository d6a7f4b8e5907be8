package io.sluice.recurrent.optim;

import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The square of a gradient's L2 norm; squares of float32 numbers are added in float64. */
final class SquaredNorm {
  private SquaredNorm() {}

  /**
   * ‖gradient‖₂².
   *
   * @param ranges outside of which the gradient is zero; null is all of it
   */
  static double of(INDArray gradient, Ranges ranges, Sections sections) {
    if (!FloatBlocks.canHold(gradient)) {
      double norm = gradient.norm2Number().doubleValue();
      return norm * norm;
    }
    return sections.sum(ArrayWork.allOf(gradient, ranges), part -> of(gradient, 1, part));
  }

  /** ‖gradient · factor‖₂². */
  static double of(INDArray gradient, float factor, Ranges ranges) {
    var blocks = new FloatBlocks(gradient);
    float[] block = new float[FloatBlocks.SIZE];
    // eight sums, by place: no addition waits for the one before, and zeros that are left out
    // change no sum
    double[] sums = new double[8];
    ranges.pieces(
        (from, n) -> {
          blocks.get(from, block, n);
          addSquares(block, factor, sums, (int) (from % 8), n);
        });
    return Arrays.stream(sums).sum();
  }

  /**
   * @param first place of the block's first number
   */
  private static void addSquares(float[] block, float factor, double[] sums, int first, int n) {
    int k = 0;
    for (; k < n && (first + k) % 8 != 0; k++) {
      sums[(first + k) % 8] += square(block[k] * factor);
    }
    double s0 = sums[0];
    double s1 = sums[1];
    double s2 = sums[2];
    double s3 = sums[3];
    double s4 = sums[4];
    double s5 = sums[5];
    double s6 = sums[6];
    double s7 = sums[7];
    for (; k + 7 < n; k += 8) {
      s0 += square(block[k] * factor);
      s1 += square(block[k + 1] * factor);
      s2 += square(block[k + 2] * factor);
      s3 += square(block[k + 3] * factor);
      s4 += square(block[k + 4] * factor);
      s5 += square(block[k + 5] * factor);
      s6 += square(block[k + 6] * factor);
      s7 += square(block[k + 7] * factor);
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
    sums[4] = s4;
    sums[5] = s5;
    sums[6] = s6;
    sums[7] = s7;
    for (; k < n; k++) {
      sums[(first + k) % 8] += square(block[k] * factor);
    }
  }

  private static double square(double value) {
    return value * value;
  }
}
