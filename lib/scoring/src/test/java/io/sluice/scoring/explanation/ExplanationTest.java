package io.sluice.scoring.explanation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class ExplanationTest {

  @Test
  void theTopIsByMagnitudeAndLeavesOutWhatWeighsNothing() {
    float[] weights = {0.1f, -0.4f, 0, 0.2f, 0.4f, 0};

    assertThat(Explanation.top(weights, 3)).containsExactly(1, 4, 3);
    assertThat(Explanation.top(weights, 9)).containsExactly(1, 4, 3, 0);
  }

  @Test
  void theRankCorrelationIsSpearmansOfAttentionAndTheMagnitudeOfOcclusion() {
    // ranks 4 3 1 2 of attention and 4 2 1 3 of |occlusion|: 1 − 6 · (0 + 1 + 0 + 1) / (4 · 15)
    float[] attention = {0.7f, 0.2f, 0.02f, 0.08f};

    assertThat(
            new Explanation(0.6f, attention, new float[] {-0.3f, 0.02f, 0.01f, 0.1f}, 1)
                .rankCorrelation())
        .hasValueSatisfying(rho -> assertThat(rho).isCloseTo(0.8, within(1e-12)));
    assertThat(new Explanation(0.6f, attention, new float[4], 1).rankCorrelation()).isEmpty();
  }
}
