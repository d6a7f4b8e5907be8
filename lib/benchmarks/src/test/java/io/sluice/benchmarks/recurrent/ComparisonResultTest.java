package io.sluice.benchmarks.recurrent;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.benchmarks.Turns.Times;
import io.sluice.benchmarks.recurrent.Comparison.Part;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ComparisonResultTest {
  private static final List<Side> BOTH = List.of(Side.SLUICE, Side.LIBTORCH);

  private final ComparisonResult result =
      new ComparisonResult(new Workload(new Shape(1, 1, 1, 1, 1), Cell.LSTM, Precision.F32), 1);

  @Test
  void blocksOfAllStartsAreComparedPerStep() {
    result.times(
        Part.TRAIN,
        BOTH,
        Map.of(
            "sluice", new Times("steps", 10, List.of(1.0, 1.0)),
            "libtorch", new Times("steps", 5, List.of(1.0, 2.0))));
    result.times(
        Part.TRAIN,
        BOTH,
        Map.of(
            "sluice", new Times("steps", 1, List.of(0.5)),
            "libtorch", new Times("steps", 1, List.of(1.5))));

    Ratio ratio = result.ratio(Part.TRAIN, Side.SLUICE, Side.LIBTORCH).orElseThrow();

    assertThat(ratio.blocks()).containsExactly(2.0, 3.0, 4.0);
  }

  @Test
  void thereIsNoRatioToWhoSatOut() {
    result.times(
        Part.TRAIN, List.of(Side.SLUICE), Map.of("sluice", new Times("steps", 1, List.of(1.0))));

    assertThat(result.ratio(Part.TRAIN, Side.SLUICE, Side.DL4J)).isEmpty();
    assertThat(result.ratio(Part.LATENCY, Side.SLUICE, Side.SLUICE)).isEmpty();
    assertThat(result.memoryRatio(Side.SLUICE, Side.DL4J)).isEmpty();
  }

  @Test
  void shareIsOfTheFastestProductAndMemoryTheMostOfAllStarts() {
    result.times(
        Part.TRAIN, List.of(Side.SLUICE), Map.of("sluice", new Times("steps", 2, List.of(2.0))));
    result.sgemm(24);
    result.sgemm(96);
    result.sgemm(48);
    result.memory(Side.SLUICE, 300);
    result.memory(Side.SLUICE, 200);
    result.memory(Side.DL4J, 600);

    // one weight row of 4 gates: 3 · 2 · 4 · (1 + 1) = 48 operations in one second
    assertThat(result.shareOfSgemm(Side.SLUICE)).hasValue(0.5);
    assertThat(result.memoryRatio(Side.SLUICE, Side.DL4J)).hasValue(0.5);
  }
}
