package io.sluice.recurrent.kernel;

import static io.sluice.recurrent.TensorAssert.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.recurrent.NativeThreads;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** What every kernel must do, the reference among them, judged by its own results. */
abstract class KernelProperties {
  /** T, B, I, H: each awkward number in each place, but 207 units and 207 steps at once. */
  private static final int[][] SIZES = {
    {1, 7, 3, 13},
    {3, 1, 7, 64},
    {7, 3, 1, 3},
    {13, 64, 3, 1},
    {3, 13, 207, 7},
    {2, 3, 13, 207},
    {64, 7, 13, 3},
    {207, 3, 1, 7},
    {3, 207, 64, 3},
  };

  abstract RecurrentKernel kernel(CellShape shape, Direction direction);

  abstract List<Cell> cells();

  /**
   * How far two runs may be apart that sum the same terms in another order; for gradients per
   * square root of summed terms.
   */
  abstract double rounding();

  @BeforeAll
  static void oneThread() {
    // several wait for each other where other work keeps a core
    NativeThreads.set(1);
  }

  /** A check of one cell in one direction. */
  interface Check {
    void of(Cell cell, Direction direction);
  }

  /** A check of one kernel with a batch for it. */
  private interface SizedCheck {
    void of(Trial trial, Direction direction, RecurrentKernel kernel, String size);
  }

