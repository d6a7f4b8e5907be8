package io.sluice.scoring.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.config.InvalidConfigException;
import io.sluice.config.Settings;
import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.scoring.baseline.BaselineKind;
import io.sluice.sequences.dataset.Split;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class EvaluateSettingsTest {

  @Test
  void explicitValuesReachTheRecord() {
    EvaluateSettings settings =
        read(
            """
name = n, registry.path = r, device = gpu
evaluate {
  bundle = b, dataset = d, split = validation, batch-size = 3, streams = 11, baselines = [arima]
  arima-max-windows = 4, arima-orders = [5, 0, 6], arima-seasonal-orders = [0, 1, 2]
  arima-period = 7, backtest-folds = 8, interval = 0.95, threshold = 0.25, output = o, page-series = 9
  explain { samples = 10, seed = 11, negations = [nie, "*los"], top = 12, flips = 13 }
  gate-metric = roc-auc, gate-limit = 0.5, gate-baseline = arima
}
""");

    assertThat(settings)
        .isEqualTo(
            new EvaluateSettings(
                "n",
                "r",
                "b",
                DeviceChoice.GPU,
                "d",
                Split.VALIDATION,
                3,
                11,
                List.of(BaselineKind.ARIMA),
                new EvaluateSettings.Arima(4, List.of(5, 0, 6), List.of(0, 1, 2), 7),
                8,
                0.95,
                Optional.of(0.25),
                "o",
                9,
                new EvaluateSettings.Explain(10, 11, List.of("nie", "*los"), 12, 13),
                Optional.of(
                    new EvaluateSettings.Gate(
                        Metric.ROC_AUC, Optional.of(0.5), Optional.of(BaselineKind.ARIMA)))));
  }

  @Test
  void theDefaultsAreSound() {
    EvaluateSettings settings = read("");

    assertThat(settings.gate()).isEmpty();
    assertThat(settings.baselines())
        .containsExactly(
            BaselineKind.LAST_VALUE,
            BaselineKind.SEASONAL_NAIVE_DAILY,
            BaselineKind.SEASONAL_NAIVE_WEEKLY,
            BaselineKind.MAJORITY_CLASS,
            BaselineKind.ALWAYS_ALARM,
            BaselineKind.LOGISTIC_REGRESSION,
            BaselineKind.TRAIN_MEAN,
            BaselineKind.UNIFORM,
            BaselineKind.UNIGRAM);
    assertThat(settings.threshold()).isEmpty();
  }

  @Test
  void rulesOfTheGateAndOfOrdersAreReported() {
    assertProblem("evaluate.gate-limit = 1", "needs gate-metric: what is limited");
    assertProblem("evaluate.gate-metric = mae", "needs gate-limit or gate-baseline: what mae is");
    assertProblem(
        "evaluate { gate-metric = coverage, gate-limit = 1 }",
        "must be a metric with a better end, but is coverage");
    assertProblem(
        "evaluate { gate-metric = mae, gate-baseline = arima }",
        "must be one of evaluate.baselines [last-value, seasonal-naive-daily, seasonal-naive-weekly, majority-class, always-alarm, logistic-regression, train-mean, uniform, unigram], but is arima");
    assertProblem("evaluate.threshold = 1.5", "must be between 0.0 and 1.0, but is 1.5");
    assertProblem("evaluate.threshold = best", "must be a number, but is \"best\"");
    assertProblem(
        "evaluate.explain.negations = [no, \"*\"]",
        "must be words, or endings with * before them, but is [no, *]");
    assertProblem("evaluate.explain.top = 0", "must be at least 1, but is 0");
    assertProblem("evaluate.arima-orders = [1, 2]", "must have three orders");
    assertProblem("evaluate.interval = 1", "must lie between 0 and 1, both excluded, but is 1.0");
    assertProblem("evaluate.gate-metric = mse-scale", "did you mean mse-scaled?");
  }

  private static void assertProblem(String hocon, String message) {
    assertThatThrownBy(() -> read(hocon))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(message);
  }

  private static EvaluateSettings read(String hocon) {
    return Settings.parse(hocon).read(EvaluateSettings::from);
  }
}
