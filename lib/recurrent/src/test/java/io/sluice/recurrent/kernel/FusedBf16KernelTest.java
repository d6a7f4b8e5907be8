package io.sluice.recurrent.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
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
