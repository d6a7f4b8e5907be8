package io.sluice.benchmarks.recurrent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.benchmarks.recurrent.RecurrentBenchmark.ThreadedWorkload;
import org.junit.jupiter.api.Test;

class RecurrentBenchmarkTest {
  @Test
  void withoutArgumentsMeasuresTheLstmEverywhereAndOtherCellsAtTheSecondShape() {
    RecurrentBenchmark benchmark = parsed();

    assertThat(benchmark.plan()).hasSize(3 * 2 * 2 + 5);
    assertThat(benchmark.plan())
        .filteredOn(each -> each.workload().cell() == Cell.GRU)
        .containsExactly(
            new ThreadedWorkload(new Workload(Shape.ALL.get(1), Cell.GRU, Precision.F32), 1));
    assertThat(benchmark.sides).containsExactly(Side.values());
    // at least 7 blocks
    assertThat(benchmark.starts * benchmark.blocks).isEqualTo(8);
  }

  @Test
  void argumentsPickAPart() {
    RecurrentBenchmark benchmark =
        parsed(
            "--shapes=1,3",
            "--threads=2",
            "--precision=bf16",
            "--cells=gru",
            "--contestants=sluice,libtorch",
            "--parts=latency",
            "--blocks=9");

    assertThat(benchmark.plan())
        .containsExactly(
            new ThreadedWorkload(new Workload(Shape.ALL.get(0), Cell.GRU, Precision.BF16), 2),
            new ThreadedWorkload(new Workload(Shape.ALL.get(2), Cell.GRU, Precision.BF16), 2));
    assertThat(benchmark.sides).containsExactly(Side.SLUICE, Side.LIBTORCH);
    assertThat(benchmark.parts).containsExactly(Comparison.Part.LATENCY);
    assertThat(benchmark.blocks).isEqualTo(9);
  }

  @Test
  void ourNetworkOnOneThreadTakesPartWhereOthersHaveTwo() {
    assertThat(Side.SLUICE_ONE_THREAD.takesPart(Precision.F32, 1)).isFalse();
    assertThat(Side.SLUICE_ONE_THREAD.takesPart(Precision.F32, 2)).isTrue();
    assertThat(Side.SLUICE_ONE_THREAD.threads(2)).isEqualTo(1);
    assertThat(Side.SLUICE.threads(2)).isEqualTo(2);
    assertThat(Side.of("sluice-one-thread")).isEqualTo(Side.SLUICE_ONE_THREAD);
  }

  @Test
  void autocastTakesPartWhereThereIsSomethingToCast() {
    assertThat(Side.LIBTORCH_AUTOCAST.takesPart(Precision.F32, 1)).isFalse();
    assertThat(Side.LIBTORCH_AUTOCAST.takesPart(Precision.BF16, 1)).isTrue();
  }

  @Test
  void anUnknownCellIsRefusedWithTheKnownOnes() {
    assertThatThrownBy(() -> parsed("--cells=elman"))
        .hasMessageContaining(
            "elman is not a cell; there are [lstm, bidirectional-lstm, peephole-lstm,"
                + " layernorm-lstm, gru, rnn]");
  }

  private static RecurrentBenchmark parsed(String... arguments) {
    var benchmark = new RecurrentBenchmark();
    RecurrentBenchmark.commandLine(benchmark).parseArgs(arguments);
    return benchmark;
  }
}
