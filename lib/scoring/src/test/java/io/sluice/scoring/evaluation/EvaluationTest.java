package io.sluice.scoring.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.config.Settings;
import io.sluice.failure.InvalidInputException;
import io.sluice.failure.QualityGateException;
import io.sluice.scoring.SparkExtension;
import io.sluice.scoring.evaluation.EvaluationReport.BaselineRow;
import io.sluice.scoring.evaluation.EvaluationReport.ModelInfo;
import io.sluice.scoring.evaluation.EvaluationReport.Row;
import io.sluice.scoring.evaluation.EvaluationReport.Track;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluationTest {
  private static final ModelInfo MODEL = new ModelInfo("m", "1", "models/m/1", "abc");
  private static final int TEST_WINDOWS =
      2 * (FakeLake.STEPS - FakeLake.VALIDATION - FakeLake.HORIZON);

  @Test
  void aModelThatIsOffByOneHasTheMetricsOfAnErrorOfOne() {
    EvaluationReport report = evaluate(new FakeLake(1, -1));

    assertThat(report.dataset().windows()).isEqualTo(TEST_WINDOWS);
    assertThat(report.dataset().series()).isEqualTo(2);
    assertThat(report.dataset().missingTargets()).isZero();
    Map<String, Double> metrics = report.metrics();
    // float32 predictions of values up to 10
    assertThat(metrics.get("mae")).isCloseTo(1, within(1e-6));
    assertThat(metrics.get("rmse")).isCloseTo(1, within(1e-6));
    assertThat(metrics.get("bias")).isCloseTo(1, within(1e-6));
    assertThat(metrics.get("mse-scaled")).isCloseTo(0.25, within(1e-6));
    assertThat(metrics.get("coverage")).isEqualTo(1);
    assertThat(metrics.get("interval-width")).isCloseTo(4, within(1e-5));
    assertThat(report.target().interval()).isEqualTo(0.8);
  }

  @Test
  void everyValueIsCountedOnceInEachView() {
    EvaluationReport report = evaluate(new FakeLake(1, -1));
    long values = (long) TEST_WINDOWS * FakeLake.HORIZON * FakeLake.TARGETS.size();

    assertThat(report.byStep()).hasSize(FakeLake.HORIZON);
    assertThat(report.folds()).hasSize(4);
    assertThat(report.byChannel()).extracting(Row::name).containsExactly("flow", "load");
    assertThat(report.bySeries()).extracting(Row::name).containsExactly("pump-1", "pump-2");
    for (List<Row> view :
        List.of(report.byStep(), report.folds(), report.byChannel(), report.bySeries())) {
      assertThat(view.stream().mapToLong(Row::count).sum()).isEqualTo(values);
    }
  }

  @Test
  void baselinesEqualTheirDefinitionsOnTheRawValues() {
    var lake = new FakeLake(1, -1);
    EvaluationReport report = evaluate(lake);

    // a week is longer than look-back and segment: its history comes from rows of other splits
    assertThat(naive(report, "last-value")).isCloseTo(expected(lake, 0), within(1e-9));
    assertThat(naive(report, "seasonal-naive-daily"))
        .isCloseTo(expected(lake, FakeLake.DAY), within(1e-9));
    assertThat(naive(report, "seasonal-naive-weekly"))
        .isCloseTo(expected(lake, FakeLake.WEEK), within(1e-9));
    assertThat(report.baselines()).extracting(BaselineRow::note).containsOnly("");
  }

  @Test
  void maseDividesByTheDailyNaiveErrorOnTrainRows() {
    var lake = new FakeLake(1, -1);
    EvaluationReport report = evaluate(lake);

    double inverse = 0;
    for (String series : FakeLake.SERIES) {
      for (String channel : FakeLake.TARGETS) {
        double sum = 0;
        for (int t = FakeLake.DAY; t < FakeLake.TRAIN; t++) {
          sum +=
              Math.abs(
                  (double) lake.value(series, channel, t)
                      - lake.value(series, channel, t - FakeLake.DAY));
        }
        inverse += (FakeLake.TRAIN - FakeLake.DAY) / sum / 4;
      }
    }
    // every error is one, so MASE is the mean of 1/scale
    assertThat(report.metrics().get("mase")).isCloseTo(inverse, within(1e-6));
  }

  @Test
  void missingTargetsAreLeftOutAndCounted() {
    EvaluationReport report = evaluate(new FakeLake(1, 1000));

    // five steps of one channel in two series, each in up to H windows
    assertThat(report.dataset().missingTargets()).isEqualTo(5L * 2 * FakeLake.HORIZON);
    assertThat(report.metrics().get("mae")).isCloseTo(1, within(1e-6));
    assertThat(row(report, "seasonal-naive-daily").note())
        .contains("known for 99.")
        .contains("the others have no value so far back");
    assertThat(report.notes())
        .anyMatch(n -> n.equals("120 target values are not known and were left out."));
  }

  @Test
  void sparkTasksGiveTheSameReportAsOneLoop() {
    var lake = new FakeLake(0.5, 1000);
    EvaluationReport loop = evaluate(lake);

    EvaluationReport tasks =
        evaluate(
            lake,
            new Workers(SparkExtension.session(), new Configuration()),
            "evaluate.batch-size = 7");

    assertThat(tasks.dataset()).isEqualTo(loop.dataset());
    assertThat(tasks.tracks().equals(loop.tracks())).isTrue();
    assertThat(tasks.residuals()).isEqualTo(loop.residuals());
    loop.metrics()
        .forEach(
            (metric, value) ->
                assertThat(tasks.metrics().get(metric)).as(metric).isCloseTo(value, within(1e-9)));
    for (int i = 0; i < loop.baselines().size(); i++) {
      assertThat(tasks.baselines().get(i).metrics().get("mse"))
          .isCloseTo(loop.baselines().get(i).metrics().get("mse"), within(1e-9));
    }
  }

  @Test
  void arimaIsComparedOnTheWindowsItWasGiven() {
    EvaluationReport report =
        evaluate(
            new FakeLake(1, -1),
            new Workers(null, new Configuration()),
            "evaluate { baselines = [seasonal-naive-daily, arima], arima-max-windows = 10 }");

    BaselineRow arima = row(report, "arima");
    assertThat(arima.available()).isTrue();
    assertThat(arima.count()).isEqualTo(10L * FakeLake.HORIZON * FakeLake.TARGETS.size());
    assertThat(arima.model().get("mae")).isCloseTo(1, within(1e-6));
    assertThat(arima.note())
        .isEqualTo(
            "(2,1,1)(1,0,1)24, fitted once a series and channel on train rows, filtered to 10 origins evenly spaced over the split");
    // noise of ±0.5 alone costs 0.29; a model that knows the season must come near
    assertThat(arima.metrics().get("rmse")).isLessThan(0.6);
  }

  @Test
  void tracksJoinForecastsThatDoNotOverlap() {
    var lake = new FakeLake(1, -1);
    EvaluationReport report = evaluate(lake);

    Track track = report.tracks().get(0);
    assertThat(report.tracks()).hasSize(4);
    assertThat(track.series()).isEqualTo("pump-1");
    assertThat(track.channel()).isEqualTo("flow");
    for (int i = 1; i < track.times().size(); i++) {
      assertThat(track.times().get(i) - track.times().get(i - 1)).isEqualTo(3_600_000);
    }
    for (int i = 0; i < track.times().size(); i++) {
      int step = (int) (track.times().get(i) / 3_600_000 - FakeLake.FIRST);
      assertThat(track.actual().get(i).floatValue()).isEqualTo(lake.value("pump-1", "flow", step));
      assertThat(track.predicted().get(i)).isCloseTo(track.actual().get(i) + 1, within(1e-5));
    }
  }

  @Test
  void theGateRefusesAfterTheReportIsMade() {
    EvaluationReport refused =
        evaluate(
            new FakeLake(1, -1),
            new Workers(null, new Configuration()),
            "evaluate { gate-metric = mse-scaled, gate-limit = 0.2, gate-baseline = last-value }");
    EvaluationReport passed =
        evaluate(
            new FakeLake(0.1, -1),
            new Workers(null, new Configuration()),
            "evaluate { gate-metric = mae, gate-limit = 0.2, gate-baseline = seasonal-naive-weekly }");

    assertThat(refused.metrics()).isNotEmpty();
    assertThatThrownBy(refused::requireGate)
        .isInstanceOf(QualityGateException.class)
        .hasMessage(
            "Quality gate refused the model: mse-scaled is 0.25000, must be at most 0.20000. Look at the evaluation, train longer or change the model; the gate is evaluate.gate-*.");
    passed.requireGate();
    assertThat(passed.gate().message()).startsWith("Quality gate passed: mae 0.1");
  }

  @Test
  void aGateOnAMetricThatIsNotThereRefuses() {
    EvaluationReport report =
        evaluate(
            new FakeLake(1, -1),
            new Workers(null, new Configuration()),
            "evaluate { gate-metric = roc-auc, gate-limit = 0.5 }");

    assertThatThrownBy(report::requireGate)
        .hasMessageStartingWith("Quality gate: roc-auc was not computed; this evaluation has mae,");
  }

  @Test
  void theTableNamesModelBaselinesAndFolds() {
    String table = EvaluationTable.of(evaluate(new FakeLake(1, -1)));

    assertThat(table)
        .contains("776 windows, 2 series")
        .containsPattern("(?m)^model +1\\.0000 ")
        .contains("seasonal-naive-weekly")
        .contains("origins from")
        .contains("2024-02-");
  }

  @Test
  void theReportIsWrittenAsJson(@TempDir Path folder) throws Exception {
    EvaluationReport report = evaluate(new FakeLake(1, -1));

    ReportFile.write(report, folder.toUri().toString(), new Configuration());
    ReportFile.write(report, folder.toUri().toString(), new Configuration());

    var json = new ObjectMapper().readTree(Files.readString(folder.resolve("evaluation.json")));
    assertThat(json.get("format").asText()).isEqualTo("evaluation.v1");
    assertThat(json.get("metrics").get("mae").asDouble()).isCloseTo(1, within(1e-6));
    assertThat(json.get("baselines")).hasSize(3);
  }

  @Test
  void aSplitWithoutWindowsIsRefused() {
    var lake = new FakeLake(1, -1);
    var manifest = lake.manifest();
    manifest.splits().remove("test");

    assertThatThrownBy(
            () ->
                Evaluation.run(
                    new Subject(
                        new Workers(null, new Configuration()),
                        settings(""),
                        lake,
                        manifest,
                        FakeLake.contract(),
                        Optional.empty()),
                    MODEL,
                    "validation residuals"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "Dataset lake/datasets/model has no window in split test (it has train: 1282, validation: 176). Choose another evaluate.split, or widen the split and rebuild.");
  }

  private static EvaluationReport evaluate(FakeLake lake) {
    return evaluate(lake, new Workers(null, new Configuration()), "");
  }

  private static EvaluationReport evaluate(FakeLake lake, Workers workers, String hocon) {
    return Evaluation.run(
        new Subject(
            workers, settings(hocon), lake, lake.manifest(), FakeLake.contract(), Optional.empty()),
        MODEL,
        "validation residuals");
  }

  private static EvaluateSettings settings(String hocon) {
    return Settings.parse(hocon).read(EvaluateSettings::from);
  }

  private static BaselineRow row(EvaluationReport report, String name) {
    return report.baselines().stream().filter(b -> b.name().equals(name)).findFirst().orElseThrow();
  }

  private static double naive(EvaluationReport report, String name) {
    return row(report, name).metrics().get("mae");
  }

  /** Mean absolute error over all test windows, straight from the definition. */
  private static double expected(FakeLake lake, int season) {
    double sum = 0;
    long n = 0;
    for (String series : FakeLake.SERIES) {
      for (String channel : FakeLake.TARGETS) {
        for (int o = FakeLake.VALIDATION; o + FakeLake.HORIZON < FakeLake.STEPS; o++) {
          for (int h = 1; h <= FakeLake.HORIZON; h++) {
            int from = season == 0 ? o : o + h - season * ((h + season - 1) / season);
            sum +=
                Math.abs(
                    (double) lake.value(series, channel, from)
                        - lake.value(series, channel, o + h));
            n++;
          }
        }
      }
    }
    return sum / n;
  }
}
