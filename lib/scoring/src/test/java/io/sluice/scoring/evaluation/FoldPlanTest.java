package io.sluice.scoring.evaluation;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FoldPlanTest {

  @Test
  void blocksAreConsecutiveAndStartWhereTheirFirstStepIs() {
    var plan = new FoldPlan(1000, 1000 + 9 * 60, 60, 4); // ten steps

    int[] sizes = new int[4];
    int before = 0;
    for (int step = 0; step < 10; step++) {
      int fold = plan.of(1000 + 60L * step);
      assertThat(fold).isBetween(before, before + 1);
      if (sizes[fold]++ == 0) {
        assertThat(plan.start(fold)).isEqualTo(1000 + 60L * step);
      }
      before = fold;
    }

    assertThat(sizes).containsExactly(3, 2, 3, 2);
  }

  @Test
  void originsOutsideTheRangeGoToTheNearestBlock() {
    var plan = new FoldPlan(0, 90, 10, 2);

    assertThat(plan.of(-500)).isZero();
    assertThat(plan.of(5000)).isEqualTo(1);
  }
}
