package io.sluice.recurrent.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class KernelsTest {
  private static final CellShape LSTM = new CellShape(Cell.LSTM, 3, 7);

  @Test
  void eachCellAndPrecisionHasItsFastestKernels() {
    for (Cell cell : Cell.values()) {
      for (Precision precision : Precision.values()) {
        try (RecurrentKernel kernel =
            Kernels.create(new CellShape(cell, 3, 7), Direction.FORWARD, precision, null, true)) {
          assertThat(kernel.name())
              .isEqualTo(
                  cell == Cell.LAYERNORM_LSTM
                      ? "fused f32 over oneDNN"
                      : precision == Precision.F32
                          ? "fused f32 over oneDNN, inference oneDNN f32"
                          : "oneDNN bf16");
        }
      }
    }
  }

  @Test
  void withoutBf16TheResultsAreThoseOfF32() {
    var trial = new Trial(LSTM, 4, 3, 1);
    try (RecurrentKernel fallback =
            Kernels.create(LSTM, Direction.FORWARD, Precision.BF16, null, false);
        RecurrentKernel plain =
            Kernels.create(LSTM, Direction.FORWARD, Precision.F32, null, false)) {
      assertThat(trial.run(fallback).gradients()).isEqualTo(trial.run(plain).gradients());
      assertThat(fallback.name()).isEqualTo("fused f32 over oneDNN, inference oneDNN f32");
    }
  }

  @Test
  void withoutOneDnnTheFusedKernelRuns() {
    try (RecurrentKernel kernel =
        Kernels.create(
            LSTM, Direction.FORWARD, Precision.F32, "no dnnl in java.library.path", false)) {
      assertThat(kernel.name()).isEqualTo("fused f32 over OpenBLAS");
    }
  }

  @Test
  void sizesOfZeroAreRefused() {
    assertThatThrownBy(() -> new CellShape(Cell.GRU, 0, 4))
        .hasMessage("A GRU needs at least 1 input and 1 unit, but has I=0, H=4");
  }

  @Test
  void parametersFollowTheFormulas() {
    // 4·(I·H + H² + H), Hochreiter's LSTM at the sizes of many textbooks
    assertThat(new CellShape(Cell.LSTM, 100, 128).parameterCount()).isEqualTo(117_248);
    assertThat(new CellShape(Cell.PEEPHOLE_LSTM, 100, 128).parameterCount())
        .isEqualTo(117_248 + 3 * 128);
    assertThat(new CellShape(Cell.LAYERNORM_LSTM, 100, 128).parameterCount())
        .isEqualTo(117_248 + 10 * 128);
    assertThat(new CellShape(Cell.GRU, 100, 128).parameterCount())
        .isEqualTo(3 * (100 * 128 + 128 * 128 + 128) + 128);
    assertThat(new CellShape(Cell.RNN, 100, 128).parameterCount())
        .isEqualTo(100 * 128 + 128 * 128 + 128);
    assertThatThrownBy(() -> new CellShape(Cell.RNN, 1, 1).parameter("P"))
        .hasMessage("A tanh RNN has no parameter P; it has [W, RW, b]");
  }
}
