package io.sluice.recurrent.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LossScaleTest {
  @Test
  void anOverflowHalvesItAndTheStepIsLeftOut() {
    var scale = new LossScale();

    assertThat(scale.update(true)).isFalse();
    assertThat(scale.value()).isEqualTo(32768);
    assertThat(scale.update(false)).isTrue();
    assertThat(scale.value()).isEqualTo(32768);
  }

  @Test
  void itDoublesAfterTwoThousandStepsWithoutOverflow() {
    var scale = new LossScale();
    for (int step = 0; step < 1999; step++) {
      scale.update(false);
    }
    assertThat(scale.value()).isEqualTo(65536);

    scale.update(false);

    assertThat(scale.value()).isEqualTo(131072);
  }

  @Test
  void itStaysBetweenOneAndTwoToThe24() {
    var scale = new LossScale();
    for (int step = 0; step < 40; step++) {
      scale.update(true);
    }
    assertThat(scale.value()).isEqualTo(1);
    for (int step = 0; step < 40 * 2000; step++) {
      scale.update(false);
    }
    assertThat(scale.value()).isEqualTo(1 << 24);
  }
}
