package io.sluice.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.config.InvalidConfigException;
import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.model.Head;
import io.sluice.scoring.bundle.AlarmThreshold;
import io.sluice.scoring.bundle.Decision;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.bundle.Predictions;
import io.sluice.scoring.bundle.Predictor;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.TinyDataset;
import io.sluice.sequences.dataset.WindowBatch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every kind of target and head, from a dataset on disk to a bundle that predicts. */
class TrainingOnDatasetTest {
  private static final Configuration HADOOP = new Configuration();

  @TempDir Path folder;

  static Stream<Arguments> models() {
    return Stream.of(
        Arguments.of(TinyDataset.forecast(), List.of(), Head.regression(12)),
        Arguments.of(
            TinyDataset.forecast(),
            List.of("model.quantiles=[0.1,0.5,0.9]", "model.output=sequence"),
            Head.quantiles(12, List.of(0.1, 0.5, 0.9))),
        Arguments.of(
            TinyDataset.forecast(),
            List.of("model.output=sequence", "model.bidirectional=true", "model.dropout=0.1"),
            Head.regression(12)),
        Arguments.of(
            TinyDataset.classes(),
            List.of("model.bidirectional=true", "model.dense-sizes=[5]", "model.output=concat"),
            Head.classes(3, List.of())),
        Arguments.of(
            TinyDataset.classes(),
            List.of("model.output=sequence", "model.cell=rnn"),
            Head.classes(3, List.of())),
        Arguments.of(
            TinyDataset.event(),
            List.of("model.class-weights=[1,3]", "model.cell=peephole-lstm"),
            Head.classes(2, List.of(1.0, 3.0))),
        Arguments.of(
            TinyDataset.remainingLife(),
            List.of("model.dense-sizes=[6,4]", "model.hidden-sizes=[6,5]"),
            Head.regression(1)),
        Arguments.of(
            TinyDataset.forecast(),
            List.of(
                "model.attention=additive",
                "model.attention-size=5",
                "model.layer-norm=true",
                "model.bidirectional=true",
                "model.dropout=0.1"),
            Head.regression(12)),
        Arguments.of(
            TinyDataset.classes(),
            List.of(
                "model.attention=self-attention", "model.attention-heads=2", "model.output=mean"),
            Head.classes(3, List.of())),
        Arguments.of(
            TinyDataset.classes(),
            List.of(
                "model.attention=self-attention",
                "model.attention-heads=3",
                "model.layer-norm=true",
                "model.output=sequence"),
            Head.classes(3, List.of())),
        Arguments.of(TinyDataset.remainingLife(), List.of("model.output=max"), Head.regression(1)));
  }

  @Test
  void anotherHorizonTakesAllButTheHeadAndOtherInputsTakeNothing() {
    var run = new TrainerRun(folder.resolve("lake"), null);
    String near = TinyDataset.forecast().days(12).stride(3).write(folder.resolve("near"));
    String far = TinyDataset.forecast().days(12).stride(3).horizon(3).write(folder.resolve("far"));
    String aged = TinyDataset.forecast().days(12).stride(3).masks().write(folder.resolve("aged"));
    TrainReport first = run.trainOn(near, "train.epochs=1");
    String fineTune = "train.fine-tune.bundle=\"" + first.bundle().uri() + "\"";

    var second = new TrainerRun(folder.resolve("second"), null);
    TrainReport report = second.trainOn(far, fineTune, "train.epochs=1");

    assertThat(
            ModelBundle.open(report.bundle().uri(), HADOOP)
                .manifest()
                .provenance()
                .fineTunedFrom()
                .layers())
        .containsExactly("recurrent-0");
    var third = new TrainerRun(folder.resolve("third"), null);
    assertThatThrownBy(() -> third.trainOn(aged, fineTune))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("(recurrent-0: fresh, it reads [")
        .hasMessageContaining("] with masks, the bundle [");
  }

  @ParameterizedTest
  @MethodSource("models")
  void everyHeadLearnsAndItsBundlePredicts(TinyDataset data, List<String> settings, Head head)
      throws IOException {
    String dataset = data.days(12).stride(3).write(folder.resolve("data"));
    var run = new TrainerRun(folder.resolve("lake"), null);
    var all = new ArrayList<String>(settings);
    all.add("train.epochs=2");

    TrainReport report = run.trainOn(dataset, all.toArray(String[]::new));

    List<JsonNode> epochs =
        run.metrics(report).stream()
            .map(TrainerRun::json)
            .filter(line -> line.has("validationLoss"))
            .toList();
    assertThat(epochs).hasSize(2);
    assertThat(report.trainLoss()).isLessThan(epochs.get(0).get("loss").asDouble());
    assertThat(report.distanceMoved()).isPositive();
    ModelBundle bundle = ModelBundle.open(report.bundle().uri(), HADOOP);
    assertThat(bundle.spec().head()).isEqualTo(head);
    Predictions predictions = bundle.newPredictor().predict(someWindows(dataset));
    float[] numbers =
        head.kind() == Head.Kind.CLASSES ? predictions.probabilities() : predictions.original();
    assertThat(numbers).hasSize(5 * head.networkOutputs());
    for (float number : numbers) {
      assertThat(number).isFinite();
    }
  }

