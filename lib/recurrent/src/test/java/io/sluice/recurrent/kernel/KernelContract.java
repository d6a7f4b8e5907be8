package io.sluice.recurrent.kernel;

import static io.sluice.recurrent.TensorAssert.assertClose;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** What every kernel must do, judged by the reference. */
abstract class KernelContract {
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

  abstract RecurrentKernel kernel(CellShape shape, Direction direction);

  abstract List<Cell> cells();

  /** Allowed for outputs, and per square root of summed terms for gradients. */
  abstract double tolerance();

  /** A check of one cell in one direction. */
  private interface Check {
    void of(Cell cell, Direction direction);
  }

  private List<DynamicTest> each(Check check) {
    var tests = new ArrayList<DynamicTest>();
    for (Cell cell : cells()) {
      for (Direction direction : Direction.values()) {
        tests.add(
            DynamicTest.dynamicTest(
                cell.label() + ", " + direction, () -> check.of(cell, direction)));
      }
    }
    return tests;
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
                  trial.run(new ReferenceKernel(shape, direction)));
            }
          }
        });
  }

  @TestFactory
  List<DynamicTest> chunksOfTimeWithCarriedStateEqualOnePass() {
    return each(
        (cell, direction) -> {
          var shape = new CellShape(cell, 5, 13);
          var trial = new Trial(shape, 9, 4, 3);
          try (RecurrentKernel kernel = kernel(shape, direction)) {
            Trial.Result whole = trial.run(kernel);

            Trial.Result chunks = trial.runInChunks(kernel, direction, 4);

            requireClose("chunks", trial, chunks, whole);
          }
        });
  }

  @TestFactory
  List<DynamicTest> inferenceEqualsTheForwardPassOfTraining() {
    return each(
        (cell, direction) -> {
          var shape = new CellShape(cell, 3, 7);
          var trial = new Trial(shape, 6, 5, 8);
          try (RecurrentKernel kernel = kernel(shape, direction)) {
            Trial.Result trained = trial.run(kernel);
            float[] y = new float[trained.y().length];
            var memory = new org.bytedeco.javacpp.FloatPointer(y);
            var state =
                new State(
                    new org.bytedeco.javacpp.FloatPointer(Trial.floats(trial.h)),
                    cell.hasCellState()
                        ? new org.bytedeco.javacpp.FloatPointer(Trial.floats(trial.c))
                        : null);

            // the last state takes the place of the initial one
            kernel.infer(
                6,
                5,
                new org.bytedeco.javacpp.FloatPointer(Trial.floats(trial.x)),
                state,
                memory,
                state);

            memory.get(y);
            assertClose("y", doubles(y), trained.y(), tolerance());
            float[] h = new float[trial.h.length];
            new org.bytedeco.javacpp.FloatPointer(state.h()).get(h);
            assertClose("h", doubles(h), trained.hLast(), tolerance());
          }
        });
  }

  @TestFactory
  List<DynamicTest> newParametersTakeEffectAndGradientsBeginAnew() {
    return each(
        (cell, direction) -> {
          var shape = new CellShape(cell, 3, 7);
          var first = new Trial(shape, 4, 2, 1);
          var second = new Trial(shape, 4, 2, 2);
          try (RecurrentKernel used = kernel(shape, direction);
              RecurrentKernel fresh = kernel(shape, direction)) {
            first.run(used);

            Trial.Result result = second.run(used);

            requireClose("second", second, result, second.run(fresh));
          }
        });
  }

  @TestFactory
  List<DynamicTest> notANumberStaysInItsSequence() {
    return each(
        (cell, direction) -> {
          var shape = new CellShape(cell, 3, 7);
          int B = 5;
          var clean = new Trial(shape, 4, B, 6);
          var dirty = new Trial(shape, 4, B, 6);
          int at = direction == Direction.FORWARD ? 0 : 3;
          dirty.x[(at * B + 2) * 3] = Double.NaN;
          try (RecurrentKernel kernel = kernel(shape, direction)) {
            Trial.Result expected = clean.run(kernel);

            Trial.Result result = dirty.run(kernel);

            for (int t = 0; t < 4; t++) {
              for (int b = 0; b < B; b++) {
                double[] y = Arrays.copyOfRange(result.y(), (t * B + b) * 7, (t * B + b + 1) * 7);
                double[] dx = Arrays.copyOfRange(result.dx(), (t * B + b) * 3, (t * B + b + 1) * 3);
                if (b == 2) {
                  assertThat(y).as("y[%d][%d]", t, b).containsOnly(Double.NaN);
                } else {
                  assertThat(y)
                      .as("y[%d][%d]", t, b)
                      .containsExactly(
                          Arrays.copyOfRange(expected.y(), (t * B + b) * 7, (t * B + b + 1) * 7));
                  assertThat(dx).as("dx[%d][%d]", t, b).doesNotContain(Double.NaN);
                }
              }
            }
          }
        });
  }

  @TestFactory
  List<DynamicTest> batchSplitAndSummedEqualsWhole() {
    return each(
        (cell, direction) -> {
          var shape = new CellShape(cell, 3, 7);
          var whole = new Trial(shape, 5, 6, 4);
          try (RecurrentKernel kernel = kernel(shape, direction)) {
            Trial.Result expected = whole.run(kernel);
            double[] sum = new double[whole.parameters.length];
            for (int part = 0; part < 2; part++) {
              var half = new Trial(shape, 5, 3, 4);
              System.arraycopy(whole.parameters, 0, half.parameters, 0, sum.length);
              for (int t = 0; t < 5; t++) {
                System.arraycopy(whole.x, (t * 6 + part * 3) * 3, half.x, t * 9, 9);
                System.arraycopy(whole.dy, (t * 6 + part * 3) * 7, half.dy, t * 21, 21);
              }
              for (double[][] pair :
                  new double[][][] {
                    {whole.h, half.h},
                    {whole.c, half.c},
                    {whole.dhLast, half.dhLast},
                    {whole.dcLast, half.dcLast}
                  }) {
                System.arraycopy(pair[0], part * 21, pair[1], 0, 21);
              }
              double[] gradients = half.run(kernel).gradients();
              for (int k = 0; k < sum.length; k++) {
                sum[k] += gradients[k];
              }
            }

            assertClose("gradients", sum, expected.gradients(), tolerance() * Math.sqrt(30));
          }
        });
  }

  void requireClose(String name, Trial trial, Trial.Result actual, Trial.Result expected) {
    // a sum of n float32 terms: about its rounding times √n
    double steps = tolerance() * Math.sqrt(trial.T);
    double sums = tolerance() * Math.sqrt((double) trial.T * trial.B) * 2;
    assertClose(name + " y", actual.y(), expected.y(), steps);
    assertClose(name + " h", actual.hLast(), expected.hLast(), steps);
    assertClose(name + " c", actual.cLast(), expected.cLast(), steps);
    assertClose(name + " dx", actual.dx(), expected.dx(), 4 * steps);
    assertClose(name + " dh", actual.dh(), expected.dh(), 4 * steps);
    assertClose(name + " dc", actual.dc(), expected.dc(), 4 * steps);
    assertClose(name + " gradients", actual.gradients(), expected.gradients(), sums);
  }

  private static double[] doubles(float[] values) {
    double[] doubles = new double[values.length];
    for (int k = 0; k < values.length; k++) {
      doubles[k] = values[k];
    }
    return doubles;
  }

  static void assume(boolean condition, String reason) {
    Assumptions.assumeTrue(condition, reason);
  }
}
