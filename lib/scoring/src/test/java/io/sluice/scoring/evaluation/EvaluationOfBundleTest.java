package io.sluice.scoring.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import io.sluice.config.InvalidConfigException;
import io.sluice.config.Provenance;
import io.sluice.config.Settings;
import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.scoring.SparkExtension;
import io.sluice.scoring.bundle.AlarmThreshold;
import io.sluice.scoring.bundle.BundleContents;
import io.sluice.scoring.bundle.BundlePublisher;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.bundle.PublishedBundle;
import io.sluice.scoring.bundle.ResidualQuantiles;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.TinyDataset;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A dataset on disk and a published bundle, untrained: the numbers are judged by another path. */
class EvaluationOfBundleTest {
  private final Configuration hadoop = new Configuration();

  @TempDir Path folder;

  @Test
  void scaledErrorEqualsTheErrorOfTheNetworkOnItsBatches() throws IOException {
    String dataset =
        TinyDataset.forecast().lookBack(24).horizon(6).noise(0.3).write(folder.resolve("data"));
    WindowContract contract = SequenceDataset.open(dataset, hadoop).contract();
    publish(dataset, Head.regression(contract.targetSize()), residuals(contract));

    EvaluationReport report = evaluate(dataset, "");

    assertThat(report.metrics().get("mse-scaled")).isCloseTo(meanSquares(dataset), within(1e-5));
    assertThat(report.model().version()).isEqualTo("1");
    assertThat(report.target().intervalSource()).isEqualTo("validation residuals");
    assertThat(report.metrics()).containsKeys("coverage", "pinball", "mase", "smape");
    assertThat(report.baselines())
        .allMatch(b -> b.available() || b.name().equals("seasonal-naive-weekly"));
    assertThat(report.metrics().get("mse"))
        .isGreaterThan(report.baselines().get(1).metrics().get("mse"));
    assertFitsItsSchema();
  }

  @Test
  void sparkTasksOpenDatasetAndBundleThemselves() throws IOException {
    String dataset = TinyDataset.forecast().lookBack(24).horizon(6).write(folder.resolve("data"));
    WindowContract contract = SequenceDataset.open(dataset, hadoop).contract();
    publish(
        dataset, Head.quantiles(contract.targetSize(), List.of(0.1, 0.5, 0.9)), Optional.empty());

    EvaluationReport loop = evaluate(dataset, "");
    EvaluationReport tasks =
        Evaluation.run(SparkExtension.session(), settings(dataset, ""), hadoop);

    assertThat(tasks.target().intervalSource()).isEqualTo("model quantiles");
    assertThat(tasks.dataset()).isEqualTo(loop.dataset());
    loop.metrics()
        .forEach(
            (metric, value) ->
                assertThat(tasks.metrics().get(metric)).as(metric).isCloseTo(value, within(1e-6)));
    assertFitsItsSchema();
  }

  @Test
  void eventsAreJudgedAsClassesAgainstWhatTheirLabelsAloneSay() throws IOException {
    String dataset = TinyDataset.event().lookBack(24).write(folder.resolve("data"));
    publish(dataset, Head.classes(2, List.of()), Optional.empty());

    EvaluationReport report = evaluate(dataset, "");

    double[] test = labels(dataset, Split.TEST);
    double[] train = labels(dataset, Split.TRAIN);
    double events = Arrays.stream(test).sum();
    double share = Arrays.stream(train).average().orElseThrow();
    long windows =
        report.classes().confusion().stream().flatMap(List::stream).mapToLong(n -> n).sum();
    assertThat(windows).isEqualTo(test.length);
    assertThat(windows + report.dataset().missingTargets()).isEqualTo(report.dataset().windows());
    assertThat(report.metrics()).containsKeys("accuracy", "log-loss", "roc-auc", "pr-auc");
    assertThat(share).as("events are the rarer class").isLessThan(0.5);
    Map<String, Double> majority = baseline(report, "majority-class").metrics();
    assertThat(majority.get("accuracy")).isCloseTo(1 - events / test.length, within(1e-12));
    assertThat(majority.get("recall")).isZero();
    assertThat(majority.get("roc-auc")).isEqualTo(0.5);
    assertThat(majority.get("pr-auc")).isCloseTo(events / test.length, within(1e-12));
    double logLoss =
        -Arrays.stream(test).map(y -> Math.log(y == 1 ? share : 1 - share)).average().orElseThrow();
    assertThat(majority.get("log-loss")).isCloseTo(logLoss, within(1e-12));
    Map<String, Double> always = baseline(report, "always-alarm").metrics();
    assertThat(always.get("recall")).isEqualTo(1);
    assertThat(always.get("false-alarm-rate")).isEqualTo(1);
    assertThat(always.get("f1")).isCloseTo(2 * events / (events + test.length), within(1e-12));
    assertThat(baseline(report, "always-alarm").model()).isEqualTo(report.metrics());
    assertThat(baseline(report, "logistic-regression").note())
        .isEqualTo("not available: it is fitted by Spark, and this evaluation runs without");
    assertThat(report.baselines()).hasSize(3);
    assertFitsItsSchema();
  }

