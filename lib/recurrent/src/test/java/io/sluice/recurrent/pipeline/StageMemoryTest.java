package io.sluice.recurrent.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.recurrent.head.VocabularyOutput;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.CellShape;
import io.sluice.recurrent.kernel.Kernels;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.layer.TimeChunk;
import io.sluice.recurrent.memory.NativeMemory;
import io.sluice.recurrent.memory.TrainingMemory;
import io.sluice.recurrent.model.Attention;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.model.Regularizers;
import io.sluice.recurrent.model.WordEmbedding;
import io.sluice.recurrent.optim.SmallModels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class StageMemoryTest {
  private static final int T = 12;

  /** A stage of a network that computes a step. */
  record Case(ModelSpec spec, List<Integer> stages, int chunkSteps, int windows, int microBatches) {
    @Override
    public String toString() {
      return "%s %s %s%s%s%s, stages %s, chunks of %d, %d windows in %d"
          .formatted(
              spec.cell(),
              spec.precision(),
              spec.hiddenSizes(),
              spec.bidirectional() ? " both ways" : "",
              spec.layerNorm() ? " normalised" : "",
              spec.embedding().passes() > 1
                  ? " over moved words"
                  : spec.hasEmbedding() ? " over words" : "",
              stages,
              chunkSteps,
              windows,
              microBatches);
    }
  }

  static List<Case> cases() {
    var cases = new ArrayList<Case>();
    for (Cell cell : Cell.values()) {
      cases.add(new Case(spec(cell, Precision.F32, false, false), List.of(0, 0, 1, 1), 4, 36, 3));
    }
    for (boolean normalised : new boolean[] {false, true}) {
      ModelSpec one = spec(Cell.LSTM, Precision.F32, false, normalised);
      cases.add(new Case(one, List.of(0, 1, 2, 3), 3, 24, 2));
      cases.add(new Case(one, List.of(0, 0, 0, 0), 12, 24, 2));
      cases.add(new Case(one, List.of(0, 0, 0, 1), 5, 24, 1));
      ModelSpec both = spec(Cell.LSTM, Precision.F32, true, normalised);
      cases.add(new Case(both, List.of(0, 0, 1, 1), 12, 24, 6));
      cases.add(new Case(both, List.of(0, 1, 1, 2), 12, 20, 5));
    }
    ModelSpec bf16 = spec(Cell.LSTM, Precision.BF16, false, false);
    cases.add(new Case(bf16, List.of(0, 0, 1, 1), 4, 36, 3));
    cases.add(new Case(bf16, List.of(0, 1, 2, 2), 12, 32, 2));
    ModelSpec words = overWords(false);
    cases.add(new Case(words, List.of(0, 0, 1, 1), 4, 36, 3));
    cases.add(new Case(words, List.of(0, 0, 0, 0), 12, 24, 2));
    cases.add(new Case(overWords(true), List.of(0, 1, 1, 1), 12, 24, 6));
    ModelSpec moved = words.with(new WordEmbedding(30, 56, false, 0, false, 0.5));
    cases.add(new Case(moved, List.of(0, 0, 1, 1), 4, 36, 3));
    return cases;
  }

  private static ModelSpec overWords(boolean bidirectional) {
    return new ModelSpec(
        1,
        T,
        Cell.LSTM,
        List.of(64, 48, 80),
        bidirectional,
        0,
        ModelSpec.Output.LAST,
        List.of(),
        1,
        Precision.F32,
        Head.classes(2, List.of()),
        Attention.NONE,
        false,
        false,
        0,
        WordEmbedding.of(30, 56),
        new Regularizers(0.2, null, 0.3, 0, 0));
  }

  private static ModelSpec spec(
      Cell cell, Precision precision, boolean bidirectional, boolean normalised) {
    return new ModelSpec(
        20,
        T,
        cell,
        List.of(64, 48, 80),
        bidirectional,
        0.2,
        ModelSpec.Output.LAST,
        List.of(),
        1,
        precision,
        Head.regression(1),
        Attention.NONE,
        normalised,
        false,
        precision == Precision.F32 && cell == Cell.LSTM && !normalised ? 0.2 : 0);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void everyStageHoldsWhatIsPlanned(Case one) {
    var placement = new Placement(one.stages);
    var chunks = new Chunks(T, one.chunkSteps);
    var schedule = new Schedule(placement.count(), one.microBatches, chunks.count());
    int b = one.windows / one.microBatches;
    for (int stage = 0; stage < placement.count(); stage++) {
      int first = placement.first(stage);
      int end = placement.end(stage);
      var planned = new BlockMemory(one.spec, OptimizerSpec.Algorithm.ADAM, chunks, b);
      double tapes = planned.tapes(schedule, stage);
      double kernels = planned.kernels(tapes, first, end);
      if (Kernels.computesInBf16(
          new CellShape(one.spec.cell(), 1, 1),
          one.spec.precision(),
          one.spec.recurrentDropout() > 0)) {
        kernels /= TrainingMemory.TOUCHED_IN_BF16;
      }
      double all =
          kernels + planned.activations(tapes, first, end) + planned.moves(schedule, first);

      try (var network = new StageNetwork(one.spec, SmallModels.ADAM, placement, stage, 1)) {
        step(network, schedule, stage, chunks, b, one.spec.hasEmbedding());

        assertThat(all / network.nativeBytes()).isBetween(0.99, 1.01);
        assertThat(planned.parameters(first, end)).isEqualTo(network.network().numParams());
      }
    }
  }

  @Test
  void whatALastStageHoldsCountsItsHeadAndIsFreedWithIt() {
    var placement = new Placement(List.of(0, 0, 1, 1));
    var chunks = new Chunks(T, 4);
    var schedule = new Schedule(placement.count(), 3, chunks.count());
    int b = 12;
    int attentionSize = 16;
    var held = new ArrayList<Long>();
    for (Attention attention : List.of(Attention.NONE, Attention.additive(attentionSize))) {
      var spec =
          new ModelSpec(
              20,
              T,
              Cell.LSTM,
              List.of(64, 48, 80),
              false,
              0.2,
              ModelSpec.Output.LAST,
              List.of(),
              1,
              Precision.F32,
              Head.regression(1),
              attention,
              true,
              false,
              0);
      var network = new StageNetwork(spec, SmallModels.ADAM, placement, 1, 1);
      step(network, schedule, 1, chunks, b, false);
      held.add(network.nativeBytes());

      network.close();

      assertThat(network.nativeBytes()).isZero();
    }
    // what attention keeps of each time step
    assertThat(held.get(1) - held.get(0)).isEqualTo((long) Float.BYTES * T * b * attentionSize);
  }

  /** A stage's units, on zeros. */
  private static void step(
      StageNetwork network,
      Schedule schedule,
      int stage,
      Chunks chunks,
      int b,
      boolean areDocuments) {
    int[] lengths = new int[b];
    Arrays.setAll(lengths, example -> T - example % 3);
    var examples = new Examples(new long[b], areDocuments ? lengths : null, Nd4j.zeros(b, 1), null);
    network.begin(1);
    network.beginPass(false, schedule.microBatches() * b, chunks.timeSteps());
    for (Unit unit : schedule.units(stage)) {
      var chunk =
          new TimeChunk(
              chunks.first(unit.chunk()),
              chunks.length(unit.chunk()),
              chunks.timeSteps(),
              b,
              unit.microBatch() * b,
              examples.lengths());
      if (unit.isForward()) {
        Pointer x = network.input(unit.tape(), chunk);
        Pointer.memset(x, 0, (long) chunk.rows() * network.inputs() * Float.BYTES);
        network.forward(unit.tape(), chunk, examples);
      } else {
        INDArray dy = Nd4j.zeros(chunk.rows(), network.outputs());
        network.backward(
            unit.tape(),
            chunk,
            examples,
            network.isLast() ? null : dy.data().addressPointer(),
            null);
      }
    }
  }

  @Test
  void aStageIsCountedPartByPart() {
    ModelSpec spec = spec(Cell.LSTM, Precision.F32, false, false);
    var placement = new Placement(List.of(0, 0, 1, 1));
    var chunks = new Chunks(T, 4);

    NativeMemory lower =
        StageMemory.of(spec, OptimizerSpec.Algorithm.ADAM, placement, 0, chunks, 36, 3);
    NativeMemory upper =
        StageMemory.of(spec, OptimizerSpec.Algorithm.SGD, placement, 1, chunks, 36, 3);

    // 4·64·(20 + 64 + 1) + 4·48·(64 + 48 + 1)
    assertThat(lower.parameters()).isEqualTo(4 * (21_760 + 21_696));
    assertThat(lower.optimizer()).isEqualTo(2 * lower.parameters());
    assertThat(lower.gradients()).isEqualTo(lower.parameters());
    assertThat(upper.optimizer()).isZero();
    // the head's 81 are added up
    assertThat(upper.gradients()).isEqualTo(upper.parameters() + 2 * 4 * 81);
    assertThat(lower.total())
        .isEqualTo(
            lower.parameters()
                + lower.optimizer()
                + lower.gradients()
                + lower.kernels()
                + lower.activations()
                + lower.besides());
    assertThat(lower.text())
        .matches(
            "\\d+ MiB: parameters 1, optimizer 1, gradients 1, recurrent layers \\d, activations \\d, besides 48");
  }

  /** Logits of all words and what else a softmax computes in. */
  @Test
  void theLastStageOfALanguageModelHasItsSoftmax() {
    int V = 20_000;
    ModelSpec words =
        new ModelSpec(
                1,
                T,
                Cell.LSTM,
                List.of(16, 16, 16),
                false,
                0,
                ModelSpec.Output.SEQUENCE,
                List.of(),
                1,
                Precision.F32,
                Head.classes(V, List.of()))
            .with(WordEmbedding.of(V, 8));
    var placement = new Placement(List.of(0, 0, 1, 1));
    int b = 12;

    List<Long> activations =
        IntStream.range(0, 2)
            .mapToObj(
                stage ->
                    StageMemory.of(
                            words,
                            OptimizerSpec.Algorithm.SGD,
                            placement,
                            stage,
                            new Chunks(T, 4),
                            b,
                            1)
                        .activations())
            .toList();

    long softmax = VocabularyOutput.trainingBytes(V, 16, null, Precision.F32, (long) b * T);
    assertThat(softmax).isGreaterThan((long) Float.BYTES * V);
    assertThat(activations.get(1)).isBetween(softmax, softmax + (8 << 20));
    assertThat(activations.get(0)).isLessThan(8 << 20);
  }

  @Test
  void lowerStagesKeepMoreChunks() {
    ModelSpec spec =
        new ModelSpec(
            48,
            96,
            Cell.LSTM,
            List.of(48, 48, 48, 48),
            false,
            0,
            ModelSpec.Output.LAST,
            List.of(),
            1,
            Precision.F32,
            Head.regression(1));
    var placement = new Placement(List.of(0, 1, 2, 3, 3));

    List<Long> kernels =
        List.of(0, 1, 2, 3).stream()
            .map(
                stage ->
                    StageMemory.of(
                            spec,
                            OptimizerSpec.Algorithm.ADAM,
                            placement,
                            stage,
                            new Chunks(96, 12),
                            256,
                            8)
                        .kernels())
            .toList();

    long step = kernels.get(0) - kernels.get(1);
    assertThat(step).isPositive();
    assertThat(kernels.get(1) - kernels.get(2)).isEqualTo(step);
    assertThat(kernels.get(2) - kernels.get(3)).isEqualTo(step);
  }
}
