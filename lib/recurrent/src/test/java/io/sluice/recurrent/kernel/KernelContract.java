package io.sluice.recurrent.kernel;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** What every kernel but the reference must do besides: agree with the reference. */
abstract class KernelContract extends KernelProperties {
  /** T, B, I, H: each awkward number in each place, none more than it takes. */
  private static final int[][] SIZES = {
    {1, 1, 1, 1},
    {3, 7, 13, 3},
    {7, 3, 1, 13},
    {13, 1, 7, 64},
    {2, 64, 3, 7},
    {5, 13, 207, 3},
    {3, 2, 64, 207},
    {64, 3, 3, 1},
    {207, 1, 2, 3},
    {2, 207, 3, 5},
  };

  /** Allowed for outputs, and per square root of summed terms for gradients. */
  abstract double tolerance();

  @Override
  double rounding() {
    return tolerance();
  }

  @TestFactory
  List<DynamicTest> agreesWithTheReference() {
    return each(
        (cell, direction) -> {
          for (int[] size : SIZES) {
            var shape = new CellShape(cell, size[2], size[3]);
            // gradients through 207 layer norms of 3 units grow by hundreds, their rounding too
            int T = cell == Cell.LAYERNORM_LSTM ? Math.min(size[0], 64) : size[0];
            var trial = new Trial(shape, T, size[1], 17);
            try (RecurrentKernel kernel = kernel(shape, direction)) {
              requireClose(
                  Arrays.toString(size),
                  trial,
                  trial.run(kernel),
                  trial.run(new ReferenceKernel(shape, direction)),
                  tolerance());
            }
          }
        });
  }

  static void assume(boolean condition, String reason) {
    Assumptions.assumeTrue(condition, reason);
  }
}
