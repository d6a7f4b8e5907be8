package io.sluice.recurrent.optim;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LossScaleTest {
  @Test
  void anOverflowHalvesItAndTheStepIsLeftOut() {
    LossScale scale = LossScale.FIRST;

    assertThat(scale.allows(false)).isFalse();
    assertThat(scale.next(false)).isEqualTo(new LossScale(32768, 0));
    assertThat(scale.allows(true)).isTrue();
    assertThat(scale.next(true)).isEqualTo(new LossScale(65536, 1));
  }

  @Test
  void itDoublesAfterTwoThousandStepsWithoutOverflow() {
    assertThat(after(1999, true).value()).isEqualTo(65536);
    assertThat(after(2000, true)).isEqualTo(new LossScale(131072, 0));
  }

  @Test
  void itStaysBetweenOneAndTwoToThe24() {
    LossScale least = after(40, false);
    LossScale most = after(40 * 2000, true);

    assertThat(least.value()).isEqualTo(1);
    assertThat(least.allows(false)).isTrue();
    assertThat(most.value()).isEqualTo(1 << 24);
  }

  private static LossScale after(int steps, boolean finite) {
    LossScale scale = LossScale.FIRST;
    for (int step = 0; step < steps; step++) {
      scale = scale.next(finite);
    }
    return scale;
  }
}
