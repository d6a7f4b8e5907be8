package io.sluice.recurrent.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.CellShape;
import io.sluice.recurrent.kernel.Kernels;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.WordEmbedding;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BlockSecondsTest {
  /** Training on one thread in {@code lib/benchmarks/results/recurrent.json}, in milliseconds. */
  @ParameterizedTest
  @CsvSource({
    "LSTM, F32, false, 32, 50, 16, 64, 7.705",
    "LSTM, F32, false, 64, 100, 100, 128, 102.3",
    "LSTM, F32, false, 128, 100, 64, 512, 2543",
    "LSTM, BF16, false, 32, 50, 16, 64, 5.494",
    "LSTM, BF16, false, 64, 100, 100, 128, 63.64",
    "LSTM, BF16, false, 128, 100, 64, 512, 1439",
    "LSTM, F32, true, 64, 100, 100, 128, 253.6",
    "PEEPHOLE_LSTM, F32, false, 64, 100, 100, 128, 101.3",
    "LAYERNORM_LSTM, F32, false, 64, 100, 100, 128, 143.9",
    "GRU, F32, false, 64, 100, 100, 128, 82.12",
    "RNN, F32, false, 64, 100, 100, 128, 28.27"
  })
  void saysWhatWasRecorded(
      Cell cell,
      Precision precision,
      boolean bidirectional,
      int B,
      int T,
      int I,
      int H,
      double ms) {
    ModelSpec spec = spec(cell, precision, bidirectional, T, I, H);
    if (precision == Precision.BF16
        && !Kernels.computesInBf16(new CellShape(cell, I, H), precision, false)) {
      return;
    }

    double seconds = 0;
    var model = new BlockSeconds(spec);
    for (int block = 0; block < 2; block++) {
      seconds += model.forward(block, T, B) + model.backward(block, T, B);
    }
    seconds += model.head(B);

    assertThat(1e3 * seconds / ms).isBetween(0.94, 1.06);
  }

  @Test
  void chunksAndMicroBatchesTakeLongerTheShorterTheyAre() {
    var model = new BlockSeconds(spec(Cell.LSTM, Precision.F32, false, 100, 64, 512));

    double whole = model.forward(1, 100, 64) + model.backward(1, 100, 64);
    double chunks = 20 * (model.forward(1, 5, 64) + model.backward(1, 5, 64));
    double microBatches = 8 * (model.forward(1, 100, 8) + model.backward(1, 100, 8));

    assertThat(chunks / whole).isBetween(1.01, 1.2);
    assertThat(microBatches / whole).isBetween(1.05, 1.2);
  }

  @Test
  void theLowestLayerGivesNoGradientOfItsInput() {
    var model = new BlockSeconds(spec(Cell.LSTM, Precision.F32, false, 100, 512, 512));

    assertThat(model.forward(0, 100, 64)).isEqualTo(model.forward(1, 100, 64));
    assertThat(model.backward(0, 100, 64) / model.backward(1, 100, 64)).isBetween(0.7, 0.8);
  }

  @Test
  void anEmbeddingThatLearnsWantsAGradientOfTheLowestLayersInput() {
    ModelSpec words = spec(Cell.LSTM, Precision.F32, false, 100, 1, 512);
    var learning = new BlockSeconds(words.with(WordEmbedding.of(10_000, 512)));
    var frozen = new BlockSeconds(words.with(new WordEmbedding(10_000, 512, true, 0, false)));

    double forward = learning.forward(1, 100, 64);
    double backward = learning.backward(1, 100, 64);

    assertThat(learning.forward(0, 100, 64) / forward).isBetween(1.001, 1.05);
    assertThat(learning.backward(0, 100, 64) / backward).isBetween(1.001, 1.05);
    assertThat(frozen.backward(0, 100, 64) / backward).isBetween(0.7, 0.8);
  }

  private static ModelSpec spec(
      Cell cell, Precision precision, boolean bidirectional, int T, int I, int H) {
    return new ModelSpec(
        I,
        T,
        cell,
        List.of(H, H),
        bidirectional,
        0,
        ModelSpec.Output.LAST,
        List.of(),
        1,
        precision,
        Head.regression(1));
  }
}