  private static WindowBatch someWindows(String dataset) {
    return SequenceDataset.open(dataset, HADOOP).inOrder(Split.TEST, 5).next();
  }

  @Test
  void maxTrainWindowsIsAnEvenlySpacedSubsetAndIsReported() throws IOException {
    String dataset = TinyDataset.forecast().days(16).write(folder.resolve("data"));
    var run = new TrainerRun(folder.resolve("lake"), null);

    TrainReport report =
        run.trainOn(dataset, "train.max-train-windows=40", "train.epochs=1", "train.seed=0");

    assertThat(report.steps()).isEqualTo(3); // 16 + 16 + 8 windows
    assertThat(report.droppedWindowsPerEpoch()).isEqualTo(report.trainWindows() - 40);
    assertThat(report.validationWindows()).isGreaterThan(40);
  }

  @ParameterizedTest
  @ValueSource(strings = {"null", "0.05"})
  void theBundleOfAnAlarmHasAThresholdThatKeepsToTheLimitOnValidation(String limit)
      throws IOException {
    String dataset = TinyDataset.event().days(40).write(folder.resolve("data"));
    var run = new TrainerRun(folder.resolve("lake"), null);

    TrainReport report =
        run.trainOn(dataset, "train.epochs=2", "train.max-false-alarm-rate=" + limit);

    ModelBundle bundle = ModelBundle.open(report.bundle().uri(), HADOOP);
    AlarmThreshold alarm = bundle.alarmThreshold().orElseThrow();
    double[] alarms = new double[2];
    double[] windows = new double[2];
    Decision decision = bundle.decision("score.threshold", Optional.empty());
    try (Predictor predictor = bundle.newPredictor()) {
      Iterator<WindowBatch> batches =
          SequenceDataset.open(dataset, HADOOP).inOrder(Split.VALIDATION, 16);
      while (batches.hasNext()) {
        WindowBatch batch = batches.next();
        float[] probabilities = predictor.predict(batch).probabilities();
        for (int b = 0; b < batch.size(); b++) {
          int actual = (int) batch.targets()[b];
          windows[actual]++;
          alarms[actual] += decision.predicted(probabilities, 2 * b);
        }
      }
    }
    assertThat(windows[0] + windows[1]).isEqualTo(alarm.windows());
    assertThat(alarms[0] / windows[0]).isCloseTo(alarm.falseAlarmRate(), within(1e-12));
    assertThat(alarms[1] / windows[1]).isCloseTo(alarm.recall(), within(1e-12));
    if (limit.equals("null")) {
      assertThat(alarm.maxFalseAlarmRate()).isNull();
    } else {
      assertThat(alarm.maxFalseAlarmRate()).isEqualTo(0.05);
      assertThat(alarm.falseAlarmRate()).isLessThanOrEqualTo(0.05);
    }
  }

  @Test
  void alarmsOfOtherTargetsAreRefusedBeforeAnyStep() throws IOException {
    String forecast = TinyDataset.forecast().days(12).write(folder.resolve("forecast"));
    String classes = TinyDataset.classes().days(12).write(folder.resolve("classes"));
    var run = new TrainerRun(folder.resolve("lake"), null);

    assertThatThrownBy(() -> run.trainOn(forecast, "train.max-false-alarm-rate=0.03"))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "train.max-false-alarm-rate: must be null, because an alarm is one of two classes and the target is forecast, but is 0.03");
    assertThatThrownBy(() -> run.trainOn(classes, "train.max-false-alarm-rate=0.03"))
        .hasMessageContaining("the target is one of 3, but is 0.03");
    assertThat(folder.resolve("lake/runs/sine/metrics.jsonl")).doesNotExist();
  }

  @Test
  void aHeadThatDoesNotFitTheTargetIsRefusedBeforeAnyStep() throws IOException {
    String dataset = TinyDataset.event().days(16).write(folder.resolve("data"));
    var run = new TrainerRun(folder.resolve("lake"), null);

    assertThatThrownBy(() -> run.trainOn(dataset, "model.head=regression"))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(
            "model.head: must be classes or auto for a dataset with 2 classes, but is regression");
    assertThat(folder.resolve("lake/runs/sine/metrics.jsonl")).doesNotExist();
  }

  @Test
  void aSeedOfZeroIsReproducibleToo() throws IOException {
    String dataset = TinyDataset.forecast().days(12).write(folder.resolve("data"));
    var first = new TrainerRun(folder.resolve("a"), null);
    var second = new TrainerRun(folder.resolve("b"), null);
    String[] settings = {"train.seed=0", "train.epochs=1", "model.dropout=0.2"};

    float[] parameters = first.checkpoint(first.trainOn(dataset, settings)).parameters();

    assertThat(second.checkpoint(second.trainOn(dataset, settings)).parameters())
        .isEqualTo(parameters);
  }
}