  final List<DynamicTest> each(Check check) {
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

  private List<DynamicTest> atEachSize(SizedCheck check) {
    return each(
        (cell, direction) -> {
          for (int[] size : SIZES) {
            Trial trial = trial(cell, size);
            try (RecurrentKernel kernel = kernel(trial.shape, direction)) {
              check.of(trial, direction, kernel, Arrays.toString(size));
            }
          }
        });
  }

  private static Trial trial(Cell cell, int[] size) {
    // gradients through 207 layer norms of 7 units grow by hundreds, their rounding too
    int T = cell == Cell.LAYERNORM_LSTM ? Math.min(size[0], 64) : size[0];
    return new Trial(new CellShape(cell, size[2], size[3]), T, size[1], 17);
  }

  @TestFactory
  List<DynamicTest> chunksOfTimeWithCarriedStateEqualOnePass() {
    return atEachSize(
        (trial, direction, kernel, size) -> {
          Trial.Result whole = trial.run(kernel);

          Trial.Run run = trial.on(kernel);
          run.inChunks(direction, Math.max(1, (trial.T + 1) / 3));

          requireClose(size, trial, run.result(), whole, rounding());
        });
  }

  @TestFactory
  List<DynamicTest> batchSplitAndSummedEqualsWhole() {
    return atEachSize(
        (trial, direction, kernel, size) -> {
          Trial.Result whole = trial.run(kernel);
          int cut = (trial.B + 1) / 3;
          double[] sum = new double[trial.parameters.length];
          for (int[] part : new int[][] {{0, cut}, {cut, trial.B}}) {
            if (part[0] < part[1]) {
              Trial rows = trial.sequences(part[0], part[1]);

              Trial.Result result = rows.run(kernel);

              requireRows(size, trial, result, whole, part[0]);
              Arrays.setAll(sum, k -> sum[k] + result.gradients()[k]);
            }
          }
          assertClose(size + " gradients", sum, whole.gradients(), ofSums(trial, rounding()));
        });
  }

  /** Rows of the whole batch's results from sequence {@code from} on are those of its part. */
  private void requireRows(
      String name, Trial whole, Trial.Result part, Trial.Result all, int from) {
    int H = whole.shape.hiddenSize();
    int rows = part.hLast().length / H;
    double steps = rounding() * Math.sqrt(whole.T);
    assertClose(name + " y", part.y(), columns(all.y(), whole, from, rows, H), steps);
    assertClose(name + " h", part.hLast(), rows(all.hLast(), from, rows, H), steps);
    assertClose(name + " c", part.cLast(), rows(all.cLast(), from, rows, H), steps);
    int I = whole.shape.inputSize();
    assertClose(name + " dx", part.dx(), columns(all.dx(), whole, from, rows, I), 4 * steps);
    assertClose(name + " dh", part.dh(), rows(all.dh(), from, rows, H), 4 * steps);
    assertClose(name + " dc", part.dc(), rows(all.dc(), from, rows, H), 4 * steps);
  }

  private static double[] rows(double[] matrix, int from, int rows, int n) {
    return Arrays.copyOfRange(matrix, from * n, (from + rows) * n);
  }

  /** Sequences [from, from + rows) of a (T, B, n) tensor. */
  private static double[] columns(double[] tensor, Trial trial, int from, int rows, int n) {
    double[] columns = new double[trial.T * rows * n];
    for (int t = 0; t < trial.T; t++) {
      System.arraycopy(tensor, (t * trial.B + from) * n, columns, t * rows * n, rows * n);
    }
    return columns;
  }

  @TestFactory
  List<DynamicTest> reversedInputThroughTheOtherDirectionIsTheReversedPass() {
    return atEachSize(
        (trial, direction, kernel, size) -> {
          Direction other = direction == Direction.FORWARD ? Direction.BACKWARD : Direction.FORWARD;
          Trial.Result expected = trial.run(kernel);
          try (RecurrentKernel mirrored = kernel(trial.shape, other)) {
            Trial.Result result = trial.reversed().run(mirrored);

            var turned =
                new Trial.Result(
                    trial.reversed(result.y()),
                    result.hLast(),
                    result.cLast(),
                    trial.reversed(result.dx()),
                    result.dh(),
                    result.dc(),
                    result.gradients());
            requireClose(size, trial, turned, expected, rounding());
          }
        });
  }

  @TestFactory
  List<DynamicTest> tapesInterleaveAndKeepTheirOwnPass() {
    return atEachSize(
        (trial, direction, kernel, size) -> {
          // the second batch is larger, so that what it needs may move
          Trial second = trial.another(trial.T + 1, trial.B + 2, 5);
          Trial.Result firstAlone = trial.run(kernel);
          Trial.Result secondAlone = second.run(kernel);
          Trial.Run a = trial.on(kernel);
          Trial.Run b = second.on(kernel);
          Trial.Run between = second.on(kernel);

          a.forward(0);
          b.forward(1);
          between.infer();
          a.backward(0);
          b.backward(1);

          Trial.Result first = a.result();
          // taken with the first's: their sum
          double[] sum = first.gradients();
          Trial.Result other = b.result();
          requireSamePass(size + " first", first, firstAlone);
          requireSamePass(size + " second", other, secondAlone);
          double[] expected = new double[sum.length];
          Arrays.setAll(expected, k -> firstAlone.gradients()[k] + secondAlone.gradients()[k]);
          assertClose(size + " gradients", sum, expected, ofSums(second, rounding()));
          requireZero(size + " gradients once taken", other.gradients());
        });
  }

  @TestFactory
  List<DynamicTest> gradientsAreSummedUntilTheyAreTaken() {
    return atEachSize(
        (trial, direction, kernel, size) -> {
          Trial second = trial.another(trial.T, trial.B, 5);
          double[] expected = trial.run(kernel).gradients();
          double[] added = second.run(kernel).gradients();
          Arrays.setAll(expected, k -> expected[k] + added[k]);

          Trial.Run run = null;
          for (Trial each : List.of(trial, second)) {
            run = each.on(kernel);
            run.forward(0);
            run.backwardForParameters(0);
          }

          assertClose(size + " sum", run.takeGradients(), expected, ofSums(trial, rounding()));
          requireZero(size + " sum once taken", run.takeGradients());
        });
  }

  @TestFactory
  List<DynamicTest> gradientsAreSummedWhereTheyWillBeTaken() {
    return atEachSize(
        (trial, direction, kernel, size) -> {
          Trial.Run run = trial.on(kernel);
          double[] expected = twice(run, null).takeGradients();

          // taken there, taken elsewhere all the same, then nothing is left
          assertThat(run.takeGradients(twice(run, run.notANumber()).target()))
              .as(size + " there")
              .isEqualTo(expected);
          assertThat(twice(run, run.notANumber()).takeGradients())
              .as(size + " elsewhere")
              .isEqualTo(expected);
          run.sumGradientsAt(run.notANumber());
          requireZero(size + " of no pass", run.takeGradients(run.target()));
        });
  }

  /** Two passes whose gradients are summed at {@code target}; null is in the kernel. */
  private static Trial.Run twice(Trial.Run run, Pointer target) {
    if (target != null) {
      run.sumGradientsAt(target);
    }
    for (int pass = 0; pass < 2; pass++) {
      run.forward(0);
      run.backward(0);
    }
    return run;
  }

  @TestFactory
  List<DynamicTest> withoutAGradientOfOutputsEveryGradientIsZero() {
    return atEachSize(
        (trial, direction, kernel, size) -> {
          for (double[] gradient : List.of(trial.dy, trial.dhLast, trial.dcLast)) {
            Arrays.fill(gradient, 0);
          }

          Trial.Result result = trial.run(kernel);

          requireZero(size + " dx", result.dx());
          requireZero(size + " dh", result.dh());
          requireZero(size + " dc", result.dc());
          requireZero(size + " gradients", result.gradients());
        });
  }

  @TestFactory
  List<DynamicTest> noStatesAreZeroStates() {
    return atEachSize(
        (trial, direction, kernel, size) -> {
          // scratch memory that holds another batch's states must not show
          trial.another(trial.T, trial.B, 5).run(kernel);
          for (double[] state : List.of(trial.h, trial.c, trial.dhLast, trial.dcLast)) {
            Arrays.fill(state, 0);
          }
          Trial.Result expected = trial.run(kernel);

          Trial.Run run = trial.on(kernel).withoutStates();
          run.forward(0);
          run.backward(0);

          Trial.Result result = run.result();
          assertThat(result.y()).as(size + " y").isEqualTo(expected.y());
          assertThat(result.dx()).as(size + " dx").isEqualTo(expected.dx());
          assertThat(result.gradients()).as(size + " sum").isEqualTo(expected.gradients());
        });
  }

  @TestFactory
  List<DynamicTest> inferenceEqualsTheForwardPassOfTraining() {
    return atEachSize(
        (trial, direction, kernel, size) -> {
          Trial.Result trained = trial.run(kernel);

          Trial.Result inferred = trial.on(kernel).infer();

          double steps = rounding() * Math.sqrt(trial.T);
          assertClose(size + " y", inferred.y(), trained.y(), steps);
          assertClose(size + " h", inferred.hLast(), trained.hLast(), steps);
          assertClose(size + " c", inferred.cLast(), trained.cLast(), steps);
        });
  }

  @TestFactory
  List<DynamicTest> newParametersTakeEffect() {
    return each(
        (cell, direction) -> {
          var shape = new CellShape(cell, 3, 7);
          var first = new Trial(shape, 4, 2, 1);
          var second = new Trial(shape, 4, 2, 2);
          try (RecurrentKernel used = kernel(shape, direction);
              RecurrentKernel fresh = kernel(shape, direction)) {
            first.run(used);

            Trial.Result result = second.run(used);

            requireClose("second", second, result, second.run(fresh), rounding());
          }
        });
  }

  /** Where NaN comes in, and how. */
  private enum Dirt {
    INPUT,
    STATE,
    OUTPUT_GRADIENT,
    STATE_GRADIENT;

    void put(Trial trial, Direction direction, int b) {
      // at the step that is read first, so that all others are behind it
      int first = direction == Direction.FORWARD ? 0 : trial.T - 1;
      int last = trial.T - 1 - first;
      int H = trial.shape.hiddenSize();
      switch (this) {
        case INPUT -> trial.x[(first * trial.B + b) * trial.shape.inputSize()] = Double.NaN;
        case STATE -> trial.h[b * H] = Double.NaN;
        case OUTPUT_GRADIENT -> trial.dy[(last * trial.B + b) * H] = Double.NaN;
        case STATE_GRADIENT -> trial.dhLast[b * H] = Double.NaN;
      }
    }

    boolean spoilsOutputs() {
      return this == INPUT || this == STATE;
    }
  }

  @TestFactory
  List<DynamicTest> notANumberStaysInItsSequence() {
    return each(
        (cell, direction) -> {
          int[] size = {4, 5, 3, 7};
          int b = 2;
          for (Dirt dirt : Dirt.values()) {
            Trial clean = trial(cell, size);
            Trial dirty = trial(cell, size);
            dirt.put(dirty, direction, b);
            try (RecurrentKernel kernel = kernel(clean.shape, direction)) {
              Trial.Result expected = clean.run(kernel);

              Trial.Result result = dirty.run(kernel);

              requireOnlyOneSpoiled(dirt, clean, result, expected, b);
            }
          }
        });
  }

  private static void requireOnlyOneSpoiled(
      Dirt dirt, Trial trial, Trial.Result result, Trial.Result expected, int spoiled) {
    int H = trial.shape.hiddenSize();
    int I = trial.shape.inputSize();
    for (int b = 0; b < trial.B; b++) {
      String of = dirt + ", sequence " + b + ": ";
      double[] y = columns(result.y(), trial, b, 1, H);
      double[] h = rows(result.hLast(), b, 1, H);
      double[] dx = columns(result.dx(), trial, b, 1, I);
      double[] dh = rows(result.dh(), b, 1, H);
      if (b == spoiled) {
        if (dirt.spoilsOutputs()) {
          assertThat(y).as(of + "y").containsOnly(Double.NaN);
          assertThat(h).as(of + "h").containsOnly(Double.NaN);
        }
        // NaN in every gate from there on reaches every input
        assertThat(dx).as(of + "dx").contains(Double.NaN);
        assertThat(dh).as(of + "dh").containsOnly(Double.NaN);
      } else {
        assertThat(y).as(of + "y").isEqualTo(columns(expected.y(), trial, b, 1, H));
        assertThat(h).as(of + "h").isEqualTo(rows(expected.hLast(), b, 1, H));
        assertThat(rows(result.cLast(), b, 1, H))
            .as(of + "c")
            .isEqualTo(rows(expected.cLast(), b, 1, H));
        assertThat(dx).as(of + "dx").isEqualTo(columns(expected.dx(), trial, b, 1, I));
        assertThat(dh).as(of + "dh").isEqualTo(rows(expected.dh(), b, 1, H));
        assertThat(rows(result.dc(), b, 1, H))
            .as(of + "dc")
            .isEqualTo(rows(expected.dc(), b, 1, H));
      }
    }
  }

  @TestFactory
  List<DynamicTest> thereIsNoWayBackWithoutAWayForth() {
    return each(
        (cell, direction) -> {
          var trial = new Trial(new CellShape(cell, 3, 7), 4, 2, 1);
          try (RecurrentKernel kernel = kernel(trial.shape, direction)) {
            Trial.Run run = trial.on(kernel);
            run.infer();

            assertThatThrownBy(() -> run.backward(0))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("Tape 0 holds no forward pass");
            run.forward(1);
            assertThatThrownBy(() -> run.backward(0)).hasMessage("Tape 0 holds no forward pass");
          }
        });
  }

  @TestFactory
  List<DynamicTest> closedTwiceHoldsNothing() {
    return each(
        (cell, direction) -> {
          var trial = new Trial(new CellShape(cell, 3, 7), 4, 2, 1);
          RecurrentKernel kernel = kernel(trial.shape, direction);
          trial.run(kernel);

          kernel.close();
          kernel.close();

          assertThat(kernel.nativeBytes()).isZero();
        });
  }

  final void requireClose(
      String name, Trial trial, Trial.Result actual, Trial.Result expected, double tolerance) {
    double steps = tolerance * Math.sqrt(trial.T);
    assertClose(name + " y", actual.y(), expected.y(), steps);
    assertClose(name + " h", actual.hLast(), expected.hLast(), steps);
    assertClose(name + " c", actual.cLast(), expected.cLast(), steps);
    assertClose(name + " dx", actual.dx(), expected.dx(), 4 * steps);
    assertClose(name + " dh", actual.dh(), expected.dh(), 4 * steps);
    assertClose(name + " dc", actual.dc(), expected.dc(), 4 * steps);
    assertClose(
        name + " gradients", actual.gradients(), expected.gradients(), ofSums(trial, tolerance));
  }

  /** A sum of n terms: about its rounding times √n. */
  private static double ofSums(Trial trial, double rounding) {
    return rounding * Math.sqrt((double) trial.T * trial.B) * 2;
  }

  /** A pass in other company does the same arithmetic: nothing is allowed. */
  private static void requireSamePass(String name, Trial.Result actual, Trial.Result expected) {
    assertThat(actual.y()).as(name + " y").isEqualTo(expected.y());
    assertThat(actual.hLast()).as(name + " h").isEqualTo(expected.hLast());
    assertThat(actual.cLast()).as(name + " c").isEqualTo(expected.cLast());
    assertThat(actual.dx()).as(name + " dx").isEqualTo(expected.dx());
    assertThat(actual.dh()).as(name + " dh").isEqualTo(expected.dh());
    assertThat(actual.dc()).as(name + " dc").isEqualTo(expected.dc());
  }

  /** Zero of either sign. */
  private static void requireZero(String name, double[] values) {
    for (int k = 0; k < values.length; k++) {
      assertThat(values[k] == 0).as("%s[%d] = %s", name, k, values[k]).isTrue();
    }
  }
}
