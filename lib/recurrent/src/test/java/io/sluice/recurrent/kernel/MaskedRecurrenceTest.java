package io.sluice.recurrent.kernel;

import static io.sluice.recurrent.TensorAssert.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** A masked batch against its sequences one by one with the masked steps cut out. */
class MaskedRecurrenceTest {
  private static final int T = 6;
  private static final int I = 2;
  private static final int H = 3;

  /** Left, right, inside, none, all but one, all, and two of equal length. */
  private static final float[] MASK = {
    0, 0, 1, 1, 1, 1, //
    1, 1, 1, 0, 0, 0, //
    1, 0, 1, 1, 0, 1, //
    1, 1, 1, 1, 1, 1, //
    0, 0, 0, 1, 0, 0, //
    0, 0, 0, 0, 0, 0, //
    0, 1, 0, 1, 0, 1, //
  };

  private static final int B = MASK.length / T;

  static List<Arguments> cases() {
    var cases = new ArrayList<Arguments>();
    for (Cell cell : Cell.values()) {
      for (Direction direction : Direction.values()) {
        for (boolean exact : new boolean[] {false, true}) {
          cases.add(Arguments.of(cell, direction, exact));
        }
      }
    }
    return cases;
  }

  @ParameterizedTest(name = "{0} {1}, last state wanted: {2}")
  @MethodSource("cases")
  void equalsEachSequenceWithoutItsMaskedSteps(Cell cell, Direction direction, boolean exact) {
    var shape = new CellShape(cell, I, H);
    var trial = new Trial(shape, T, B, 5);
    var kernel = new ReferenceKernel(shape, direction);
    kernel.setParameters(new DoublePointer(trial.parameters));
    var y = new DoublePointer((long) T * B * H);
    var dx = new DoublePointer((long) T * B * I);
    State last = exact ? empty(cell, B) : null;
    State before = empty(cell, B);
    double[] sum = new double[trial.parameters.length];

    try (var masked = new MaskedRecurrence(kernel, direction, Double.BYTES)) {
      masked.forward(
          MASK, T, B, new DoublePointer(trial.x), state(cell, trial.h, trial.c), y, last);
      masked.backward(
          new DoublePointer(trial.dy),
          exact ? state(cell, trial.dhLast, trial.dcLast) : null,
          dx,
          before);
      var block = new DoublePointer((long) sum.length);
      kernel.takeGradients(block);
      double[] gradients = read(block, sum.length);

      for (int b = 0; b < B; b++) {
        requireAlone(trial, shape, direction, b, exact, y, last, dx, before, sum);
      }
      // sums over the same terms in another order
      assertClose("gradients", gradients, sum, 1e-12);
    }
  }

  private static void requireAlone(
      Trial trial,
      CellShape shape,
      Direction direction,
      int b,
      boolean exact,
      Pointer y,
      State last,
      Pointer dx,
      State before,
      double[] sum) {
    List<Integer> steps = new ArrayList<>();
    for (int t = 0; t < T; t++) {
      if (MASK[b * T + t] != 0) {
        steps.add(t);
      }
    }
    int n = steps.size();
    double[] h = row(trial.h, b, H);
    double[] c = row(trial.c, b, H);
    double[] dh = exact ? row(trial.dhLast, b, H) : new double[H];
    double[] dc = exact ? row(trial.dcLast, b, H) : new double[H];
    double[] expectedY = new double[T * H];
    double[] expectedDx = new double[T * I];
    double[] hLast = h;
    double[] cLast = c;
    if (n > 0) {
      var alone = new ReferenceKernel(shape, direction);
      alone.setParameters(new DoublePointer(trial.parameters));
      double[] x = new double[n * I];
      double[] dy = new double[n * H];
      for (int k = 0; k < n; k++) {
        System.arraycopy(trial.x, (steps.get(k) * B + b) * I, x, k * I, I);
        System.arraycopy(trial.dy, (steps.get(k) * B + b) * H, dy, k * H, H);
      }
      var ownY = new DoublePointer((long) n * H);
      var ownDx = new DoublePointer((long) n * I);
      State end = empty(shape.cell(), 1);
      State start = empty(shape.cell(), 1);
      alone.forward(0, n, 1, new DoublePointer(x), state(shape.cell(), h, c), ownY, end);
      alone.backward(0, new DoublePointer(dy), state(shape.cell(), dh, dc), ownDx, start);
      for (int k = 0; k < n; k++) {
        System.arraycopy(read(ownY, n * H), k * H, expectedY, steps.get(k) * H, H);
        System.arraycopy(read(ownDx, n * I), k * I, expectedDx, steps.get(k) * I, I);
      }
      var block = new DoublePointer((long) sum.length);
      alone.takeGradients(block);
      double[] gradients = read(block, sum.length);
      for (int k = 0; k < sum.length; k++) {
        sum[k] += gradients[k];
      }
      hLast = read(end.h(), H);
      dh = read(start.h(), H);
      if (shape.cell().hasCellState()) {
        cLast = read(end.c(), H);
        dc = read(start.c(), H);
      }
    }
    assertClose("y of " + b, sequence(read(y, T * B * H), b, H), expectedY, 1e-14);
    assertClose("dx of " + b, sequence(read(dx, T * B * I), b, I), expectedDx, 1e-14);
    assertClose("dh of " + b, row(read(before.h(), B * H), b, H), dh, 1e-14);
    if (exact) {
      assertClose("h of " + b, row(read(last.h(), B * H), b, H), hLast, 1e-14);
    }
    if (shape.cell().hasCellState()) {
      assertClose("dc of " + b, row(read(before.c(), B * H), b, H), dc, 1e-14);
      if (exact) {
        assertClose("c of " + b, row(read(last.c(), B * H), b, H), cLast, 1e-14);
      }
    }
  }

