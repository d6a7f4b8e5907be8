package io.sluice.recurrent.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

class OneDnnBf16KernelTest extends KernelContract {
  @BeforeEach
  void processorMultipliesBf16() {
    assume(OneDnn.multipliesBf16(), "this processor does not multiply bfloat16");
  }

  @Override
  RecurrentKernel kernel(CellShape shape, Direction direction) {
    return new OneDnnKernel(shape, direction, Precision.BF16);
  }

  @TestFactory
  List<DynamicTest> holdsWhatIsPlanned() {
    return each(
        (cell, direction) -> {
          var trial = new Trial(new CellShape(cell, 16, 64), 40, 33, 17);
          try (RecurrentKernel kernel = kernel(trial.shape, direction)) {
            trial.run(kernel);
            long planned = OneDnnKernel.trainingBytes(trial.shape, Precision.BF16, 40, 33, 1);
            assertThat((double) kernel.nativeBytes() / planned).isBetween(0.9, 1.1);
          }
        });
  }

  @Override
  List<Cell> cells() {
    return List.of(Cell.LSTM, Cell.PEEPHOLE_LSTM, Cell.GRU, Cell.RNN);
  }

  @Override
  double tolerance() {
    // bfloat16 has 8 bits: inputs, weights and states are off by up to 2e-3 of themselves
    return 3e-2;
  }

  @Override
  double rounding() {
    // one bit of a bfloat16, where a sum in another order tips it
    return 4e-3;
  }
}
