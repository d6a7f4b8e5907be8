package io.sluice.recurrent.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class OneDnnKernelTest extends KernelContract {
  @Override
  RecurrentKernel kernel(CellShape shape, Direction direction) {
    return new OneDnnKernel(shape, direction, Precision.F32);
  }

  @Override
  List<Cell> cells() {
    return List.of(Cell.LSTM, Cell.PEEPHOLE_LSTM, Cell.GRU, Cell.RNN);
  }

  @Override
  double tolerance() {
    // float32 holds 6e-8; products of up to 207 + 207 terms and vectorised exponentials
    return 3e-6;
  }

  @Test
  void hasNoLayerNorm() {
    assertThatThrownBy(() -> kernel(new CellShape(Cell.LAYERNORM_LSTM, 1, 1), Direction.FORWARD))
        .hasMessage("oneDNN has no layer-norm LSTM");
  }

  @Test
  void memoryGrowsToTheLargestCallAndIsFreed() {
    var shape = new CellShape(Cell.LSTM, 3, 64);
    var kernel = kernel(shape, Direction.FORWARD);
    new Trial(shape, 20, 16, 1).run(kernel);
    long held = kernel.nativeBytes();

    new Trial(shape, 10, 16, 1).run(kernel);
    new Trial(shape, 20, 16, 1).run(kernel);
    long again = kernel.nativeBytes();
    kernel.close();

    // at least the four gates and the two states of each step
    assertThat(held).isGreaterThan(20L * 16 * 64 * 6 * Float.BYTES);
    assertThat(again).isEqualTo(held);
    assertThat(kernel.nativeBytes()).isZero();
  }
}
