package io.sluice.scoring.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ForecastSumsTest {

  @Test
  void metricsEqualHandComputedValues() {
    var sums = new ForecastSums();
    // e = 1, −2, 3, 0
    sums.add(2, 3, 2, 4);
    sums.add(4, 2, 2, 4);
    sums.add(0, 3, 2, 4);
    sums.add(-5, -5, 2, Double.NaN);

    Map<Metric, Double> metrics = sums.metrics();

    assertThat(sums.count()).isEqualTo(4);
    assertThat(sums.zeros()).isEqualTo(1);
    assertValue(metrics, Metric.MAE, 6 / 4.0);
    assertValue(metrics, Metric.MSE, (1 + 4 + 9) / 4.0);
    assertValue(metrics, Metric.RMSE, Math.sqrt(3.5));
    assertValue(metrics, Metric.BIAS, 2 / 4.0);
    assertValue(metrics, Metric.MAE_SCALED, 6 / 4.0 / 2);
    assertValue(metrics, Metric.MSE_SCALED, 3.5 / 4);
    assertValue(metrics, Metric.RMSE_SCALED, Math.sqrt(3.5) / 2);
    // the zero is left out: (1/2 + 2/4 + 0/5) / 3
    assertValue(metrics, Metric.MAPE, 1 / 3.0);
    // 2·1/5, 2·2/6, 2·3/3, 0
    assertValue(metrics, Metric.SMAPE, (0.4 + 4 / 6.0 + 2 + 0) / 4);
    // three values have a naive error of 4
    assertValue(metrics, Metric.MASE, (1 + 2 + 3) / 4.0 / 3);
    assertThat(metrics).doesNotContainKeys(Metric.PINBALL, Metric.COVERAGE);
  }

  @Test
  void pinballIsHandComputedAndHalfTheAbsoluteErrorAtTheMedian() {
    var sums = new ForecastSums();
    sums.addQuantile(0.9, 10, 8); // below: 0.9 · 2
    sums.addQuantile(0.9, 10, 13); // above: 0.1 · 3
    sums.addQuantile(0.5, 10, 14); // 0.5 · 4
    sums.add(10, 14, 1, 1);

    assertValue(sums.metrics(), Metric.PINBALL, (1.8 + 0.3 + 2.0) / 3);
  }

  @Test
  void coverageCountsTheBoundsAsInside() {
    var sums = new ForecastSums();
    sums.add(1, 1, 1, 1);
    sums.addInterval(1, 1, 2);
    sums.addInterval(2, 1, 2);
    sums.addInterval(2.5, 1, 2);
    sums.addInterval(0, -1, 4);

    assertValue(sums.metrics(), Metric.COVERAGE, 0.75);
    assertValue(sums.metrics(), Metric.INTERVAL_WIDTH, (1 + 1 + 1 + 5) / 4.0);
  }

  @Test
  void nothingAddedGivesNoMetric() {
    assertThat(new ForecastSums().metrics()).isEmpty();
  }

  @Test
  void partsMergeToTheWhole() {
    var random = new Random(17);
    var whole = new ForecastSums();
    var parts = new ForecastSums[] {new ForecastSums(), new ForecastSums(), new ForecastSums()};
    for (int i = 0; i < 3000; i++) {
      double y = random.nextInt(20) - 10;
      double predicted = y + random.nextGaussian();
      for (ForecastSums sums : new ForecastSums[] {whole, parts[i % 3]}) {
        sums.add(y, predicted, 1.5, 2.5);
        sums.addInterval(y, predicted - 1, predicted + 1);
        sums.addQuantile(0.1, y, predicted - 1);
      }
    }

    Map<Metric, Double> merged = parts[0].merge(parts[1]).merge(parts[2]).metrics();

    whole
        .metrics()
        .forEach(
            (metric, value) ->
                // rounding of 3000 sums in another order
                assertThat(merged.get(metric)).as(metric.label()).isCloseTo(value, within(1e-9)));
  }

  @Test
  void theSeasonalNaiveForecastOfItsOwnTrainRowsHasMaseOne() {
    double[] y = {1, 5, 2, 7, 1, 9};
    int season = 2;
    double naive = 0;
    for (int t = season; t < y.length; t++) {
      naive += Math.abs(y[t] - y[t - season]) / (y.length - season);
    }
    var sums = new ForecastSums();
    for (int t = season; t < y.length; t++) {
      sums.add(y[t], y[t - season], 1, naive);
    }

    assertValue(sums.metrics(), Metric.MASE, 1);
  }

  private static void assertValue(Map<Metric, Double> metrics, Metric metric, double expected) {
    assertThat(metrics.get(metric)).as(metric.label()).isCloseTo(expected, within(1e-12));
  }
}
