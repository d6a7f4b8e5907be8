package io.sluice.recurrent.memory;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.CellShape;
import io.sluice.recurrent.kernel.Kernels;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.Attention;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.model.WordEmbedding;
import java.util.List;
import org.junit.jupiter.api.Test;

class TrainingMemoryTest {
  private static final long MIB = 1 << 20;

  private static ModelSpec lstm(boolean bidirectional) {
    return lstm(512, bidirectional, Precision.F32);
  }

  private static ModelSpec lstm(int units, Precision precision) {
    return lstm(units, false, precision);
  }

  private static ModelSpec lstm(int units, boolean bidirectional, Precision precision) {
    return new ModelSpec(
        64,
        100,
        Cell.LSTM,
        List.of(units, units),
        bidirectional,
        0,
        ModelSpec.Output.LAST,
        List.of(),
        1,
        precision,
        Head.regression(1));
  }

  @Test
  void aStepOfTwoLayersOf512UnitsIsCountedPartByPart() {
    var memory = TrainingMemory.of(lstm(false), OptimizerSpec.Algorithm.ADAM, 128, 1, 1);

    // 4·512·(64 + 512 + 1) + 4·512·(512 + 512 + 1) + 513
    long parameters = 4L * (1_181_696 + 2_099_200 + 513);
    assertThat(memory.parameters()).isEqualTo(parameters);
    assertThat(memory.optimizer()).isEqualTo(2 * parameters);
    assertThat(memory.gradients()).isEqualTo(parameters);
    // two tapes of 6·512 numbers for 12,800 rows are 300 MiB
    assertThat(memory.kernels()).isBetween(300 * MIB, 365 * MIB);
    // four arrays of 12,800 by 512
    assertThat(memory.activations()).isBetween(100 * MIB, 101 * MIB);
    assertThat(memory.total())
        .isEqualTo(
            memory.parameters()
                + memory.optimizer()
                + memory.gradients()
                + memory.kernels()
                + memory.activations()
                + memory.besides());
    assertThat(memory.text())
        .isEqualTo(
            "%,d MiB: parameters 13, optimizer 26, gradients 13, recurrent layers %,d, activations 101, besides 48"
                .formatted((memory.total() + MIB - 1) / MIB, (memory.kernels() + MIB - 1) / MIB));
  }

  /** Also where whole passes of that length would be beyond any memory. */
  @Test
  void aStepTakesAsMuchInLongSeriesAsInShortOnes() {
    for (Precision precision : List.of(Precision.F32, Precision.BF16)) {
      ModelSpec words = documents(1000, precision);
      ModelSpec longer = documents(100_000, precision);

      double ratio = (double) TrainingMemory.perStep(longer) / TrainingMemory.perStep(words);

      assertThat(ratio).isBetween(0.95, 1.05);
      // of the embedding, the outputs and their gates at least
      assertThat(TrainingMemory.perStep(words)).isGreaterThan(4 * (256 + 6 * 1024) / 2);
    }
  }

  private static ModelSpec documents(int tokens, Precision precision) {
    return new ModelSpec(
            1,
            tokens,
            Cell.LSTM,
            List.of(1024),
            false,
            0,
            ModelSpec.Output.LAST,
            List.of(),
            1,
            precision,
            Head.classes(2, List.of()))
        .with(WordEmbedding.of(100, 256));
  }

  @Test
  void threadsHoldTheirShareAndMicroBatchesOneAfterTheOther() {
    ModelSpec spec = lstm(false);
    var one = TrainingMemory.of(spec, OptimizerSpec.Algorithm.SGD, 128, 1, 1);
    var two = TrainingMemory.of(spec, OptimizerSpec.Algorithm.SGD, 128, 2, 1);
    var cut = TrainingMemory.of(spec, OptimizerSpec.Algorithm.SGD, 128, 1, 4);

    assertThat(two.optimizer()).isZero();
    assertThat(two.gradients()).isEqualTo(2 * one.gradients());
    assertThat(two.activations()).isEqualTo(one.activations());
    assertThat(two.kernels()).isGreaterThan(one.kernels());
    assertThat(cut.gradients()).isEqualTo(2 * one.gradients());
    assertThat(cut.activations()).isEqualTo(one.activations() / 4);
    assertThat(cut.kernels()).isLessThan(one.kernels() / 2);
  }

