package io.sluice.benchmarks.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.benchmarks.training.CostModel.Cost;
import io.sluice.benchmarks.training.CostModel.Job;
import io.sluice.benchmarks.training.CostModel.Network;
import io.sluice.benchmarks.training.CostModel.Step;
import org.junit.jupiter.api.Test;

class CostModelTest {
  private static final Network NETWORK = new Network("test", 1e-3, 1e6, 5e5);

  @Test
  void theExpectedGreatestOfNormalNumbersIsThatOfTheTables() {
    // Harter, "Expected values of normal order statistics", Biometrika 48, 1961
    assertThat(Spread.expectedMaximum(2)).isEqualTo(0.56419, within(1e-4));
    assertThat(Spread.expectedMaximum(8)).isEqualTo(1.42360, within(1e-4));
    assertThat(Spread.expectedMaximum(64)).isEqualTo(2.34364, within(1e-3));
  }

  @Test
  void theSlowestOfTimesThatWereSeenIsBetweenTheirMeanAndTheSlowest() {
    Spread spread = Spread.of(new double[] {3, 1, 2});

    assertThat(spread.expectedSlowest(1)).isEqualTo(2, within(1e-12));
    assertThat(spread.expectedSlowest(2)).isEqualTo((1 + 3 * 2 + 5 * 3) / 9.0, within(1e-12));
    assertThat(spread.expectedSlowest(1000)).isEqualTo(3, within(1e-12));
  }

  @Test
  void aRingOfEightTakesFourteenHopsAndHalvingAndDoublingSix() {
    double carried = 2 * 7 / 8.0 * 4000 / 1e6;

    assertThat(NETWORK.ring(8, 4000)).isEqualTo(14e-3 + carried, within(1e-12));
    assertThat(NETWORK.halvingDoubling(8, 4000)).isEqualTo(6e-3 + 2 * carried, within(1e-12));
    assertThat(NETWORK.twoNumbers(8)).isEqualTo(3e-3, within(1e-12));
  }

  @Test
  void theBackwardPassHidesAllButTheLastBucket() {
    Job job = new Job("test", new Step(0.1, 0), new double[] {8000, 4000}, 0.3);

    Cost free = CostModel.cost(job, NETWORK, 8, 0, true);
    Cost busy = CostModel.cost(job, NETWORK, 8, 0, false);

    assertThat(busy.exposed())
        .isEqualTo(NETWORK.ring(8, 8000) + NETWORK.ring(8, 4000), within(1e-12));
    assertThat(free.exposed()).isEqualTo(NETWORK.ring(8, 4000), within(1e-12));
  }

  @Test
  void shortBucketsTakeFewHops() {
    Job job = new Job("test", new Step(0.1, 0), new double[] {4000}, 0);

    assertThat(CostModel.cost(job, NETWORK, 8, 500, false).allReduce())
        .isEqualTo(NETWORK.halvingDoubling(8, 4000));
    assertThat(CostModel.cost(job, NETWORK, 8, 499, false).allReduce())
        .isEqualTo(NETWORK.ring(8, 4000));
  }
}
