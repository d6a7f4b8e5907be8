package io.sluice.benchmarks.recurrent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class AgreementTest {
  @Test
  void distanceIsTheWorstDifferenceOverTheLargestValue() {
    float[] expected = {0.25f, 0.5f, -2};

    assertThat(Agreement.distance(expected, new float[] {0.25f, 1, -2})).isEqualTo(0.25);
    assertThat(Agreement.distance(expected, expected.clone())).isZero();
  }

  @Test
  void nothingAgreesWithNaN() {
    assertThat(Agreement.distance(new float[] {1, 2}, new float[] {Float.NaN, 2})).isNaN();
    assertThat(Agreement.distance(new float[] {Float.NaN, 2}, new float[] {1, 2})).isNaN();
  }

  @Test
  void lossIsTheMeanOfEachSequencesOwnClass() {
    float[] probabilities = {0.5f, 0.25f, 0.25f, 0.25f, 0.25f, 0.5f};

    // (ln 2 + ln 4) / 2, of floats that are exact
    assertThat(Agreement.loss(probabilities, new long[] {0, 1}))
        .isCloseTo(1.5 * Math.log(2), within(1e-15));
  }
}
