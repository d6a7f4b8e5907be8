package io.sluice.recurrent.optim;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class AverageTriggerTest {
  private static AverageTrigger after(int patience, double... losses) {
    AverageTrigger trigger = AverageTrigger.FIRST;
    for (int epoch = 0; epoch < losses.length; epoch++) {
      trigger =
          trigger.next(losses[epoch], (loss, than) -> loss < than, patience, 10L * (epoch + 1));
    }
    return trigger;
  }

  @Test
  void beginsWhereTheLossIsNoBetterThanAllButTheLastFewWere() {
    assertThat(after(2).hasBegun()).isFalse();
    assertThat(after(2, 5, 4, 3).hasBegun()).isFalse();
    // worse than the one before, better than the one of three epochs before
    assertThat(after(2, 5, 3, 4, 4.5).hasBegun()).isFalse();
    assertThat(after(2, 5, 3, 4, 4.5, 3.5)).isEqualTo(new AverageTrigger(List.of(), 50));
    assertThat(after(2, 5, 3, 4, 4.5, 2.5).hasBegun()).isFalse();
    assertThat(after(2, 5, 5, 5, 5).from()).isEqualTo(40);
  }

  @Test
  void staysBegun() {
    assertThat(after(1, 5, 5, 5, 1, 0.5).from()).isEqualTo(30);
  }
}
