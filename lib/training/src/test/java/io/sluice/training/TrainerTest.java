package io.sluice.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.config.progress.Progress;
import io.sluice.failure.ExitStatus;
import io.sluice.failure.InvalidInputException;
import io.sluice.failure.OperationFailedException;
import io.sluice.recurrent.optim.AverageTrigger;
import io.sluice.scoring.bundle.BundleManifest;
import io.sluice.scoring.bundle.BundleManifest.FineTunedFrom;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.training.checkpoint.Checkpoint;
import io.sluice.training.checkpoint.IncompatibleCheckpointException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainerTest {
  private static final LearnableWindows SINE = new SineWindows(200, 50).learnable();

  @TempDir Path folder;
  private TrainerRun run;

  @BeforeEach
  void open() {
    run = new TrainerRun(folder.resolve("a"), null);
  }

  private TrainerRun another() {
    return new TrainerRun(folder.resolve("b"), null);
  }

  @Test
  void learnsASineAndPublishesIt() throws Exception {
    TrainReport report = run.train(SINE, "train.epochs=20");

    // the sine has a variance of 0.5: a network that learned nothing has that loss
    assertThat(report.bestValidationLoss()).isLessThan(0.1);
    assertThat(report.epochs()).isEqualTo(20);
    assertThat(report.steps()).isEqualTo(20 * 13);
    assertThat(report.parameters()).isEqualTo(4 * (2 * 6 + 6 * 6 + 6) + 6 * 3 + 3);
    assertThat(report.droppedWindowsPerEpoch()).isZero();
    assertThat(report.distanceMoved()).isGreaterThan(0.1);
    assertThat(report.windowsPerSecond()).isGreaterThan(0);
    assertThat(report.resumedFrom()).isNull();
    assertThat(report.bundle().published()).isTrue();
    ModelBundle bundle = ModelBundle.open(report.bundle().uri(), new Configuration());
    assertThat(bundle.hash()).isEqualTo(report.bundle().hash());
    assertThat(bundle.manifest().metrics())
        .containsEntry("validation-loss", report.bestValidationLoss());
    assertThat(bundle.manifest().residualQuantiles().windows()).isEqualTo(50);
    assertThat(new ObjectMapper().writeValueAsString(report)).contains("\"bestEpoch\":");
  }

  @Test
  void theSameSeedGivesTheSameBits() {
    Checkpoint first =
        run.checkpoint(run.train(SINE, "model.dropout=0.2", "model.hidden-sizes=[5,4]"));
    TrainerRun other = another();
    Checkpoint second =
        other.checkpoint(other.train(SINE, "model.dropout=0.2", "model.hidden-sizes=[5,4]"));

    assertThat(second.parameters()).isEqualTo(first.parameters());
    assertThat(second.optimizer()).isEqualTo(first.optimizer());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"train.threads=3", "train.accumulate=4", "train.threads=2,train.accumulate=2"})
  void threadsAndMicroBatchesLeaveTheResultAsItIs(String pieces) {
    // plain descent: Adam makes a whole step of a gradient that is nothing but rounding
    List<String> settings =
        new ArrayList<>(List.of("train.optimizer=sgd", "train.learning-rate=0.5"));
    TrainReport whole = run.train(SINE, settings.toArray(String[]::new));
    settings.addAll(List.of(pieces.split(",")));
    TrainerRun other = another();

    // 200 windows in batches of 16: the last has 8
    TrainReport cut = other.train(SINE, settings.toArray(String[]::new));

    float[] expected = run.checkpoint(whole).parameters();
    float[] actual = other.checkpoint(cut).parameters();
    for (int i = 0; i < expected.length; i++) {
      // float32 sums of 52 steps in another order
      assertThat(actual[i]).as("parameter %d", i).isCloseTo(expected[i], within(2e-5f));
    }
    assertThat(cut.bestValidationLoss()).isCloseTo(whole.bestValidationLoss(), within(1e-5));
    assertThat(cut.steps()).isEqualTo(whole.steps());
  }

  @Test
  void runWithThreadsAndDropoutResumesToTheSameBits() {
    String[] settings = {
      "model.dropout=0.2", "model.hidden-sizes=[5,4]", "train.threads=2", "train.accumulate=2"
    };
    TrainReport whole = run.train(SINE, settings);
    TrainerRun other = another();
    LearnableWindows dataset = powerCut(2, 3);
    assertThatThrownBy(() -> other.train(dataset, settings)).hasMessage("power cut");

    TrainReport resumed = other.train(SINE, settings);

    assertThat(other.checkpoint(resumed).parameters())
        .isEqualTo(run.checkpoint(whole).parameters());
    assertThat(resumed.bestValidationLoss()).isEqualTo(whole.bestValidationLoss());
  }

  @Test
  void anotherSeedGivesAnotherNetwork() {
    Checkpoint first = run.checkpoint(run.train(SINE));
    TrainerRun other = another();
    Checkpoint second = other.checkpoint(other.train(SINE, "train.seed=2"));

    assertThat(second.parameters()).isNotEqualTo(first.parameters());
  }

  @Test
  void resumedRunEqualsUninterruptedRun() throws IOException {
    String[] settings = {
      "model.dropout=0.2", "model.hidden-sizes=[5,4]", "train.log-every-steps=5"
    };
    TrainReport whole = run.train(SINE, settings);
    TrainerRun other = another();
    LearnableWindows dataset = powerCut(2, 3);
    assertThatThrownBy(() -> other.train(dataset, settings)).hasMessage("power cut");

    TrainReport resumed = other.train(SINE, settings);

    assertThat(resumed.resumedFrom()).endsWith("epoch-00002-step-000000026.checkpoint");
    assertThat(resumed.epochs()).isEqualTo(4);
    assertThat(resumed.steps()).isEqualTo(whole.steps());
    Checkpoint expected = run.checkpoint(whole);
    Checkpoint actual = other.checkpoint(resumed);
    assertThat(actual.parameters()).isEqualTo(expected.parameters());
    assertThat(actual.optimizer()).isEqualTo(expected.optimizer());
    assertThat(actual.bestParameters()).isEqualTo(expected.bestParameters());
    assertThat(resumed.bestValidationLoss()).isEqualTo(whole.bestValidationLoss());
    assertThat(losses(other, resumed)).isEqualTo(losses(run, whole));
  }

  @Test
  void aRunResumesWithinAnEpochToTheSameBits() throws IOException {
    String[] settings = {
      "model.dropout=0.2",
      "model.hidden-sizes=[5,4]",
      "train.average-decay=0.9",
      "train.log-every-steps=1",
      "train.checkpoint.every-steps=5"
    };
    TrainReport whole = run.train(SINE, settings);
    TrainerRun other = another();
    assertThatThrownBy(() -> other.train(powerCut(2, 8), settings)).hasMessage("power cut");

    TrainReport resumed = other.train(SINE, settings);

    // 2 · 13 steps, and 5 of the third epoch
    assertThat(resumed.resumedFrom()).endsWith("epoch-00002-step-000000031.checkpoint");
    Checkpoint expected = run.checkpoint(whole);
    Checkpoint actual = other.checkpoint(resumed);
    assertThat(actual.parameters()).isEqualTo(expected.parameters());
    assertThat(actual.optimizer()).isEqualTo(expected.optimizer());
    assertThat(actual.averageParameters()).isEqualTo(expected.averageParameters());
    assertThat(actual.bestParameters()).isEqualTo(expected.bestParameters());
    assertThat(actual.position().trainLoss()).isEqualTo(expected.position().trainLoss());
    assertThat(losses(other, resumed)).isEqualTo(losses(run, whole));
  }

  @Test
  void theAverageOfTheWeightsIsValidatedAndPublishedInTheirPlace() {
    TrainReport report = run.train(SINE, "train.average-decay=0.95");

    Checkpoint last = run.checkpoint(report);
    assertThat(last.bestParameters())
        .as("the last epoch is the best of a run that has not converged")
        .isEqualTo(last.averageParameters())
        .isNotEqualTo(last.parameters());
    ModelBundle bundle = ModelBundle.open(report.bundle().uri(), new Configuration());
    assertThat(bundle.network().params().data().asFloat()).isEqualTo(last.averageParameters());
  }

  /** No epoch after the first counts as better, so the average begins after the third. */
  private static final String[] AVERAGED_LATE = {
    "train.optimizer=sgd",
    "train.schedule=constant",
    "train.warmup-share=0",
    "train.average-decay=1",
    "train.average-patience=1",
    "train.early-stopping-min-delta=100",
    "train.early-stopping-patience=0",
    "train.epochs=6",
    "train.log-every-steps=13"
  };

  @Test
  void theMeanOfTheWeightsBeginsWhereTheLossIsNoBetterAnyMore() {
    TrainReport report = run.train(SINE, AVERAGED_LATE);

    Checkpoint last = run.checkpoint(report);
    assertThat(last.position().averageTrigger()).isEqualTo(new AverageTrigger(List.of(), 3 * 13));
    assertThat(last.averageParameters())
        .hasSameSizeAs(last.parameters())
        .isNotEqualTo(last.parameters());
  }

  @Test
  void aRunWhoseAverageWaitsResumesToTheSameBits() throws IOException {
    TrainReport whole = run.train(SINE, AVERAGED_LATE);
    TrainerRun before = new TrainerRun(folder.resolve("before"), null);
    assertThatThrownBy(() -> before.train(powerCut(2, 8), AVERAGED_LATE)).hasMessage("power cut");
    TrainerRun after = new TrainerRun(folder.resolve("after"), null);
    assertThatThrownBy(() -> after.train(powerCut(5, 8), AVERAGED_LATE)).hasMessage("power cut");

    for (TrainerRun other : List.of(before, after)) {
      TrainReport resumed = other.train(SINE, AVERAGED_LATE);

      Checkpoint expected = run.checkpoint(whole);
      Checkpoint actual = other.checkpoint(resumed);
      assertThat(actual.parameters()).isEqualTo(expected.parameters());
      assertThat(actual.averageParameters()).isEqualTo(expected.averageParameters());
      assertThat(actual.position().averageTrigger())
          .isEqualTo(expected.position().averageTrigger());
      assertThat(losses(other, resumed)).isEqualTo(losses(run, whole));
    }
  }

  @Test
  void aRunBeginsWithTheWeightsOfABundle() {
    TrainReport first = run.train(SINE, "train.epochs=20");
    TrainerRun other = another();

    TrainReport second =
        other.train(SINE, fineTune(first), "train.epochs=1", "train.learning-rate=1e-6");

    // a network with fresh weights has a loss of 0.5 here
    assertThat(second.trainLoss()).isLessThan(0.1);
    assertThat(second.distanceMoved()).isLessThan(1e-3);
    assertThat(second.fineTunedFrom()).isEqualTo(first.bundle().uri());
    BundleManifest published =
        ModelBundle.open(second.bundle().uri(), new Configuration()).manifest();
    assertThat(published.provenance().fineTunedFrom())
        .isEqualTo(
            new FineTunedFrom("sine", 1, first.bundle().hash(), List.of("recurrent-0", "head")));
  }

  /** What it published itself is the newest version by then. */
  @Test
  void aRunThatBeganWithTheNewestVersionGoesOnFromThatOne() {
    TrainReport first = run.train(SINE, "train.epochs=1");
    String[] settings = {
      "train.fine-tune.bundle=latest",
      "train.checkpoint.path=\"" + folder.resolve("tuned") + "\"",
      "train.epochs=1"
    };
    TrainReport second = run.train(SINE, settings);
    assertThat(second.bundle().version()).isEqualTo(2);

    TrainReport again = run.train(SINE, settings);
    settings[2] = "train.epochs=2";
    TrainReport longer = run.train(SINE, settings);

    assertThat(again.bundle().published()).isFalse();
    assertThat(longer.bundle().version()).isEqualTo(3);
    assertThat(longer.resumedFrom()).isEqualTo(second.checkpoint());
    assertThat(List.of(again.fineTunedFrom(), longer.fineTunedFrom()))
        .containsOnly(first.bundle().uri());
  }

  private static String fineTune(TrainReport report) {
    return "train.fine-tune.bundle=\"" + report.bundle().uri() + "\"";
  }

  /** Only what is above the recurrent layers is another. */
  @Test
  void theLayersOfABundleThatFitAreTaken() {
    TrainReport first = run.train(SINE, "train.epochs=1");
    TrainerRun other = another();

    TrainReport second =
        other.train(SINE, fineTune(first), "model.dense-sizes=[5]", "train.epochs=1");

    ModelBundle bundle = ModelBundle.open(second.bundle().uri(), new Configuration());
    assertThat(bundle.manifest().provenance().fineTunedFrom().layers())
        .containsExactly("recurrent-0");
  }

  /** Neither by the optimizer nor by decay or averages, and from where another run left off. */
  @Test
  void aLayerThatIsFrozenStaysAsTheBundleHasItAndARunThatResumesFreezesTheSame()
      throws IOException {
    TrainReport first = run.train(SINE, "train.epochs=1");
    String[] settings = {
      fineTune(first),
      "train.fine-tune.gradual-unfreezing=true",
      "train.fine-tune.layer-decay=2.6",
      "train.schedule=slanted-triangular",
      "train.weight-decay=0.1",
      "train.average-decay=0.9",
      "train.epochs=1",
      "train.log-every-steps=13"
    };
    TrainerRun frozen = new TrainerRun(folder.resolve("frozen"), null);
    float[] one = frozen.checkpoint(frozen.train(SINE, settings)).parameters();
    float[] before = run.checkpoint(first).bestParameters();
    int recurrent = 4 * 6 * (2 + 6 + 1);
    assertThat(Arrays.copyOf(one, recurrent)).isEqualTo(Arrays.copyOf(before, recurrent));
    assertThat(one).isNotEqualTo(before);

    settings[6] = "train.epochs=3";
    TrainerRun whole = new TrainerRun(folder.resolve("whole"), null);
    TrainReport expected = whole.train(SINE, settings);
    TrainerRun cut = new TrainerRun(folder.resolve("cut"), null);
    assertThatThrownBy(() -> cut.train(powerCut(2, 8), settings)).hasMessage("power cut");
    TrainReport resumed = cut.train(SINE, settings);

    assertThat(cut.checkpoint(resumed).parameters())
        .isEqualTo(whole.checkpoint(expected).parameters());
    assertThat(losses(cut, resumed)).isEqualTo(losses(whole, expected));
    assertThat(Arrays.copyOf(whole.checkpoint(expected).parameters(), recurrent))
        .isNotEqualTo(Arrays.copyOf(before, recurrent));
  }

  @Test
  void aBundleOfWhichNothingFitsIsRefused() {
    TrainReport first = run.train(SINE, "train.epochs=1");
    TrainerRun other = another();

    assertThatThrownBy(() -> other.train(SINE, fineTune(first), "model.hidden-sizes=[7]"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "Cannot fine-tune %s: no layer of it fits this run's network (recurrent-0: fresh, it has 2 inputs and 7 units, the bundle's 2 and 6; head: fresh, the layer below it is fresh). Set the model section to that of the bundle, or train.fine-tune.bundle to another one.",
            first.bundle().uri());
  }

  /** No epoch after the first counts as better, so each one after that lowers the rate. */
  private static final String[] STANDING_STILL = {
    "train.schedule=plateau",
    "train.plateau-patience=1",
    "train.decay=0.25",
    "train.min-learning-rate=0.001",
    "train.warmup-share=0",
    "train.early-stopping-min-delta=100",
    "train.log-every-steps=13"
  };

  @Test
  void aPlateauLowersTheRateEpochByEpochDownToItsFloor() throws IOException {
    TrainReport report = run.train(SINE, STANDING_STILL);

    var rates = new ArrayList<Double>();
    for (String line : run.metrics(report)) {
      JsonNode node = new ObjectMapper().readTree(line);
      if (!node.has("validationLoss")) {
        rates.add(node.get("learningRate").asDouble());
      }
    }
    // 0.005 · 0.25 = 0.00125, and a quarter of that would be below the floor
    assertThat(rates).containsExactly(0.02, 0.02, 0.005, 0.00125);
    Checkpoint.Position last = run.checkpoint(report).position();
    assertThat(last.rateReductions()).containsExactly(2 * 13, 3 * 13, 4 * 13);
    assertThat(last.epochsOnPlateau()).isZero();
  }

  @Test
  void aRunOnAPlateauResumesToTheSameResult() throws IOException {
    String[] settings = {
      "train.schedule=plateau",
      "train.plateau-patience=2",
      "train.warmup-share=0",
      "train.early-stopping-min-delta=100",
      "train.epochs=6",
      "train.log-every-steps=13"
    };
    TrainReport whole = run.train(SINE, settings);
    TrainerRun other = another();
    // after epoch 4 there is one reduction, and one epoch counted towards the next
    LearnableWindows dataset = powerCut(4, 3);
    assertThatThrownBy(() -> other.train(dataset, settings)).hasMessage("power cut");

    TrainReport resumed = other.train(SINE, settings);

    assertThat(resumed.resumedFrom()).endsWith("epoch-00004-step-000000052.checkpoint");
    Checkpoint expected = run.checkpoint(whole);
    Checkpoint actual = other.checkpoint(resumed);
    assertThat(expected.position().rateReductions()).containsExactly(3 * 13, 5 * 13);
    assertThat(actual.position().rateReductions()).isEqualTo(expected.position().rateReductions());
    assertThat(actual.parameters()).isEqualTo(expected.parameters());
    assertThat(actual.optimizer()).isEqualTo(expected.optimizer());
    assertThat(losses(other, resumed)).isEqualTo(losses(run, whole));
  }

  /** Epoch, step, losses and rate of each line of metrics, all that does not measure time. */
  private static List<String> losses(TrainerRun run, TrainReport report) throws IOException {
    var json = new ObjectMapper();
    var losses = new ArrayList<String>();
    for (String line : run.metrics(report)) {
      JsonNode node = json.readTree(line);
      losses.add(
          List.of(
                  node.get("epoch"),
                  node.get("step"),
                  node.get("loss"),
                  node.path("validationLoss"),
                  node.path("gradientNorm"),
                  node.get("learningRate"))
              .toString());
    }
    return losses;
  }

  @Test
  void whatAFailedRunDidIsInItsMetrics() throws IOException {
    LearnableWindows dataset =
        DisturbedWindows.of(
            SINE,
            "cut before a checkpoint",
            (rank, epoch, step, batch) -> {
              if (step == 9) {
                throw new IllegalStateException("power cut");
              }
            });

    assertThatThrownBy(() -> run.train(dataset, "train.log-every-steps=1"))
        .hasStackTraceContaining("power cut");

    try (Stream<Path> files = Files.walk(folder)) {
      Path metrics = files.filter(file -> file.endsWith("metrics.jsonl")).findFirst().orElseThrow();
      assertThat(Files.readString(metrics)).contains("\"step\":3,").doesNotContain("\"step\":10,");
    }
  }

  @Test
  void metricsHaveALineEveryFewStepsAndOneAnEpoch() throws IOException {
    TrainReport report = run.train(SINE, "train.log-every-steps=5", "train.epochs=2");

    List<JsonNode> lines = new ArrayList<>();
    for (String line : run.metrics(report)) {
      lines.add(new ObjectMapper().readTree(line));
    }
    assertThat(lines.stream().map(l -> l.get("step").asInt()))
        .containsExactly(5, 10, 13, 15, 20, 25, 26);
    assertThat(lines.stream().filter(l -> l.has("validationLoss")).map(l -> l.get("epoch").asInt()))
        .containsExactly(1, 2);
    assertThat(lines.get(0).get("gradientNorm").asDouble()).isGreaterThan(0);
    assertThat(lines.get(6).get("validationLoss").asDouble())
        .isEqualTo(report.lastValidationLoss());
  }

  @Test
  void theProgressLineTellsEpochStepLossesAndRate() {
    String first = firstLine(progress -> run.train(SINE, progress, "train.epochs=2"));
    String resumed = firstLine(progress -> run.train(SINE, progress, "train.epochs=4"));

    // the resumed run's validation loss is that of its checkpoint
    String number = "\\d[\\d.e+-]*";
    assertThat(first)
        .matches(
            "train   3% \\| epoch 1/2 \\| step 1/13 \\| loss N \\| validation - \\| norm N \\| lr N \\| [\\d,]+ windows/s \\| compute \\d+%, all-reduce 0%, reading \\d+% \\| time left unknown"
                .replace("N", number));
    assertThat(resumed)
        .matches(
            "train  51% \\| epoch 3/4 \\| step 1/13 \\| loss N \\| validation N \\| norm N \\| lr N \\| [\\d,]+ windows/s \\| compute \\d+%, all-reduce 0%, reading \\d+% \\| time left unknown"
                .replace("N", number));
  }

  /** The first line of progress that a run shows where nobody sits at a terminal. */
  private static String firstLine(Consumer<Progress> work) {
    PrintStream before = System.err;
    var bytes = new ByteArrayOutputStream();
    System.setErr(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      work.accept(Progress.standardError());
    } finally {
      System.setErr(before);
    }
    return bytes
        .toString(StandardCharsets.UTF_8)
        .lines()
        .filter(line -> line.startsWith("train "))
        .findFirst()
        .orElse("no line");
  }

  @Test
  void stopsEarlyAndPublishesTheBestEpochNotTheLast() {
    TrainReport report =
        run.train(
            SINE,
            "train.epochs=9",
            "train.early-stopping-patience=2",
            "train.early-stopping-min-delta=100");

    assertThat(report.stoppedEarly()).isTrue();
    assertThat(report.epochs()).isEqualTo(3);
    assertThat(report.bestEpoch()).isEqualTo(1);
    Checkpoint last = run.checkpoint(report);
    assertThat(last.bestParameters()).isNotEqualTo(last.parameters());
    ModelBundle bundle = ModelBundle.open(report.bundle().uri(), new Configuration());
    assertThat(bundle.manifest().metrics()).containsEntry("best-epoch", 1.0);
  }

  @Test
  void aFinishedRunIsNotPublishedTwice() {
    TrainReport first = run.train(SINE);

    TrainReport second = run.train(SINE);

    assertThat(second.bundle())
        .isEqualTo(
            new TrainReport.Bundle(
                first.bundle().uri(), first.bundle().version(), first.bundle().hash(), false));
    assertThat(second.resumedFrom()).isEqualTo(first.checkpoint());
    assertThat(second.windowsPerSecond()).isZero();
    assertThat(second.bestValidationLoss()).isEqualTo(first.bestValidationLoss());
  }

  @Test
  void aFinishedRunGoesOnWithMoreEpochs() {
    run.train(SINE);

    TrainReport longer = run.train(SINE, "train.epochs=6");

    assertThat(longer.epochs()).isEqualTo(6);
    assertThat(longer.bundle().published()).isTrue();
    assertThat(longer.bundle().version()).isEqualTo(2);
  }

  @Test
  void startingOverForgetsTheCheckpoints() {
    run.train(SINE);

    TrainReport again = run.train(SINE, "train.checkpoint.resume=false", "train.epochs=2");

    assertThat(again.resumedFrom()).isNull();
    assertThat(again.epochs()).isEqualTo(2);
    assertThat(again.checkpoint()).endsWith("epoch-00002-step-000000026.checkpoint");
  }

  @Test
  void aCheckpointOfAnotherNetworkIsRefused() {
    TrainReport report = run.train(SINE);

    assertThatThrownBy(() -> run.train(SINE, "model.hidden-sizes=[7]"))
        .isInstanceOf(IncompatibleCheckpointException.class)
        .hasMessage(
            "Cannot resume from %s: saved with model.hidden-sizes [6], this run has [7]. Use another train.checkpoint.path, restore the setting, or start over with train.checkpoint.resume = false.",
            report.checkpoint());
  }

  @Test
  void aCheckpointOfOtherDataIsRefused() {
    run.train(SINE);

    assertThatThrownBy(() -> run.train(new SineWindows(200, 50).learnable("segments", "new rows")))
        .isInstanceOf(IncompatibleCheckpointException.class)
        .hasMessageContaining("saved with dataset ");
  }

  @Test
  void checkpointsEveryFewEpochsAndAfterTheLast() throws IOException {
    run.train(SINE, "train.epochs=5", "train.checkpoint.every-epochs=2", "train.checkpoint.keep=9");

    try (var files = Files.list(folder.resolve("a/runs/sine/checkpoints"))) {
      assertThat(
              files
                  .map(f -> f.getFileName().toString())
                  .filter(f -> f.endsWith(".checkpoint") && !f.startsWith(".")))
          .containsExactlyInAnyOrder(
              "epoch-00002-step-000000026.checkpoint",
              "epoch-00004-step-000000052.checkpoint",
              "epoch-00005-step-000000065.checkpoint");
    }
  }

  @Test
  void theFirstLossThatIsNotFiniteEndsTheRun() {
    assertThatThrownBy(
            () ->
                run.train(
                    SINE,
                    "train.optimizer=sgd",
                    "train.learning-rate=100",
                    "train.schedule=constant",
                    "train.warmup-share=0",
                    "train.max-gradient-norm=0",
                    "train.epochs=20"))
        .isInstanceOf(OperationFailedException.class)
        .hasMessageMatching(
            "Loss became (NaN|infinite) at step \\d+ \\(last finite \\S+ at \\d+, gradient norm \\S+, lr 1\\.0e\\+02\\)\\. (No checkpoint was written yet|The last checkpoint, of step \\d+, is in .*)\\. Lower train.learning-rate or set train.max-gradient-norm\\.")
        .extracting(e -> ((OperationFailedException) e).exitStatus())
        .isEqualTo(ExitStatus.FAILED);
    assertThat(folder.resolve("a/models")).doesNotExist();
  }

  @Test
  void aRunThatMovesNothingEndsAtItsFirstStep() {
    // a rate that float32 has no number for
    assertThatThrownBy(() -> run.train(SINE, "train.optimizer=sgd", "train.learning-rate=1e-50"))
        .isInstanceOf(OperationFailedException.class)
        .hasMessageMatching(
            "Step 1 left all parameters as they were \\(loss \\S+, gradient norm \\S+, lr \\S+\\)\\. Raise train.learning-rate\\.")
        .extracting(e -> ((OperationFailedException) e).exitStatus())
        .isEqualTo(ExitStatus.FAILED);
    assertThat(folder.resolve("a/models")).doesNotExist();
  }

  @Test
  void aSecondRunOnTheSameCheckpointsIsRefusedAndTheFirstGoesOn() {
    var refusals = new ArrayList<Throwable>();
    LearnableWindows dataset =
        beforeEachEpoch(epoch -> refusals.add(catchThrowable(() -> run.train(SINE))));

    TrainReport report = run.train(dataset, "train.epochs=2");

    assertThat(report.epochs()).isEqualTo(2);
    assertThat(report.bundle().published()).isTrue();
    assertThat(refusals).hasSize(2);
    assertThat(refusals)
        .allSatisfy(
            refusal ->
                assertThat(refusal)
                    .isInstanceOf(OperationFailedException.class)
                    .hasMessageMatching(
                        "Cannot train with checkpoints in %1$s: run run-\\d+ on host \\S+ \\(process \\d+, since \\S+\\) is training there\\. Wait for it to end, or set train.checkpoint.path to another folder; if it is dead, its lock %1$s\\.lock is taken over 120 s after its last sign of life\\."
                            .formatted(folder.resolve("a/runs/sine/checkpoints")))
                    .extracting(e -> ((OperationFailedException) e).exitStatus())
                    .isEqualTo(ExitStatus.FAILED));
    assertThat(folder.resolve("a/runs/sine/checkpoints.lock")).doesNotExist();
  }

  @Test
  void aRunWhoseLockWasTakenOverWritesNoCheckpoint() {
    Path lock = folder.resolve("a/runs/sine/checkpoints.lock");
    LearnableWindows dataset =
        beforeEachEpoch(
            epoch -> {
              if (epoch == 1) {
                write(
                    lock,
                    "{\"lockId\":\"7\",\"runId\":\"rival\",\"host\":\"h7\",\"processes\":\"\",\"pid\":5,\"startedAt\":\"2024-01-01T00:00:00Z\"}");
              }
            });

    assertThatThrownBy(() -> run.train(dataset))
        .isInstanceOf(OperationFailedException.class)
        .hasMessage(
            "Cannot train with checkpoints in %1$s: the lock %1$s.lock was taken by run rival on host h7 (process 5, since 2024-01-01T00:00:00Z). This run stopped before it touched what the other one writes; set train.checkpoint.path to another folder and run again."
                .formatted(folder.resolve("a/runs/sine/checkpoints")));
    assertThat(folder.resolve("a/runs/sine/checkpoints/epoch-00002-step-000000026.checkpoint"))
        .doesNotExist();
  }

  private static void write(Path file, String text) {
    try {
      // in one moment, as another run would: the writer of checkpoints reads it meanwhile
      Path whole = Files.writeString(file.resolveSibling("rival.lock"), text);
      Files.move(whole, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void aSplitWithoutWindowsIsNamed() {
    assertThatThrownBy(() -> run.train(new SineWindows(200, 0).learnable()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "Cannot train on memory:/sine: its validation split has no window. Give split.validation a larger share, or shorten window.look-back or window.horizon, and rebuild with build-sequences.");
  }

  @Test
  void fewerWindowsThanABatchAreRefused() {
    assertThatThrownBy(() -> run.train(new SineWindows(15, 5).learnable()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "Cannot train on memory:/sine: its train split has 15 windows, fewer than train.batch-size (16). Lower train.batch-size to at most 15, or build a larger dataset.");
  }

  @Test
  void aDatasetOfWindowsIsRefused() {
    assertThatThrownBy(() -> run.train(new SineWindows(200, 50).learnable("windows", "hash")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "Cannot train on memory:/sine: its layout is windows, training reads segments. Rebuild with build-sequences and dataset.layout = segments.");
  }

  @Test
  void parameterAveragingNeedsSpark() {
    assertThatThrownBy(() -> run.train(SINE, "train.strategy=parameter-averaging"))
        .isInstanceOf(OperationFailedException.class)
        .hasMessage(
            "train.strategy = parameter-averaging needs a Spark session, and this run has none. Submit it with spark-submit, or set train.strategy = local.");
  }

  @Test
  void quantilesTrainToo() {
    TrainReport report = run.train(SINE, "model.quantiles=[0.1,0.5,0.9]", "train.epochs=15");

    assertThat(report.bestValidationLoss()).isLessThan(0.1);
    ModelBundle bundle = ModelBundle.open(report.bundle().uri(), new Configuration());
    assertThat(bundle.manifest().residualQuantiles()).isNull();
  }

  private static LearnableWindows beforeEachEpoch(IntConsumer then) {
    return DisturbedWindows.of(
        SINE,
        "each epoch",
        (rank, epoch, step, batch) -> {
          if (step == 0) {
            then.accept(epoch);
          }
        });
  }

  /** A machine that loses power in an epoch, from 0, before one of its steps. */
  private static LearnableWindows powerCut(int epochOfCut, int stepOfCut) {
    return DisturbedWindows.of(
        SINE,
        "power cut",
        (rank, epoch, step, batch) -> {
          if (epoch == epochOfCut && step == stepOfCut) {
            throw new IllegalStateException("power cut");
          }
        });
  }
}