  @Test
  void theAlarmThresholdIsTheOneWithTheBestF1OnValidation() throws IOException {
    String dataset = TinyDataset.event().lookBack(24).write(folder.resolve("data"));
    publish(dataset, Head.classes(2, List.of()), Optional.empty());

    EvaluationReport report = evaluate(dataset, "");
    EvaluationReport validation = evaluate(dataset, "evaluate.split = validation");
    double threshold = report.classes().threshold();

    assertThat(validation.classes().threshold()).isEqualTo(threshold);
    assertThat(report.notes())
        .anyMatch(
            n ->
                n.matches(
                    "The model raises an alarm from a probability of \\S+ on, the best F1 on the validation windows\\."));
    assertThat(validation.notes())
        .anyMatch(n -> n.endsWith("the best F1 on these very windows, which flatters it."));
    double best = validation.metrics().get("f1");
    for (double other : new double[] {0.1, 0.3, 0.5, threshold - 0.01, threshold + 0.01}) {
      EvaluationReport at =
          evaluate(
              dataset,
              "evaluate { split = validation, threshold = %s, baselines = [] }".formatted(other));
      assertThat(at.metrics().get("f1")).isLessThanOrEqualTo(best);
      assertThat(at.classes().threshold()).isCloseTo(other, within(1e-7));
    }
  }

  @Test
  void thePublishedAlarmThresholdHoldsAndItsRuleIsThatOfTheBaselineToo() throws IOException {
    String dataset = TinyDataset.event().lookBack(24).write(folder.resolve("data"));
    publish(
        dataset,
        Head.classes(2, List.of()),
        Optional.empty(),
        Optional.of(new AlarmThreshold(0.375f, 0.1, 0.8, 0.09, 321)));

    EvaluationReport report =
        Evaluation.run(SparkExtension.session(), settings(dataset, ""), hadoop);

    assertThat(report.classes().threshold()).isEqualTo(0.375);
    assertThat(report.notes())
        .contains(
            "The model raises an alarm from a probability of 0.3750 on, the most events with at most 10 % false alarms on the validation windows of the training: 80.0 % of the events and 9.00 % false alarms in 321.")
        .anyMatch(
            n ->
                n.startsWith("logistic-regression")
                    && n.endsWith(
                        "the most events with at most 10 % false alarms on the validation windows."));
    EvaluationReport validation =
        Evaluation.run(
            SparkExtension.session(), settings(dataset, "evaluate.split = validation"), hadoop);
    assertThat(baseline(validation, "logistic-regression").metrics().get("false-alarm-rate"))
        .isLessThanOrEqualTo(0.1);
    assertThat(evaluate(dataset, "evaluate.threshold = 0.6").classes().threshold())
        .isCloseTo(0.6, within(1e-7));
    assertFitsItsSchema();
  }

  @Test
  void aLogisticRegressionOnTheLastStepIsABaselineWhereThereIsSpark() throws IOException {
    String dataset = TinyDataset.event().lookBack(24).write(folder.resolve("data"));
    publish(dataset, Head.classes(2, List.of()), Optional.empty());

    EvaluationReport report =
        Evaluation.run(
            SparkExtension.session(),
            settings(
                dataset, "evaluate { gate-metric = roc-auc, gate-baseline = logistic-regression }"),
            hadoop);

    EvaluationReport.BaselineRow logistic = baseline(report, "logistic-regression");
    assertThat(logistic.available()).isTrue();
    assertThat(logistic.count()).isEqualTo(labels(dataset, Split.TEST).length);
    assertThat(logistic.metrics()).containsKeys("f1", "roc-auc", "pr-auc", "log-loss");
    assertThat(logistic.folds()).hasSize(4);
    assertThat(report.notes())
        .anyMatch(
            n ->
                n.startsWith(
                    "logistic-regression sees the inputs of the last step alone, fitted on %,d train windows. It raises an alarm from"
                        .formatted(labels(dataset, Split.TRAIN).length)));
    assertThat(report.gate().metric()).isEqualTo("roc-auc");
    assertFitsItsSchema();
  }