  @Test
  void aBatchIsCutWhereMuchIsKeptAndManyWindowsAreIn() {
    ModelSpec large = lstm(false);

    // 456 MiB kept for 128 windows
    assertThat(TrainingMemory.microBatches(large, 128, 1)).isEqualTo(4);
    assertThat(TrainingMemory.microBatches(large, 128, 2)).isEqualTo(2);
    assertThat(TrainingMemory.microBatches(large, 63, 1)).isEqualTo(1);
    assertThat(TrainingMemory.microBatches(large, 1024, 1)).isBetween(26, 32);
    assertThat(TrainingMemory.microBatches(lstm(8, Precision.F32), 1024, 1)).isEqualTo(1);
  }

  @Test
  void whatIsMultipliedInBf16IsNotCut() {
    ModelSpec large = lstm(512, Precision.BF16);
    boolean multiplies =
        Kernels.computesInBf16(new CellShape(Cell.LSTM, 64, 512), Precision.BF16, false);

    assertThat(TrainingMemory.microBatches(large, 128, 1)).isEqualTo(multiplies ? 1 : 4);
  }

  private static ModelSpec documents(int tokens, ModelSpec.Output output, Precision precision) {
    return new ModelSpec(
            1,
            tokens,
            Cell.LSTM,
            List.of(128),
            true,
            0,
            output,
            List.of(),
            1,
            precision,
            Head.classes(2, List.of()))
        .with(WordEmbedding.of(1000, 64));
  }

  private static ModelSpec nextWord(int words) {
    return new ModelSpec(
            1,
            35,
            Cell.LSTM,
            List.of(32),
            false,
            0,
            ModelSpec.Output.SEQUENCE,
            List.of(),
            1,
            Precision.F32,
            Head.classes(words, List.of()))
        .with(WordEmbedding.of(words, 16));
  }

  @Test
  void logitsOfManyWordsAreHeldByEachThreadHoweverABatchIsCut() {
    for (int microBatches : new int[] {1, 5}) {
      // 64 rows of 250,000 words, and all 350 or 70 of 10
      int few = 350 / microBatches;
      long logits = 2 * 4L * (64 * 250_000 - few * 10);

      assertThat(
              TrainingMemory.reserved(nextWord(250_000), 20, 2, microBatches)
                  - TrainingMemory.reserved(nextWord(10), 20, 2, microBatches))
          .isEqualTo(logits);
      assertThat(
              TrainingMemory.of(nextWord(250_000), OptimizerSpec.Algorithm.SGD, 20, 2, microBatches)
                      .activations()
                  - TrainingMemory.of(
                          nextWord(10), OptimizerSpec.Algorithm.SGD, 20, 2, microBatches)
                      .activations())
          .isEqualTo(logits);
    }
  }

  /** A second pass adds to the gradient of the first, and moves rows by numbers that are kept. */
  @Test
  void adversarialPassesHoldASecondGradientAndHowFarRowsAreMoved() {
    ModelSpec plain = documents(200, ModelSpec.Output.LAST, Precision.F32);
    ModelSpec moved = plain.with(new WordEmbedding(1000, 64, false, 0, false, 0.5));

    NativeMemory once = TrainingMemory.of(plain, OptimizerSpec.Algorithm.SGD, 64, 2, 1);
    NativeMemory twice = TrainingMemory.of(moved, OptimizerSpec.Algorithm.SGD, 64, 2, 1);

    assertThat(twice.gradients() - once.gradients())
        .isEqualTo(2 * (once.parameters() - 4 * 1000 * 64));
    assertThat(twice.activations() - once.activations())
        .isEqualTo(64L * plain.lookBack() * 64 * Float.BYTES);
    assertThat(twice.kernels()).isEqualTo(once.kernels());
  }

  @Test
  void documentsHoldBesidesWhatTheirPaddingIsTakenOutOf() {
    ModelSpec last = documents(200, ModelSpec.Output.LAST, Precision.F32);
    ModelSpec sequence = documents(200, ModelSpec.Output.SEQUENCE, Precision.F32);

    long kernels = TrainingMemory.of(last, OptimizerSpec.Algorithm.SGD, 64, 2, 1).kernels();
    long ofStream = TrainingMemory.of(sequence, OptimizerSpec.Algorithm.SGD, 64, 2, 1).kernels();

    // x and dx of 64, y and dy of 128 numbers, for two threads of 32 and both directions
    assertThat(kernels - ofStream).isEqualTo(2 * 2 * 4L * 200 * 32 * (64 + 128 + 64 + 128));
  }