  @Test
  void stepsOfVeryDifferentLengthsAreNotComputed() {
    int steps = 100;
    float[] mask = new float[8 * steps];
    for (int b = 0; b < 8; b++) {
      for (int t = 0; t < (b == 0 ? steps : 10); t++) {
        mask[b * steps + t] = 1;
      }
    }

    Packing parted = Packing.of(mask, steps, 8, Direction.FORWARD, false, 5);
    Packing joined = Packing.of(mask, steps, 8, Direction.FORWARD, false, 10_000);

    assertThat(parted.sources()).hasSize(8 * 10 + 90);
    assertThat(parted.segments()).hasSize(2);
    assertThat(joined.sources()).hasSize(8 * steps);
    assertThat(joined.segments()).hasSize(1);
  }

  @Test
  void joinedSegmentsAreNeverDearerThanAnySplitInTwo() {
    var random = new Random(4);
    for (int round = 0; round < 50; round++) {
      int steps = 40;
      int sequences = 12;
      float[] mask = new float[sequences * steps];
      for (int b = 0; b < sequences; b++) {
        int length = 1 + random.nextInt(steps);
        for (int t = 0; t < length; t++) {
          mask[b * steps + t] = 1;
        }
      }
      long callCost = 1 + random.nextInt(100);

      Packing chosen = Packing.of(mask, steps, sequences, Direction.FORWARD, false, callCost);

      long cost = chosen.sources().length + callCost * chosen.segments().size();
      Packing exact = Packing.of(mask, steps, sequences, Direction.FORWARD, true, callCost);
      long longest = chosen.lengths()[0];
      assertThat(cost)
          .isLessThanOrEqualTo(exact.sources().length + callCost * exact.segments().size())
          .isLessThanOrEqualTo(longest * sequences + callCost);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Precision.class,
      names = {"F32", "BF16"})
  void passesOfAnyLengthsHoldNoMoreThanTheLargest(Precision precision) {
    var shape = new CellShape(Cell.LSTM, 16, 32);
    int steps = 60;
    int sequences = 8;
    long planned =
        Kernels.trainingBytes(shape, precision, false, steps, sequences, 1)
            + 2L * Float.BYTES * steps * sequences * (16 + 32);
    var random = new Random(3);
    try (var kernel = Kernels.create(shape, Direction.FORWARD, precision, false);
        var masked = new MaskedRecurrence(kernel, Direction.FORWARD, Float.BYTES);
        var x = new FloatPointer(steps * sequences * 16L);
        var y = new FloatPointer(steps * sequences * 32L);
        var h = new FloatPointer(sequences * 32L);
        var c = new FloatPointer(sequences * 32L);
        var parameters = new FloatPointer(shape.parameterCount());
        var gradients = new FloatPointer(shape.parameterCount())) {
      Pointer.memset(x, 0, x.capacity() * Float.BYTES);
      Pointer.memset(parameters, 0, parameters.capacity() * Float.BYTES);
      kernel.setParameters(parameters);
      kernel.sumGradientsAt(gradients);
      for (int pass = 0; pass < 40; pass++) {
        float[] mask = new float[steps * sequences];
        for (int b = 0; b < sequences; b++) {
          // each fourth pass has one segment, the others several that differ
          int length = pass % 4 == 0 ? steps : 1 + random.nextInt(steps);
          Arrays.fill(mask, b * steps, b * steps + length, 1);
        }
        // with the last state wanted, no segments are joined
        masked.forward(mask, steps, sequences, x, null, y, new State(h, c));
        masked.backward(y, null, null, null);
      }

      assertThat(masked.nativeBytes()).isBetween(planned / 2, planned + planned / 10);
    }
  }

  @Test
  void maskOfAnotherShapeIsRefused() {
    var shape = new CellShape(Cell.RNN, I, H);
    try (var masked =
        new MaskedRecurrence(
            new ReferenceKernel(shape, Direction.FORWARD), Direction.FORWARD, Double.BYTES)) {
      assertThatThrownBy(() -> masked.infer(new float[7], 3, 2, null, null, null, null))
          .hasMessage("mask has length 7, expected B*T = 6 (B=2, T=3)");
    }
  }

  private static State empty(Cell cell, int B) {
    return new State(
        new DoublePointer((long) B * H),
        cell.hasCellState() ? new DoublePointer((long) B * H) : null);
  }

  private static State state(Cell cell, double[] h, double[] c) {
    return new State(new DoublePointer(h), cell.hasCellState() ? new DoublePointer(c) : null);
  }

  private static double[] read(Pointer memory, int length) {
    double[] values = new double[length];
    new DoublePointer(memory).get(values);
    return values;
  }

  private static double[] row(double[] matrix, int b, int n) {
    return java.util.Arrays.copyOfRange(matrix, b * n, (b + 1) * n);
  }

  /** Sequence b of a (T, B, n) tensor. */
  private static double[] sequence(double[] tensor, int b, int n) {
    double[] sequence = new double[T * n];
    for (int t = 0; t < T; t++) {
      System.arraycopy(tensor, (t * B + b) * n, sequence, t * n, n);
    }
    return sequence;
  }
}
