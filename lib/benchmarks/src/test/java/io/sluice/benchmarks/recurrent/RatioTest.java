package io.sluice.benchmarks.recurrent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class RatioTest {
  @Test
  void comparesBlocksThatRanSideBySide() {
    Ratio ratio = Ratio.of(List.of(2.0, 4.0, 1.0), List.of(6.0, 8.0, 4.0));

    assertThat(ratio.median()).isEqualTo(3);
    assertThat(ratio.least()).isEqualTo(2);
    assertThat(ratio.most()).isEqualTo(4);
    assertThat(ratio).hasToString("3.00 (2.00 to 4.00, 3 blocks)");
  }

  @Test
  void medianOfAnEvenNumberLiesBetweenTheMiddleTwo() {
    assertThat(new Ratio(List.of(4.0, 1.0, 2.0, 10.0)).median()).isEqualTo(3);
  }

  @Test
  void refusesBlocksWithoutACounterpart() {
    assertThatThrownBy(() -> Ratio.of(List.of(1.0), List.of(1.0, 2.0)))
        .hasMessage("1 blocks cannot be compared with 2: each needs its counterpart");
    assertThatThrownBy(() -> new Ratio(List.of()))
        .hasMessage("A ratio needs at least 1 block, but has 0");
  }
}
