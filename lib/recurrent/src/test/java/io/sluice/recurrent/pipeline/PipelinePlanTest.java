package io.sluice.recurrent.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.memory.NativeMemory;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.ModelSummary;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.model.WordEmbedding;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PipelinePlanTest {
  private static final int B = 64;
  private static final int T = 100;
  private static final long MIB = 1 << 20;

  private static ModelSpec lstm(boolean bidirectional, Integer... hiddenSizes) {
    return new ModelSpec(
        64,
        T,
        Cell.LSTM,
        List.of(hiddenSizes),
        bidirectional,
        0,
        ModelSpec.Output.LAST,
        List.of(),
        1,
        Precision.F32,
        Head.regression(1));
  }

  private static PipelinePlan plan(ModelSpec spec, PipelineWishes wishes) {
    return PipelinePlan.of(spec, OptimizerSpec.Algorithm.ADAM, B, wishes);
  }

  private static double slowest(PipelinePlan plan) {
    return plan.stages().stream().mapToDouble(PipelinePlan.Stage::busySeconds).max().orElseThrow();
  }

  @Test
  void fourEqualLayersAreSpreadOneToAStageAndFillThePipelineWithTimeChunks() {
    ModelSpec spec = lstm(false, 256, 256, 256, 256);

    PipelinePlan plan = plan(spec, PipelineWishes.ofStages(4));

    assertThat(plan.placement().stages()).containsExactly(0, 1, 2, 3, 3);
    assertThat(plan.chunks().count()).isGreaterThan(1);
    assertThat(plan.schedule().units()).isGreaterThanOrEqualTo(12);
    assertThat(plan.speedUp()).isBetween(2.7, 4.0);
    assertThat(plan.bubble()).isBetween(0.0, 0.3);
    assertThat(plan.windowsPerSecond()).isCloseTo(B / plan.stepSeconds(), within(1e-9));
    assertThat(plan.stages().stream().mapToLong(PipelinePlan.Stage::parameters).sum())
        .isEqualTo(ModelSummary.of(spec).parameters());
    // 256 numbers of each of 100 steps of 64 windows, up and down
    long border = 4L * 256 * T * B;
    assertThat(plan.stages().stream().map(PipelinePlan.Stage::bytesUp))
        .containsExactly(border, border, border, 0L);
    assertThat(plan.stages().stream().map(PipelinePlan.Stage::bytesDown))
        .containsExactly(0L, border, border, border);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4})
  void noOtherPlacementHasAFasterSlowestStage(int stages) {
    ModelSpec spec = lstm(false, 256, 64, 192, 32, 128);
    var wishes = PipelineWishes.ofStages(stages).withChunkSteps(25).withMicroBatches(3);
    double chosen = slowest(plan(spec, wishes));

    int tried = 0;
    for (int cuts = 0; cuts < 1 << 5; cuts++) {
      if (Integer.bitCount(cuts) == stages - 1) {
        int at = cuts;
        List<Integer> stageOf =
            IntStream.range(0, 6)
                .mapToObj(block -> Integer.bitCount(at & ((1 << block) - 1)))
                .toList();
        PipelinePlan other = plan(spec, wishes.placedAs(new Placement(stageOf)));
        assertThat(slowest(other)).isGreaterThanOrEqualTo(chosen - 1e-12);
        tried++;
      }
    }
    assertThat(tried).isGreaterThanOrEqualTo(5);
  }

  @Test
  void whatIsWishedIsKept() {
    var placement = new Placement(List.of(0, 0, 1));
    var wishes =
        PipelineWishes.ofStages(2).placedAs(placement).withChunkSteps(30).withMicroBatches(5);

    PipelinePlan plan = plan(lstm(false, 64, 64), wishes);

    assertThat(plan.placement()).isEqualTo(placement);
    assertThat(plan.chunkSteps()).isEqualTo(30);
    assertThat(plan.chunks().count()).isEqualTo(4);
    assertThat(plan.microBatches()).isEqualTo(5);
    assertThat(plan.stages().get(1).layers()).isEqualTo("head");
    assertThat(plan.stages().get(1).memory())
        .isEqualTo(
            StageMemory.of(
                lstm(false, 64, 64),
                OptimizerSpec.Algorithm.ADAM,
                placement,
                1,
                plan.chunks(),
                B,
                5));
  }

  @Test
  void bidirectionalLayersReadWholeSeriesAndFillThePipelineWithMicroBatches() {
    PipelinePlan plan = plan(lstm(true, 128, 128), PipelineWishes.ofStages(2));

    assertThat(plan.chunkSteps()).isEqualTo(T);
    assertThat(plan.microBatches()).isGreaterThan(1);
    assertThat(plan.text()).contains("the whole series of 100 steps, as bidirectional layers read");
  }

  @Test
  void oneStageIsOneProcess() {
    PipelinePlan plan = plan(lstm(false, 128, 128), PipelineWishes.ofStages(1));

    assertThat(plan.chunkSteps()).isEqualTo(T);
    assertThat(plan.speedUp()).isCloseTo(1, within(1e-9));
    assertThat(plan.bubble()).isZero();
  }

  @Test
  void aLimitOfMemoryMovesTheCutOrCutsTheBatchSmaller() {
    ModelSpec spec = lstm(false, 512, 512, 512, 512);
    PipelinePlan free = plan(spec, PipelineWishes.ofStages(2));
    long limit =
        free.stages().stream().mapToLong(s -> s.memory().total()).max().orElseThrow() * 2 / 3;

    PipelinePlan within = plan(spec, PipelineWishes.ofStages(2).within(limit));

    assertThat(within.stages()).allMatch(stage -> stage.memory().total() <= limit);
    assertThat(within.stepSeconds()).isGreaterThan(free.stepSeconds());
  }

  @Test
  void isATableForAPerson() {
    var memory = new NativeMemory(MIB, 2 * MIB, MIB, 1000 * MIB, 200 * MIB, 48 * MIB);
    var plan =
        new PipelinePlan(
            new Placement(List.of(0, 0, 1, 1)),
            100,
            25,
            2,
            63,
            false,
            List.of(
                new PipelinePlan.Stage(
                    "recurrent layers 0 to 1", 1_234_567, memory, 0, 0.3, MIB, 0),
                new PipelinePlan.Stage(
                    "recurrent layer 2 and head", 98_765, memory, 0, 0.1, 0, 3 * MIB / 2)),
            0.5,
            0.2,
            0.8);

    assertThat(plan.text())
        .isEqualTo(
            """
            stage  layers                             parameters  MiB memory  share of compute   MiB sent
            0      recurrent layers 0 to 1             1,234,567       1,252            75.0 %        1.0
            1      recurrent layer 2 and head             98,765       1,252            25.0 %        1.5
            expected: 126 windows/s, 1.60 times one process's 79; stages wait 20.0 % of the time; 8 units a step: 2 micro-batches of up to 32 windows × 4 time chunks of 25 steps"""
                .replace("\n", System.lineSeparator()));
  }

  /** V·E = 100,000 · 64 are 24.4 MiB. */
  private static ModelSpec languageModel(boolean tied) {
    return new ModelSpec(
            1,
            35,
            Cell.LSTM,
            List.of(64, 64),
            false,
            0,
            ModelSpec.Output.SEQUENCE,
            List.of(),
            1,
            Precision.F32,
            Head.classes(100_000, List.of()))
        .with(new WordEmbedding(100_000, 64, false, 0, tied));
  }

  @Test
  void anEmbeddingIsPlannedWithTheLowestLayerAndItsRowsForAHeadThatIsTiedToIt() {
    var wishes =
        PipelineWishes.ofStages(2).placedAs(new Placement(List.of(0, 0, 1))).withMicroBatches(2);
    long rows = 4L * 100_000 * 64;

    PipelinePlan own = plan(languageModel(false), wishes);
    PipelinePlan tied = plan(languageModel(true), wishes);

    assertThat(own.stages().get(0).layers()).isEqualTo("embedding, recurrent layers 0 to 1");
    assertThat(own.text()).contains("0      embedding, recurrent layers 0 to 1    6,466,048 ");
    assertThat(own.stages().get(0).parameters()).isEqualTo(6_400_000 + 2 * 33_024);
    assertThat(tied.stages().get(0).parameters()).isEqualTo(own.stages().get(0).parameters());
    assertThat(tied.stages().get(1).parameters()).isEqualTo(100_000);
    assertThat(tied.stages().get(0).bytesUp()).isEqualTo(own.stages().get(0).bytesUp() + rows);
    assertThat(tied.stages().get(1).bytesDown()).isEqualTo(own.stages().get(1).bytesDown() + rows);
    // the gradient that comes back; the copy, its gradient and their sum in place of its own
    assertThat(tied.stages().get(0).memory().gradients())
        .isEqualTo(own.stages().get(0).memory().gradients() + rows);
    assertThat(tied.stages().get(1).memory().gradients()).isEqualTo(3 * 4 * 100_000 + 2 * rows);
    assertThat(tied.stages().get(1).memory().parameters()).isEqualTo(4 * 100_000 + rows);
  }

  @Test
  void wishesThatCannotBeAreRefused() {
    ModelSpec spec = lstm(false, 64, 64, 64);

    refused(
        spec,
        PipelineWishes.ofStages(5),
        PipelineRefusal.Wish.STAGES,
        "must be 1 to 4, one for each of 3 recurrent layers and one for what is above, but is 5");
    refused(
        spec,
        PipelineWishes.ofStages(0),
        PipelineRefusal.Wish.STAGES,
        "must be 1 to 4, one for each of 3 recurrent layers and one for what is above, but is 0");
    refused(
        spec,
        PipelineWishes.ofStages(2).placedAs(new Placement(List.of(0, 1, 1))),
        PipelineRefusal.Wish.PLACEMENT,
        "must name a stage for each of 3 recurrent layers and for what is above, but is [0, 1, 1]");
    refused(
        spec,
        PipelineWishes.ofStages(3).placedAs(new Placement(List.of(0, 0, 1, 1))),
        PipelineRefusal.Wish.PLACEMENT,
        "must use all of 3 stages and no other, but is [0, 0, 1, 1] with 2");
    refused(
        spec,
        PipelineWishes.ofStages(2).withChunkSteps(101),
        PipelineRefusal.Wish.CHUNK_STEPS,
        "must be 1 to 100, the time steps that the network looks back, but is 101");
    refused(
        lstm(true, 64, 64),
        PipelineWishes.ofStages(2).withChunkSteps(50),
        PipelineRefusal.Wish.CHUNK_STEPS,
        "must be 100, the whole series, because bidirectional layers read it from both ends, but is 50");
    refused(
        spec,
        PipelineWishes.ofStages(2).withMicroBatches(65),
        PipelineRefusal.Wish.MICRO_BATCHES,
        "must be 1 to 64, the windows of a replica's share of a batch, but is 65");
  }

  @Test
  void whatDoesNotFitIsRefusedWithWhatWould() {
    ModelSpec spec = lstm(false, 512, 512, 512, 512);

    refused(
        spec,
        PipelineWishes.ofStages(2).within(140 * MIB),
        PipelineRefusal.Wish.MEMORY,
        "must leave each stage within 140 MiB, but stage 1 of [0, 0, 1, 1, 1] (recurrent layers 2 to 3 and head) needs 148 MiB: parameters 17, optimizer 33, gradients 17, recurrent layers 35, activations 2, besides 48, with 64 micro-batches of up to 1 window. It would fit with 3 stages, or with 148 MiB for each rank.");
    refused(
        spec,
        PipelineWishes.ofStages(5).within(90 * MIB),
        PipelineRefusal.Wish.MEMORY,
        "must leave each stage within 90 MiB, but stage 1 of [0, 1, 2, 3, 4] (recurrent layer 1 alone) needs 99 MiB: parameters 9, optimizer 17, gradients 9, recurrent layers 18, activations 1, besides 48, with 64 micro-batches of up to 1 window. Nothing smaller is left: give each rank 99 MiB, or make the layer smaller.");
    refused(
        spec,
        PipelineWishes.ofStages(2)
            .placedAs(new Placement(List.of(0, 0, 0, 0, 1)))
            .withMicroBatches(1)
            .withChunkSteps(50)
            .within(450 * MIB),
        PipelineRefusal.Wish.MEMORY,
        "must leave each stage within 450 MiB, but stage 0 of [0, 0, 0, 0, 1] (recurrent layers 0 to 3) needs 630 MiB: parameters 29, optimizer 58, gradients 29, recurrent layers 392, activations 76, besides 48, with 1 micro-batch of up to 64 windows. It would fit with 4 micro-batches, or with placement [0, 0, 1, 1, 1], or with 3 stages, or with 630 MiB for each rank.");
  }

  @Test
  void aGpuThatIsTooSmallMovesTheCutOrIsNamedWithWhatWouldFit() {
    ModelSpec spec = lstm(false, 512, 512, 1024, 1024);
    var wishes = PipelineWishes.ofStages(2).withMicroBatches(1).withChunkSteps(T);
    PipelinePlan free = plan(spec, wishes);
    assertThat(free.placement().stages()).containsExactly(0, 0, 0, 1, 1);
    long largest =
        free.stages().stream().mapToLong(PipelinePlan.Stage::deviceBytes).max().orElse(0);

    PipelinePlan within = plan(spec, wishes.onDevicesOf(largest - 1));

    assertThat(within.placement().stages()).containsExactly(0, 0, 1, 1, 1);
    assertThat(within.stages()).allMatch(stage -> stage.deviceBytes() < largest);
    refused(
        spec,
        wishes.onDevicesOf(300 * MIB),
        PipelineRefusal.Wish.DEVICE_MEMORY,
        "must leave each stage within 300 MiB of its GPU's memory, but stage 1 of [0, 0, 1, 1, 1] (recurrent layers 2 to 3 and head) needs 982 MiB there, with 1 micro-batch of up to 64 windows. It would fit with 32 micro-batches, or with 982 MiB for each GPU.");
    refused(
        spec,
        PipelineWishes.ofStages(5).onDevicesOf(80 * MIB),
        PipelineRefusal.Wish.DEVICE_MEMORY,
        "must leave each stage within 80 MiB of its GPU's memory, but stage 3 of [0, 1, 2, 3, 4] (recurrent layer 3 alone) needs 148 MiB there, with 64 micro-batches of up to 1 window. Nothing smaller is left: give each GPU 148 MiB, or make the layer smaller.");
  }

  private static void refused(
      ModelSpec spec, PipelineWishes wishes, PipelineRefusal.Wish wish, String message) {
    var refusal = catchThrowableOfType(PipelineRefusal.class, () -> plan(spec, wishes));

    assertThat(refusal).hasMessage(message);
    assertThat(refusal.wish()).isEqualTo(wish);
  }

  @Test
  void aLargePlanIsMadeInSeconds() {
    Integer[] sizes =
        IntStream.range(0, 16).mapToObj(k -> 64 + 16 * (k % 3)).toArray(Integer[]::new);
    long start = System.nanoTime();

    PipelinePlan plan = plan(lstm(false, sizes), PipelineWishes.ofStages(12).within(400 * MIB));

    assertThat((System.nanoTime() - start) / 1e9).isLessThan(10);
    assertThat(plan.stages()).hasSize(12);
  }
}