  @Test
  void remainingLifeIsJudgedWithAndWithoutItsCapAndAgainstTheTrainMean() throws IOException {
    String dataset = TinyDataset.remainingLife().lookBack(24).write(folder.resolve("data"));
    publish(dataset, Head.regression(1), Optional.empty());

    EvaluationReport report = evaluate(dataset, "");

    assertThat(report.metrics())
        .containsKeys("rmse", "life-score", "rmse-last", "rmse-uncapped", "life-score-last");
    assertThat(report.tracks()).isNotEmpty();
    double mean =
        Arrays.stream(labels(dataset, Split.TRAIN)).map(y -> Math.min(y, 125)).average().orElse(0);
    double mse =
        Arrays.stream(labels(dataset, Split.TEST))
            .map(y -> Math.pow(Math.min(y, 125) - mean, 2))
            .average()
            .orElseThrow();
    EvaluationReport.BaselineRow constant = baseline(report, "train-mean");
    assertThat(constant.metrics().get("rmse")).isCloseTo(Math.sqrt(mse), within(1e-9));
    assertThat(constant.metrics()).containsKeys("life-score-last", "rmse-last-uncapped");
    assertThat(constant.model()).isEqualTo(report.metrics());
    assertThat(report.notes())
        .anyMatch(
            n -> n.matches("train-mean predicts \\S+ steps, the mean of [\\d,]+ train windows\\."));
    assertFitsItsSchema();
    assertThatThrownBy(() -> evaluate(dataset, "evaluate.threshold = 0.3"))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "evaluate.threshold: must be auto for a model without classes, because a threshold decides between two classes, but is 0.3");
  }

  @Test
  void baselinesOfOtherTargetsAreNamedWhereNoneIsLeft() throws IOException {
    String dataset = TinyDataset.event().lookBack(24).write(folder.resolve("data"));
    publish(dataset, Head.classes(2, List.of()), Optional.empty());

    EvaluationReport report = evaluate(dataset, "evaluate.baselines = [last-value, train-mean]");

    assertThat(report.baselines()).isEmpty();
    assertThat(report.notes())
        .contains("None of evaluate.baselines [last-value, train-mean] is for target event.");
  }

  private static EvaluationReport.BaselineRow baseline(EvaluationReport report, String name) {
    return report.baselines().stream().filter(b -> b.name().equals(name)).findFirst().orElseThrow();
  }

  /** Known labels of a split's windows. */
  private double[] labels(String uri, Split split) {
    SequenceDataset dataset = SequenceDataset.open(uri, hadoop);
    var labels = new ArrayList<Double>();
    dataset.manifest().parts().stream()
        .filter(part -> part.split().equals(split.label()))
        .forEach(
            part ->
                dataset
                    .segments(part)
                    .forEachRemaining(
                        segment -> {
                          for (int origin : segment.origins()) {
                            labels.add((double) segment.label()[origin]);
                          }
                        }));
    return labels.stream().mapToDouble(y -> y).filter(y -> !Double.isNaN(y)).toArray();
  }

  @Test
  void aBundleOfAnotherLookBackIsRefused() throws IOException {
    String dataset = TinyDataset.forecast().lookBack(24).horizon(6).write(folder.resolve("data"));
    String other = TinyDataset.forecast().lookBack(12).horizon(6).write(folder.resolve("other"));
    WindowContract contract = SequenceDataset.open(dataset, hadoop).contract();
    publish(dataset, Head.regression(contract.targetSize()), Optional.empty());

    assertThatThrownBy(() -> evaluate(other, ""))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("does not fit dataset")
        .hasMessageContaining("look-back is 24 in the bundle, 12 in the dataset");
  }

  @Test
  void aDatasetWhoseScalersWereEditedAfterItsAuditIsRefused() throws IOException {
    String dataset = TinyDataset.forecast().lookBack(24).horizon(6).write(folder.resolve("data"));
    WindowContract contract = SequenceDataset.open(dataset, hadoop).contract();
    publish(dataset, Head.regression(contract.targetSize()), Optional.empty());
    Path manifest = folder.resolve("data/manifest.json");
    Files.writeString(
        manifest,
        Files.readString(manifest).replaceFirst("\"center\" : (\\d+)", "\"center\" : 1$1"));

    assertThatThrownBy(() -> evaluate(dataset, ""))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "%smanifest.json was changed after its leakage audit: its seal is not that of its content. Build the dataset again, in full, with build-sequences."
                .formatted(dataset));
  }

  @Test
  void aReportSaysThatADatasetHasNoSeal() throws IOException {
    String dataset = TinyDataset.forecast().lookBack(24).horizon(6).write(folder.resolve("data"));
    WindowContract contract = SequenceDataset.open(dataset, hadoop).contract();
    publish(dataset, Head.regression(contract.targetSize()), Optional.empty());
    Path manifest = folder.resolve("data/manifest.json");
    Files.writeString(
        manifest, Files.readString(manifest).replaceFirst("\"seal\" : \"[0-9a-f]+\",", ""));

    EvaluationReport report = evaluate(dataset, "evaluate.baselines = []");

    assertThat(report.notes())
        .contains(
            "The dataset's manifest has no seal: its leakage audit may be of other scalers or parts.");
  }

  private EvaluationReport evaluate(String dataset, String hocon) {
    return Evaluation.run(null, settings(dataset, hocon), hadoop);
  }

  private EvaluateSettings settings(String dataset, String hocon) {
    return Settings.parse(
            "name = tiny, lake.root = \"%s\", evaluate.dataset = \"%s\", evaluate.batch-size = 50%n%s"
                .formatted(folder, dataset, hocon))
        .read(EvaluateSettings::from);
  }

  private PublishedBundle publish(
      String datasetUri, Head head, Optional<ResidualQuantiles> residuals) {
    return publish(datasetUri, head, residuals, Optional.empty());
  }

  private PublishedBundle publish(
      String datasetUri,
      Head head,
      Optional<ResidualQuantiles> residuals,
      Optional<AlarmThreshold> alarm) {
    SequenceDataset dataset = SequenceDataset.open(datasetUri, hadoop);
    var spec =
        new ModelSpec(
            dataset.contract().inputSize(),
            dataset.contract().lookBack(),
            Cell.LSTM,
            List.of(6),
            false,
            0,
            ModelSpec.Output.LAST,
            List.of(),
            1,
            Precision.F32,
            head);
    return BundlePublisher.publish(
        folder.resolve("models").toUri().toString(),
        "tiny",
        Optional.empty(),
        Networks.create(spec, OptimizerSpec.constantAdam(1e-3), 42),
        new BundleContents(
                spec,
                dataset.manifest(),
                Map.of(),
                residuals,
                Provenance.start(Settings.parse("name = tiny")))
            .with(alarm),
        hadoop);
  }

  private static Optional<ResidualQuantiles> residuals(WindowContract contract) {
    int J = contract.targetSize();
    int L = ResidualQuantiles.USUAL_LEVELS.size();
    var values = new ArrayList<Float>(Collections.nCopies(J * L, 0f));
    for (int i = 0; i < values.size(); i++) {
      values.set(i, i % L - L / 2f);
    }
    return Optional.of(
        new ResidualQuantiles(
            contract.horizon(),
            contract.target().channels().size(),
            ResidualQuantiles.USUAL_LEVELS,
            100,
            values));
  }

  /** Mean squared error over the dataset's own batches, in the network's units. */
  private double meanSquares(String uri) {
    SequenceDataset dataset = SequenceDataset.open(uri, hadoop);
    var predictor =
        ModelBundle.open(folder.resolve("models/tiny/1").toUri().toString(), hadoop).newPredictor();
    double sum = 0;
    long n = 0;
    for (Iterator<WindowBatch> it = dataset.inOrder(Split.TEST, 37); it.hasNext(); ) {
      WindowBatch batch = it.next();
      float[] scaled = predictor.predict(batch).scaled();
      for (int i = 0; i < scaled.length; i++) {
        double error = scaled[i] - batch.targets()[i];
        sum += error * error;
        n++;
      }
    }
    assertThat(n).isPositive();
    return sum / n;
  }

  private void assertFitsItsSchema() throws IOException {
    Path schema = Path.of(System.getenv("SLUICE_ROOT"), "data-schemas/evaluation.v1.json");
    JsonNode json =
        new ObjectMapper()
            .readTree(folder.resolve("runs/tiny/evaluation/evaluation.json").toFile());
    var problems =
        JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
            .getSchema(Files.readString(schema))
            .validate(json);
    assertThat(problems).isEmpty();
  }
}
