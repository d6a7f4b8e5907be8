package io.sluice.benchmarks.recurrent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Map;
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
  void gradientsLieApartAsTheWorstParameterDoes() {
    Map<String, float[]> expected = Map.of("w", new float[] {3, 4}, "b", new float[] {1e-3f});

    // |(0, 0.5)| / |(3, 4)|, and twice a small one
    assertThat(
            Agreement.gradientDistance(
                expected, Map.of("w", new float[] {3, 4.5f}, "b", new float[] {1e-3f})))
        .isEqualTo(0.1);
    assertThat(
            Agreement.gradientDistance(
                expected, Map.of("w", new float[] {3, 4}, "b", new float[] {2e-3f})))
        .isEqualTo(1);
    assertThat(
            Agreement.gradientDistance(
                expected, Map.of("w", new float[] {3, Float.NaN}, "b", new float[] {1e-3f})))
        .isNaN();
  }

  @Test
  void lossIsTheMeanOfEachSequencesOwnClass() {
    float[] probabilities = {0.5f, 0.25f, 0.25f, 0.25f, 0.25f, 0.5f};

    // (ln 2 + ln 4) / 2, of floats that are exact
    assertThat(Agreement.loss(probabilities, new long[] {0, 1}))
        .isCloseTo(1.5 * Math.log(2), within(1e-15));
  }
}
