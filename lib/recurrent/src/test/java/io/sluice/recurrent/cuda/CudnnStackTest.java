package io.sluice.recurrent.cuda;

import static io.sluice.recurrent.TensorAssert.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.DeviceMemoryException;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** On a machine with a GPU; {@link GpuCheck} compares many more sizes with the reference. */
class CudnnStackTest {
  private static CudaContext context;

  @BeforeAll
  static void machineHasAGpu() {
    Assumptions.assumeTrue(Cuda.problem().isEmpty(), () -> Cuda.problem().get());
    context = new CudaContext(0);
  }

  @AfterAll
  static void closeContext() {
    if (context != null) {
      context.close();
    }
  }

  private static StackTrial trial(StackShape shape, int[] lengths) {
    return new StackTrial(shape, shape.parts(), 9, 5, lengths, true, 3);
  }

  @ParameterizedTest
  @EnumSource(
      value = Cell.class,
      names = {"LSTM", "GRU", "RNN"})
  void bidirectionalLayersOverSequencesOfManyLengthsAgreeWithTheReference(Cell cell) {
    var shape = new StackShape(cell, 7, 13, 3, true);
    StackTrial trial = trial(shape, new int[] {3, 9, 1, 9, 5});
    try (var stack = new CudnnStack(context, shape, CudaPrecision.F32)) {
      StackTrial.Result actual = trial.run(stack);

      // float32 sums through three layers
      StackTrial.Result expected = trial.expected();
      assertClose("y", actual.y(), expected.y(), 1e-5);
      assertClose("h", actual.hLast(), expected.hLast(), 1e-5);
      assertClose("dx", actual.dx(), expected.dx(), 3e-5);
      assertClose("dh", actual.dh(), expected.dh(), 3e-5);
      assertClose("gradients", actual.gradients(), expected.gradients(), 1e-4);
    }
  }

  @ParameterizedTest
  @EnumSource(CudaPrecision.class)
  void aReplayedPassGivesTheBitsOfAQueuedOne(CudaPrecision precision) {
    var shape = new StackShape(Cell.LSTM, 7, 33, 2, false);
    StackTrial trial = trial(shape, null);
    try (var stack = new CudnnStack(context, shape, precision)) {
      StackTrial.Result queued = trial.run(stack);
      // the second is recorded and replayed, those after it are timed both ways
      for (int pass = 2; pass <= 10; pass++) {
        StackTrial.Result again = trial.run(stack);

        assertThat(again.y()).isEqualTo(queued.y());
        assertThat(again.cLast()).isEqualTo(queued.cLast());
        assertThat(again.dx()).isEqualTo(queued.dx());
        assertThat(again.gradients()).isEqualTo(queued.gradients());
      }
      assertThat(stack.waysOf(0)).doesNotContain("both");
    }
  }

  @Test
  void aReplayedPassSeesNewParametersAndInputs() {
    var shape = new StackShape(Cell.GRU, 7, 33, 2, false);
    StackTrial first = trial(shape, null);
    StackTrial second = new StackTrial(shape, shape.parts(), 9, 5, null, true, 4);
    try (var used = new CudnnStack(context, shape, CudaPrecision.F32);
        var fresh = new CudnnStack(context, shape, CudaPrecision.F32)) {
      for (int k = 0; k < 9; k++) {
        first.run(used);
      }

      StackTrial.Result actual = second.run(used);

      StackTrial.Result expected = second.run(fresh);
      assertThat(actual.y()).isEqualTo(expected.y());
      assertThat(actual.gradients()).isEqualTo(expected.gradients());
    }
  }

  @Test
  void halfPrecisionTellsAnOverflowOfGradientsAndForgetsIt() {
    var shape = new StackShape(Cell.LSTM, 7, 13, 2, false);
    StackTrial trial = trial(shape, null);
    try (var stack = new CudnnStack(context, shape, CudaPrecision.F16)) {
      stack.setLossScale(1 << 20);
      trial.run(stack);
      assertThat(stack.overflowed()).isTrue();

      stack.setLossScale(1 << 4);
      StackTrial.Result actual = trial.run(stack);

      assertThat(stack.overflowed()).isFalse();
      // 11 bits, and gradients divided by the scale again
      assertClose("gradients", actual.gradients(), trial.expected().gradients(), 5e-2);
    }
  }

  @ParameterizedTest
  @EnumSource(CudaPrecision.class)
  void memoryOnTheDeviceIsWhatWasPlanned(CudaPrecision precision) {
    var shape = new StackShape(Cell.LSTM, 7, 64, 2, true);
    try (var own = new CudaContext(0);
        var stack = new CudnnStack(own, shape, precision)) {
      long planned = stack.trainingBytes(9, 5);

      trial(shape, null).run(stack);

      assertThat(stack.deviceBytes() + own.deviceBytes()).isEqualTo(planned);
    }
  }

  @Test
  void memoryThatTheDeviceLacksIsToldWithWhatToDo() {
    try (var buffer = new DeviceBuffer()) {
      assertThatThrownBy(() -> buffer.atLeast(1L << 50, "what backward needs of 9 steps"))
          .isInstanceOf(DeviceMemoryException.class)
          .hasMessage(
              "The GPU has no 1048576.0 GiB left for what backward needs of 9 steps. Lower the batch size or the sequence length, give each GPU to one task, or set device = cpu.");
    }
    var shape = new StackShape(Cell.LSTM, 7, 13, 1, false);
    try (var stack = new CudnnStack(context, shape, CudaPrecision.F32)) {
      assertThat(trial(shape, null).run(stack).y()).doesNotContain(Double.NaN);
    }
  }

  @Test
  void aStackOnADeviceGivesItsMemoryBack() {
    var shape = new StackShape(Cell.LSTM, 7, 64, 2, true);
    var stack = new CudnnStack(context, shape, CudaPrecision.BF16);
    trial(shape, null).run(stack);
    assertThat(stack.deviceBytes()).isGreaterThan(9 * 5 * 64 * 4 * 2);

    stack.close();
    stack.close();

    assertThat(stack.deviceBytes()).isZero();
    assertThat(stack.hostBytes()).isZero();
  }

  @Test
  void whatACallerGetsWrongIsNamed() {
    var shape = new StackShape(Cell.LSTM, 7, 13, 1, false);
    StackTrial trial = trial(shape, null);
    FloatPointer x = StackTrial.floats(trial.x);
    FloatPointer y = StackTrial.room(trial.dy.length);
    try (var stack = new CudnnStack(context, shape, CudaPrecision.F32)) {
      assertThatThrownBy(() -> stack.infer(9, 5, null, x, null, y, null))
          .hasMessage("The stack has no parameters yet: set them first");
      stack.setParameters(StackTrial.floats(trial.parameters));
      assertThatThrownBy(() -> stack.infer(9, 5, new int[] {9, 9}, x, null, y, null))
          .hasMessage("lengths has 2 numbers, expected one for each of B=5 sequences");
      assertThatThrownBy(() -> stack.infer(9, 5, new int[] {9, 9, 0, 9, 9}, x, null, y, null))
          .hasMessage("lengths[2] is 0, must be from 1 to T=9");
      assertThatThrownBy(() -> stack.setLossScale(0))
          .hasMessage("A loss scale must be positive and finite, but is 0.0");
      stack.forward(0, 9, 5, null, x, null, y, null);
      stack.backward(0, y, null, null, null);
      assertThatThrownBy(() -> stack.backward(0, y, null, null, null))
          .hasMessage("Tape 0 holds no forward pass");
    }
  }
}
