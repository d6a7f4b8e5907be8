package io.sluice.recurrent.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DeviceMemoryTest {
  /** What two layers held on an H200 at T = 100: {@code deviceMebibytes} of gpu-kernel.json. */
  @ParameterizedTest
  @CsvSource({
    "LSTM, 100, 128, 64, 133, 113",
    "LSTM, 64, 512, 128, 521, 379",
    "LSTM, 128, 1024, 128, 1102, 817",
    "GRU, 100, 128, 64, 385, 362",
    "GRU, 64, 512, 128, 735, 568",
    "GRU, 128, 1024, 128, 1176, 842"
  })
  void isALittleMoreThanWhatWasMeasured(Cell cell, int I, int H, int B, long f32, long f16) {
    assertThat(plannedMebibytes(cell, Precision.F32, I, H, B) / f32).isBetween(1.0, 1.13);
    assertThat(plannedMebibytes(cell, Precision.F16, I, H, B) / f16).isBetween(1.0, 1.13);
  }

  private static double plannedMebibytes(Cell cell, Precision precision, int I, int H, int B) {
    return DeviceMemory.ofKernel(cell, precision, I, H, 2, 100L * B, B, 1) / (double) (1 << 20);
  }
}
