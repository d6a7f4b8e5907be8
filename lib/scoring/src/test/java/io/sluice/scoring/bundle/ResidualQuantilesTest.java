package io.sluice.scoring.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ResidualQuantilesTest {
  @Test
  void quantilesOfResidualsAreThoseComputedByHand() {
    var sampler = new ResidualQuantiles.Sampler(1, 2, 100);
    // target 0: residuals 0, 1, 2, 3, 4; target 1: their tenfold, one of them unknown
    for (int n = 0; n < 5; n++) {
      float second = n == 4 ? Float.NaN : 10 * n + 7;
      sampler.add(new float[] {n + 5, second}, new float[] {5, 7}, 1);
    }

    ResidualQuantiles quantiles = sampler.quantiles(List.of(0.1, 0.5, 0.9));

    assertThat(quantiles.windows()).isEqualTo(5);
    // type 7: position (n − 1)·p
    assertThat(quantiles.at(0, 0, 0.1)).isCloseTo(0.4f, within(1e-6f));
    assertThat(quantiles.at(0, 0, 0.5)).isCloseTo(2f, within(1e-6f));
    assertThat(quantiles.at(0, 0, 0.9)).isCloseTo(3.6f, within(1e-6f));
    assertThat(quantiles.at(0, 1, 0.5)).isCloseTo(15f, within(1e-6f));
    assertThat(quantiles.at(0, 0, 0.3)).isCloseTo(1.2f, within(1e-6f));
  }

  @Test
  void sampleOfManyWindowsStaysSmallAndFair() {
    var sampler = new ResidualQuantiles.Sampler(1, 1, 2000);
    var random = new Random(5);
    for (int n = 0; n < 20_000; n++) {
      // the second half of the record has another spread: a sample of the first alone would miss it
      float residual = (float) (random.nextGaussian() * (n < 10_000 ? 1 : 3));
      sampler.add(new float[] {residual}, new float[] {0}, 1);
    }

    ResidualQuantiles quantiles = sampler.quantiles(List.of(0.05, 0.5, 0.95));

    assertThat(quantiles.windows()).isEqualTo(20_000);
    // 95 % quantile of the even mixture of N(0, 1) and N(0, 3²): 3.846, by bisection of its
    // distribution
    assertThat(quantiles.at(0, 0, 0.95)).isCloseTo(3.846f, within(0.35f));
    assertThat(quantiles.at(0, 0, 0.05)).isCloseTo(-3.846f, within(0.35f));
    assertThat(quantiles.at(0, 0, 0.5)).isCloseTo(0f, within(0.15f));
  }

  @Test
  void levelsOutOfReachAreRefused() {
    var quantiles = new ResidualQuantiles(1, 1, List.of(0.1, 0.9), 10, List.of(-1f, 1f));

    assertThat(quantiles.covers(0.1)).isTrue();
    assertThat(quantiles.covers(0.05)).isFalse();
    assertThatThrownBy(() -> quantiles.at(0, 0, 0.05))
        .hasMessage("level is 0.05, must be between 0.1 and 0.9");
  }

  @Test
  void valuesOfAnotherLengthAreRefused() {
    assertThatThrownBy(() -> new ResidualQuantiles(2, 1, List.of(0.1, 0.9), 10, List.of(-1f, 1f)))
        .hasMessage("values has length 2, expected H*K*L = 4 (H=2, K=1, L=2)");
  }
}