  @Test
  void batchesAreCutUntilAProcessFitsIntoItsLimit() {
    for (Precision precision : new Precision[] {Precision.F32, Precision.BF16}) {
      ModelSpec spec = documents(1000, ModelSpec.Output.LAST, precision);
      long whole =
          Math.max(
              TrainingMemory.reserved(spec, 64, 2, 1),
              TrainingMemory.of(spec, OptimizerSpec.Algorithm.ADAM, 64, 2, 1).total());

      int free = TrainingMemory.microBatches(spec, 64, 2);
      int within =
          TrainingMemory.microBatches(spec, OptimizerSpec.Algorithm.ADAM, 64, 2, whole / 2);
      int tooLittle = TrainingMemory.microBatches(spec, OptimizerSpec.Algorithm.ADAM, 64, 2, MIB);

      assertThat(free).isEqualTo(1);
      assertThat(within).isBetween(2, 4);
      assertThat(TrainingMemory.reserved(spec, 64, 2, within)).isLessThanOrEqualTo(whole / 2);
      assertThat(tooLittle).isEqualTo(32);
      assertThat(
              TrainingMemory.microBatches(
                  spec, OptimizerSpec.Algorithm.ADAM, 64, 2, Long.MAX_VALUE))
          .isEqualTo(free);
    }
  }

  @Test
  void documentsOfManyThousandTokensAreTakenFewAtOnce() {
    for (Precision precision : new Precision[] {Precision.F32, Precision.BF16}) {
      ModelSpec spec = documents(131_072, ModelSpec.Output.LAST, precision);
      int share = 32;

      int pieces = TrainingMemory.microBatches(spec, 2 * share, 2);

      var memory = TrainingMemory.of(spec, OptimizerSpec.Algorithm.SGD, 2 * share, 2, pieces);
      assertThat(pieces).isBetween(2, share);
      assertThat(memory.kernels() + memory.activations()).isLessThan(2 * 2 * 2048 * MIB);
    }
  }

  @Test
  void bothDirectionsHoldTwice() {
    var one = TrainingMemory.of(lstm(false), OptimizerSpec.Algorithm.SGD, 128, 1, 1);
    var both = TrainingMemory.of(lstm(true), OptimizerSpec.Algorithm.SGD, 128, 1, 1);

    assertThat(both.kernels()).isGreaterThan(2 * one.kernels());
    long head = 128 * 4L; // one output a window, whatever is below
    // and two of six arrays as scratch, where one direction has four half as large
    assertThat(both.activations() - head).isEqualTo(3 * (one.activations() - head));
  }

  @Test
  void layerNormalisationHoldsItsOutputsAndNothingElse() {
    ModelSpec plain = lstm(false);
    var normalised =
        new ModelSpec(
            plain.inputSize(),
            plain.lookBack(),
            plain.cell(),
            plain.hiddenSizes(),
            plain.bidirectional(),
            plain.dropout(),
            plain.output(),
            plain.denseSizes(),
            plain.forgetBias(),
            plain.precision(),
            plain.head(),
            Attention.NONE,
            true,
            false,
            0);

    var without = TrainingMemory.of(plain, OptimizerSpec.Algorithm.SGD, 128, 1, 1);
    var with = TrainingMemory.of(normalised, OptimizerSpec.Algorithm.SGD, 128, 1, 1);

    assertThat(with.activations() - without.activations()).isEqualTo(2L * 128 * 100 * 512 * 4);
  }

  @Test
  void rowsOfAnEmbeddingAreNotHeldTwiceForMicroBatches() {
    var spec =
        new ModelSpec(
                1,
                35,
                Cell.LSTM,
                List.of(64),
                false,
                0,
                ModelSpec.Output.LAST,
                List.of(),
                1,
                Precision.F32,
                Head.classes(2, List.of()))
            .with(WordEmbedding.of(10_000, 32));
    long rows = 4L * 10_000 * 32;
    long others = 4L * (4 * 64 * (32 + 64 + 1) + 2 * 64 + 2);

    var one = TrainingMemory.of(spec, OptimizerSpec.Algorithm.ADAM, 64, 2, 1);
    var cut = TrainingMemory.of(spec, OptimizerSpec.Algorithm.ADAM, 64, 2, 2);

    assertThat(one.parameters()).isEqualTo(rows + others);
    assertThat(one.gradients()).isEqualTo(2 * (rows + others));
    assertThat(cut.gradients()).isEqualTo(2 * (rows + 2 * others));
    // outputs of 35 steps of 32 windows a thread, 32 numbers of the embedding's and 64, and 2
    // gradients
    assertThat(one.activations()).isGreaterThan(2L * 4 * 35 * 32 * (32 + 64 + 2 * 64) - 1);
  }
}
