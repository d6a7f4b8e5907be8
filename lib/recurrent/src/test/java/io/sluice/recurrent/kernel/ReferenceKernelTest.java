package io.sluice.recurrent.kernel;

import static io.sluice.recurrent.TensorAssert.assertClose;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The reference by itself: central differences of a loss over all that comes out. */
class ReferenceKernelTest extends KernelProperties {
  /** T, B, I, H. */
  private static final int[][] DIFFERENCED = {
    {1, 1, 1, 1},
    {1, 3, 7, 1},
    {4, 2, 2, 3},
    {3, 1, 13, 2},
    {7, 3, 1, 3},
    {2, 7, 3, 7},
  };

  @Override
  RecurrentKernel kernel(CellShape shape, Direction direction) {
    return new ReferenceKernel(shape, direction);
  }

  @Override
  List<Cell> cells() {
    return List.of(Cell.values());
  }

  @Override
  double rounding() {
    return 1e-13; // float64 holds 1e-16; sums of up to 621 terms
  }

  @TestFactory
  List<DynamicTest> backwardMatchesCentralDifferences() {
    return each(
        (cell, direction) -> {
          for (int[] size : DIFFERENCED) {
            var trial = new Trial(new CellShape(cell, size[2], size[3]), size[0], size[1], 12);
            String name = Arrays.toString(size);
            Trial.Result result = trial.run(kernel(trial.shape, direction));

            requireDifferences(name, trial, direction, trial.parameters, result.gradients());
            requireDifferences(name + " x", trial, direction, trial.x, result.dx());
            requireDifferences(name + " h", trial, direction, trial.h, result.dh());
            if (cell.hasCellState()) {
              requireDifferences(name + " c", trial, direction, trial.c, result.dc());
            }
          }
        });
  }

  @TestFactory
  List<DynamicTest> backwardUnderStateFactorsMatchesCentralDifferences() {
    return each(
        (cell, direction) -> {
          var trial = new Trial(new CellShape(cell, 2, 3), 4, 2, 12).withFactors();
          Trial.Result result = trial.run(kernel(trial.shape, direction));

          requireDifferences("parameters", trial, direction, trial.parameters, result.gradients());
          requireDifferences("x", trial, direction, trial.x, result.dx());
          requireDifferences("h", trial, direction, trial.h, result.dh());
        });
  }

  @TestFactory
  List<DynamicTest> aStateWithFactorsOfZeroDoesNotReachTheProduct() {
    return each(
        (cell, direction) -> {
          var trial = new Trial(new CellShape(cell, 2, 3), 4, 2, 12);
          trial.factors = new double[trial.h.length];
          double[] dropped = trial.run(kernel(trial.shape, direction)).y();

          trial.factors = null;
          CellShape.Parameter RW = trial.shape.parameter("RW");
          Arrays.fill(trial.parameters, (int) RW.offset(), (int) (RW.offset() + RW.length()), 0);

          assertThat(dropped).isEqualTo(trial.run(kernel(trial.shape, direction)).y());
        });
  }

  private void requireDifferences(
      String name, Trial trial, Direction direction, double[] input, double[] gradient) {
    double[] differences = new double[input.length];
    double step = 1e-5;
    for (int k = 0; k < input.length; k++) {
      double value = input[k];
      input[k] = value + step;
      double above = loss(trial, direction);
      input[k] = value - step;
      differences[k] = (above - loss(trial, direction)) / (2 * step);
      input[k] = value;
    }
    // truncation step² times a third derivative, rounding 1e-15/step
    assertClose(name, gradient, differences, 1e-7);
  }

  private double loss(Trial trial, Direction direction) {
    Trial.Run run = trial.on(kernel(trial.shape, direction));
    Trial.Result result = run.infer();
    return product(result.y(), trial.dy)
        + product(result.hLast(), trial.dhLast)
        + product(result.cLast(), trial.dcLast);
  }

  private static double product(double[] a, double[] b) {
    double sum = 0;
    for (int k = 0; k < a.length; k++) {
      sum += a[k] * b[k];
    }
    return sum;
  }
}
