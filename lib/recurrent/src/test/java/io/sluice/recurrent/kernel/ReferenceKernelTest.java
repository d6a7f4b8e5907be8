package io.sluice.recurrent.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Central differences of a loss over outputs and last state, in everything that goes in. */
class ReferenceKernelTest {
  static List<Arguments> cases() {
    var cases = new ArrayList<Arguments>();
    for (Cell cell : Cell.values()) {
      for (Direction direction : Direction.values()) {
        cases.add(Arguments.of(cell, direction));
      }
    }
    return cases;
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("cases")
  void backwardMatchesCentralDifferences(Cell cell, Direction direction) {
    var shape = new CellShape(cell, 2, 3);
    var trial = new Trial(shape, 4, 2, 12);
    Trial.Result result = trial.run(new ReferenceKernel(shape, direction));
    var gradients = new LinkedHashMap<double[], double[]>();
    gradients.put(trial.parameters, result.gradients());
    gradients.put(trial.x, result.dx());
    gradients.put(trial.h, result.dh());
    if (cell.hasCellState()) {
      gradients.put(trial.c, result.dc());
    }

    for (Map.Entry<double[], double[]> each : gradients.entrySet()) {
      double[] input = each.getKey();
      for (int k = 0; k < input.length; k++) {
        double value = input[k];
        double step = 1e-6;
        input[k] = value + step;
        double above = loss(trial, shape, direction);
        input[k] = value - step;
        double below = loss(trial, shape, direction);
        input[k] = value;

        // truncation step², rounding 1e-16/step
        assertThat(each.getValue()[k])
            .isCloseTo(
                (above - below) / (2 * step), within(1e-7 * (1 + Math.abs(each.getValue()[k]))));
      }
    }
  }

  private static double loss(Trial trial, CellShape shape, Direction direction) {
    Trial.Result result = trial.run(new ReferenceKernel(shape, direction));
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
