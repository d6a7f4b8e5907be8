package io.sluice.scoring.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Map;
import org.junit.jupiter.api.Test;

class LifeScoresTest {

  @Test
  void theScoreIsHandComputedAndPunishesLatePredictionsMore() {
    var sums = new LifeSums();
    sums.add(100, 87); // 13 early: e − 1
    sums.add(50, 60); // 10 late: e − 1
    sums.add(20, 20);

    assertThat(sums.score()).isCloseTo(2 * (Math.E - 1), within(1e-12));
    assertThat(sums.rmse()).isCloseTo(Math.sqrt((169 + 100) / 3.0), within(1e-12));
  }

  @Test
  void capAndLastWindowOfEachSeriesAreReportedApart() {
    var first = new LifeScores(125, 2);
    var second = new LifeScores(125, 2);
    first.add("engine-1", 0, 10, 150, 120);
    second.add("engine-1", 1, 20, 140, 125);
    second.add("engine-2", 1, 5, 30, 33);

    Map<Metric, Double> metrics = first.merge(second).metrics();

    // against the cap: −5, 0, 3; without: −30, −15, 3
    assertThat(metrics.get(Metric.RMSE)).isCloseTo(Math.sqrt(34 / 3.0), within(1e-12));
    assertThat(metrics.get(Metric.RMSE_UNCAPPED)).isCloseTo(Math.sqrt(1134 / 3.0), within(1e-12));
    // the last windows: 125 (or 140) predicted 125, and 30 predicted 33
    assertThat(metrics.get(Metric.RMSE_LAST)).isCloseTo(Math.sqrt(9 / 2.0), within(1e-12));
    assertThat(metrics.get(Metric.RMSE_LAST_UNCAPPED))
        .isCloseTo(Math.sqrt((225 + 9) / 2.0), within(1e-12));
    assertThat(metrics.get(Metric.LIFE_SCORE_LAST)).isCloseTo(Math.expm1(0.3), within(1e-12));
  }
}
