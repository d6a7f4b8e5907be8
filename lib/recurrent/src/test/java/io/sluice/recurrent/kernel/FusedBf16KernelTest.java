package io.sluice.recurrent.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class FusedBf16KernelTest extends KernelContract {
  @BeforeEach
  void processorMultipliesBf16() {
    assume(OneDnn.multipliesBf16(), "this processor does not multiply bfloat16");
  }

  @Override
  RecurrentKernel kernel(CellShape shape, Direction direction) {
    return new FusedKernel(shape, direction, new Bf16Products());
  }

  @TestFactory
  List<DynamicTest> holdsWhatIsPlanned() {
    return each(
        (cell, direction) -> {
          for (int[] size : new int[][] {{40, 33, 16}, {7, 3, 64}}) {
            var trial = new Trial(new CellShape(cell, size[2], 64), size[0], size[1], 17);
            try (RecurrentKernel kernel = kernel(trial.shape, direction)) {
              trial.train(kernel);
              long planned = FusedKernel.bf16TrainingBytes(trial.shape, size[0], size[1], 1);
              assertThat((double) kernel.nativeBytes() / planned).isBetween(0.9, 1.1);
            }
          }
        });
  }

  @Test
  void segmentsOfAnyNumberOfSequencesReadTheSameWeights() {
    var shape = new CellShape(Cell.LSTM, 16, 64);
    int most = 32;
    var trial = new Trial(shape, 8, most, 17);
    try (RecurrentKernel kernel = kernel(shape, Direction.FORWARD);
        var parameters = new FloatPointer(Trial.floats(trial.parameters));
        var gradients = new FloatPointer(shape.parameterCount())) {
      kernel.sumGradientsAt(gradients);
      for (int pass = 0; pass < 2; pass++) {
        kernel.setParameters(parameters);
        for (int B = most; B > 0; B--) {
          float[] actual = outputsAndInputGradients(kernel, trial, B);
          try (RecurrentKernel alone = kernel(shape, Direction.FORWARD)) {
            alone.setParameters(parameters);
            assertThat(actual).isEqualTo(outputsAndInputGradients(alone, trial, B));
          }
        }
        parameters.put(Trial.floats(new Trial(shape, 1, 1, 18).parameters));
      }

      long planned = FusedKernel.bf16TrainingBytes(shape, trial.T, most, 1);
      // a single sequence has them read in another order
      assertThat(kernel.nativeBytes()).isBetween(planned * 9 / 10, planned + planned / 10);
    }
  }

  /** Of a pass over B sequences of some of its numbers. */
  private static float[] outputsAndInputGradients(RecurrentKernel kernel, Trial trial, int B) {
    int outputs = trial.T * B * trial.shape.hiddenSize();
    int inputs = trial.T * B * trial.shape.inputSize();
    float[] both = new float[outputs + inputs];
    try (var x = new FloatPointer(Trial.floats(trial.x));
        var y = new FloatPointer((long) outputs);
        var dy = new FloatPointer(Trial.floats(trial.dy));
        var dx = new FloatPointer((long) inputs)) {
      kernel.forward(0, trial.T, B, x, null, y, null);
      kernel.backward(0, dy, null, dx, null);
      y.get(both, 0, outputs);
      dx.get(both, outputs, inputs);
    }
    return both;
  }

  @Override
  List<Cell> cells() {
    return List.of(Cell.LSTM, Cell.PEEPHOLE_LSTM, Cell.GRU, Cell.RNN);
  }

  @Override
  double tolerance() {
    // bfloat16 has 8 bits: inputs, weights, states and gradients of gates are off by up to 2e-3
    return 3e-2;
  }

  @Override
  double rounding() {
    // one bit of a bfloat16, where a sum in another order tips it
    return 4e-3;
  }
}
