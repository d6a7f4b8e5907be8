package io.sluice.recurrent.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.Logger;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KernelsTest {
  private static final CellShape LSTM = new CellShape(Cell.LSTM, 3, 7);

  @Test
  void eachCellAndPrecisionHasItsFastestKernels() {
    for (Cell cell : Cell.values()) {
      for (Precision precision : Precision.values()) {
        try (RecurrentKernel kernel =
            Kernels.onCpu(
                new CellShape(cell, 3, 7), Direction.FORWARD, precision, false, null, true)) {
          assertThat(kernel.name())
              .isEqualTo(
                  cell == Cell.LAYERNORM_LSTM
                      ? "fused f32 over oneDNN"
                      : precision == Precision.BF16
                          ? "oneDNN bf16"
                          : "fused f32 over oneDNN, inference oneDNN f32");
        }
      }
    }
  }

  @Test
  void withoutBf16TheResultsAreThoseOfF32() {
    for (Cell cell : Cell.values()) {
      var shape = new CellShape(cell, 3, 7);
      var trial = new Trial(shape, 4, 3, 1);
      try (RecurrentKernel fallback =
              Kernels.onCpu(shape, Direction.FORWARD, Precision.BF16, false, null, false);
          RecurrentKernel plain =
              Kernels.onCpu(shape, Direction.FORWARD, Precision.F32, false, null, false)) {
        Trial.Result result = trial.run(fallback);
        Trial.Result expected = trial.run(plain);
        assertThat(fallback.name()).isEqualTo(plain.name()).contains("f32");
        assertThat(result.y()).isEqualTo(expected.y());
        assertThat(result.dx()).isEqualTo(expected.dx());
        assertThat(result.gradients()).isEqualTo(expected.gradients());
      }
    }
  }

  @Test
  void fromSixHundredUnitsOnBf16TrainsOnProducts() {
    for (int units : new int[] {599, 600}) {
      try (RecurrentKernel kernel =
          Kernels.onCpu(
              new CellShape(Cell.LSTM, 3, units),
              Direction.FORWARD,
              Precision.BF16,
              false,
              null,
              true)) {
        assertThat(kernel.name())
            .isEqualTo(
                units < 600 ? "oneDNN bf16" : "fused bf16 over oneDNN, inference oneDNN bf16");
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"LSTM, F32", "LSTM, BF16", "LAYERNORM_LSTM, F32"})
  void whatPassesWithoutAWayBackHoldIsFreedWithTheTapes(Cell cell, Precision precision) {
    var trial = new Trial(new CellShape(cell, 8, 16), 20, 5, 3);
    boolean bf16 = precision == Precision.BF16;
    assumeTrue(!bf16 || OneDnn.multipliesBf16(), "this processor does not multiply bfloat16");
    try (RecurrentKernel kernel =
        Kernels.onCpu(trial.shape, Direction.FORWARD, precision, false, null, bf16)) {
      trial.train(kernel);
      kernel.freeTapes();
      long trained = kernel.nativeBytes();

      double[] outputs = trial.on(kernel).infer().y();
      assertThat(kernel.nativeBytes()).isGreaterThan(trained);
      kernel.freeTapes();

      assertThat(kernel.nativeBytes()).isLessThanOrEqualTo(trained);
      assertThat(trial.on(kernel).infer().y()).isEqualTo(outputs);
    }
  }

  @Test
  void whatIsNotAsAskedIsWarnedOfWithItsCost() {
    var layerNorm = new CellShape(Cell.LAYERNORM_LSTM, 3, 7);

    assertThat(Kernels.warning(LSTM, Precision.F32, false, null, false)).isEmpty();
    assertThat(Kernels.warning(layerNorm, Precision.F32, false, null, false)).isEmpty();
    assertThat(Kernels.warning(LSTM, Precision.BF16, false, null, true)).isEmpty();
    assertThat(Kernels.warning(LSTM, Precision.BF16, false, null, false))
        .hasValue(
            "Using float32 for bf16: this processor has no AVX512-BF16. Results are those of f32; on one that has it, steps take about 0.6 of the time. Set model.precision = f32 to say so.");
    assertThat(Kernels.warning(LSTM, Precision.TF32, false, null, false)).isEmpty();
    assertThat(Kernels.warning(LSTM, Precision.F16, false, null, true))
        .hasValue(
            "Using float32 for f16: only a GPU multiplies in half precision, and this layer computes on a CPU. Results are those of f32. Set model.precision = f32 to say so, or bf16, which some CPUs have.");
    assertThat(Kernels.warning(LSTM, Precision.F32, true, null, true)).isEmpty();
    assertThat(Kernels.warning(LSTM, Precision.BF16, true, null, true))
        .hasValue(
            "Using float32 for bf16: the bf16 kernel cannot drop recurrent state. Set model.precision = f32 to say so, or model.recurrent-dropout = 0.");
    // no other processor would help
    for (boolean multipliesBf16 : new boolean[] {true, false}) {
      assertThat(Kernels.warning(layerNorm, Precision.BF16, false, null, multipliesBf16))
          .hasValue(
              "Using float32 for bf16: the layer-norm LSTM has no bf16 kernel. Set model.precision = f32 to say so.");
    }
    assertThat(
            Kernels.warning(LSTM, Precision.BF16, false, "no jnidnnl in java.library.path", false))
        .hasValue(
            "Using the fused recurrent kernel over OpenBLAS: oneDNN does not load (no jnidnnl in java.library.path). Steps take up to 1.5 times as long; put the natives of org.bytedeco:dnnl and org.bytedeco:opencl for this platform on the class path.");
  }

  @Test
  void aWarningIsLoggedOnceAProcess() {
    var logged = new ArrayList<String>();
    var appender =
        new AbstractAppender("test", null, null, true, null) {
          @Override
          public void append(LogEvent event) {
            logged.add(event.getLevel() + " " + event.getMessage().getFormattedMessage());
          }
        };
    appender.start();
    var logger = (Logger) LogManager.getLogger(Kernels.class);
    logger.addAppender(appender);
    try {
      for (int layer = 0; layer < 3; layer++) {
        Kernels.onCpu(LSTM, Direction.FORWARD, Precision.F32, false, "a test of warnings", false)
            .close();
      }
    } finally {
      logger.removeAppender(appender);
    }

    assertThat(logged)
        .containsExactly(
            "WARN "
                + Kernels.warning(LSTM, Precision.F32, false, "a test of warnings", false)
                    .orElseThrow());
  }

  @Test
  void withoutOneDnnTheFusedKernelRuns() {
    try (RecurrentKernel kernel =
        Kernels.onCpu(
            LSTM, Direction.FORWARD, Precision.F32, false, "no dnnl in java.library.path", false)) {
      assertThat(kernel.name()).isEqualTo("fused f32 over OpenBLAS");
    }
  }

  @Test
  void sizesOfZeroAreRefused() {
    assertThatThrownBy(() -> new CellShape(Cell.GRU, 0, 4))
        .hasMessage("A GRU needs at least 1 input and 1 unit, but has I=0, H=4");
    assertThatThrownBy(() -> new CellShape(Cell.LSTM, 3, 0))
        .hasMessage("A LSTM needs at least 1 input and 1 unit, but has I=3, H=0");
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
