package io.sluice.benchmarks.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TrendTest {
  private static final double[] SECONDS = IntStream.range(0, 60).mapToDouble(i -> 10 * i).toArray();

  @Test
  void aLeakGrowsForCertain() {
    double[] leaking =
        IntStream.range(0, 60).mapToDouble(i -> 1000 + 5 * i + 30 * Math.sin(7 * i)).toArray();

    Trend trend = Trend.of(SECONDS, leaking);

    assertThat(trend.perHour()).isEqualTo(3600 * 0.5, within(90.0)); // the wave tilts it by 5 %
    assertThat(trend.certainGrowth()).isBetween(250.0, 295.0);
  }

  @Test
  void noiseAroundALevelDoesNot() {
    double[] steady =
        IntStream.range(0, 60).mapToDouble(i -> 1000 + 30 * Math.sin(7 * i)).toArray();

    assertThat(Trend.of(SECONDS, steady).certainGrowth()).isZero();
  }

  @Test
  void twoSamplesHaveNoTrend() {
    assertThatThrownBy(() -> Trend.of(new double[] {0, 1}, new double[] {5, 6}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("2 samples have no trend, expected 3 or more");
  }
}
