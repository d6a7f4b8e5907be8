package io.sluice.training;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class StepPlanTest {
  @Test
  void anEpochSeesEveryWindowInOneProcess() {
    var plan = new StepPlan(1000, 64, 1, 3);

    assertThat(plan.stepsPerEpoch()).isEqualTo(16);
    assertThat(plan.steps()).isEqualTo(48);
    assertThat(plan.windowsPerEpoch()).isEqualTo(1000);
  }

  @Test
  void workersUseWholeGlobalBatchesOnly() {
    var plan = new StepPlan(1000, 64, 4, 3);

    assertThat(plan.stepsPerEpoch()).isEqualTo(15);
    assertThat(plan.batchSizePerWorker()).isEqualTo(16);
    assertThat(plan.windowsPerEpoch()).isEqualTo(960);
  }
}
