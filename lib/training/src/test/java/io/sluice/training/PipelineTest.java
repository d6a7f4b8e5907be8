package io.sluice.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.failure.OperationFailedException;
import io.sluice.sequences.dataset.TinyDataset;
import io.sluice.training.checkpoint.Checkpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Pipeline stages as threads of one process, which talk over loopback as over a network. */
class PipelineTest {
  /** All that could depend on where a layer is and how a batch is cut. */
  private static final String[] SETTINGS = {
    "model.hidden-sizes=[5,4,6]",
    "model.dropout=0.2",
    "model.recurrent-dropout=0.2",
    "train.max-gradient-norm=0.5",
    "train.average-decay=0.9",
    "train.log-every-steps=1"
  };

  private static final LearnableWindows SINE = new SineWindows(200, 50).learnable();

  @RegisterExtension static final LocalSpark SPARK = LocalSpark.of(8);

  @TempDir Path folder;

  private TrainerRun run(String name) {
    return new TrainerRun(folder.resolve(name), SPARK.session());
  }

  private static String[] with(String[] some, String... more) {
    var all = java.util.Arrays.copyOf(some, some.length + more.length);
    System.arraycopy(more, 0, all, some.length, more.length);
    return all;
  }

  private static String[] pipeline(String placement, int workers, String... more) {
    return with(
        with(
            SETTINGS,
            "train.strategy=pipeline",
            "train.pipeline.placement=" + placement,
            "train.workers=" + workers),
        more);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"[0,0,0]|1|4", "[0,0,1]|2|2", "[0,1,2,2]|3|3", "[0,1,2,3]|4|1", "[0,1,1]|4|2"})
  void anyPlacementFollowsTheLossCurveOfOneProcess(
      String placement, int workers, int microBatches) {
    TrainerRun local = run("local");
    TrainReport one = local.train(SINE, with(SETTINGS, "train.strategy=local"));
    TrainerRun spread = run("spread");

    TrainReport many =
        spread.train(
            SINE,
            pipeline(
                placement,
                workers,
                "train.accumulate=" + microBatches,
                "train.pipeline.time-chunk=3"));

    assertThat(many.steps()).isEqualTo(one.steps()).isEqualTo(52);
    List<Double> expected = losses(local, one);
    List<Double> actual = losses(spread, many);
    assertThat(actual).hasSameSizeAs(expected).hasSize(52 + 4);
    for (int i = 0; i < expected.size(); i++) {
      assertThat(actual.get(i)).isCloseTo(expected.get(i), within(1e-5 * expected.get(i)));
    }
    assertClose(spread.checkpoint(many), local.checkpoint(one));
    assertThat(many.bundle().published()).isTrue();
  }

  @Test
  void theSamePlacementGivesTheSameBits() {
    TrainerRun first = run("first");
    TrainerRun second = run("second");

    Checkpoint one = first.checkpoint(first.train(SINE, pipeline("[0,1,1]", 4)));
    Checkpoint two = second.checkpoint(second.train(SINE, pipeline("[0,1,1]", 4)));

    assertThat(two.parameters()).isEqualTo(one.parameters());
    assertThat(two.optimizer()).isEqualTo(one.optimizer());
    assertThat(two.averageParameters()).isEqualTo(one.averageParameters());
  }

  @Test
  void aRunGoesOnUnderAnotherPlacementAndAnotherStrategy() {
    TrainerRun local = run("local");
    TrainReport whole = local.train(SINE, with(SETTINGS, "train.strategy=local"));
    TrainerRun moving = run("moving");
    String[] often = {"train.checkpoint.every-steps=5", "train.gradient-sharing.retries=0"};

    assertThatThrownBy(() -> moving.train(powerCutAt(8), pipeline("[0,0,1]", 2, often)))
        .isInstanceOf(OperationFailedException.class);
    assertThatThrownBy(() -> moving.train(powerCutAt(12), pipeline("[0,1,2]", 6, with(often))))
        .isInstanceOf(OperationFailedException.class);
    TrainReport end =
        moving.train(
            SINE, with(SETTINGS, "train.strategy=gradient-sharing", "train.workers=2", often[0]));

    assertThat(end.resumedFrom()).endsWith("epoch-00000-step-000000010.checkpoint");
    assertClose(moving.checkpoint(end), local.checkpoint(whole));
    assertThat(losses(moving, end)).hasSameSizeAs(losses(local, whole));
  }

  @Test
  void aStageThatFailsOnceCostsAnAttemptAndLeavesTheResult() {
    TrainerRun quiet = run("quiet");
    TrainerRun disturbed = run("disturbed");
    var cuts = new AtomicInteger();
    LearnableWindows dataset =
        DisturbedWindows.of(
            SINE,
            "once",
            (rank, epoch, step, batch) -> {
              if (epoch == 2 && step == 8 && cuts.getAndIncrement() == 0) {
                throw new IllegalStateException("power cut");
              }
            });
    String[] often = {"train.checkpoint.every-steps=5"};

    TrainReport whole = quiet.train(SINE, pipeline("[0,1,1]", 2, often));
    TrainReport report = disturbed.train(dataset, pipeline("[0,1,1]", 2, often));

    assertThat(cuts.get()).isEqualTo(2);
    assertThat(losses(disturbed, report)).isEqualTo(losses(quiet, whole));
    assertThat(disturbed.checkpoint(report).parameters())
        .isEqualTo(quiet.checkpoint(whole).parameters());
    assertThat(disturbed.checkpoint(report).bestParameters())
        .isEqualTo(quiet.checkpoint(whole).bestParameters());
  }

  /** 1 % is asked for; the rounding of 8 bits averages out. */
  @Test
  void roundedActivationsTakeHalfTheBytesAndLearnAsWell() {
    String[] wide = {"model.hidden-sizes=[40,40]", "model.dropout=0", "model.recurrent-dropout=0"};
    TrainerRun exact = run("f32");
    TrainerRun rounded = run("bf16");

    TrainReport full = exact.train(SINE, pipeline("[0,1]", 2, wide));
    TrainReport half =
        rounded.train(SINE, pipeline("[0,1]", 2, with(wide, "train.pipeline.wire=bf16")));

    double loss = lossOfFirstEpoch(exact, full);
    assertThat(lossOfFirstEpoch(rounded, half))
        .isNotEqualTo(loss)
        .isCloseTo(loss, within(0.01 * loss));
    assertThat(half.bestValidationLoss())
        .isCloseTo(full.bestValidationLoss(), within(0.01 * full.bestValidationLoss()));
    assertThat(bytes(rounded, half)).isLessThan((long) (0.6 * bytes(exact, full)));
  }

  private static double lossOfFirstEpoch(TrainerRun run, TrainReport report) {
    return run.metrics(report).stream()
        .map(TrainerRun::json)
        .filter(line -> line.has("validationLoss"))
        .findFirst()
        .orElseThrow()
        .get("validationLoss")
        .asDouble();
  }

  private static long bytes(TrainerRun run, TrainReport report) {
    List<String> lines = run.metrics(report);
    return TrainerRun.json(lines.get(lines.size() - 1)).get("bytesSent").asLong();
  }

  /** Of two replicas: what the peers of each stage send each other. */
  @ParameterizedTest
  @ValueSource(strings = {"bf16", "threshold"})
  void gradientsThatAreRoundedOrEncodedLearnTooAndGoOnFromACheckpointToTheSameBits(String wire) {
    String[] settings =
        pipeline(
            "[0,1]",
            4,
            "model.hidden-sizes=[60,30]",
            "train.gradient-sharing.wire=" + wire,
            "train.gradient-sharing.density=0.05",
            "train.checkpoint.every-steps=5");
    TrainerRun quiet = run("quiet");
    TrainerRun disturbed = run("disturbed");
    var cuts = new AtomicInteger();
    LearnableWindows dataset =
        DisturbedWindows.of(
            SINE,
            wire,
            (replica, epoch, step, batch) -> {
              if (replica == 1 && epoch == 2 && step == 8 && cuts.getAndIncrement() == 0) {
                throw new IllegalStateException("power cut");
              }
            });

    TrainReport whole = quiet.train(SINE, settings);
    TrainReport report = disturbed.train(dataset, settings);

    assertThat(cuts.get()).isEqualTo(2);
    // the sine has a variance of 0.5: a network that learned nothing has that loss
    assertThat(whole.bestValidationLoss()).isLessThan(0.2);
    assertThat(losses(disturbed, report)).isEqualTo(losses(quiet, whole));
    assertThat(disturbed.checkpoint(report).parameters())
        .isEqualTo(quiet.checkpoint(whole).parameters());
    assertThat(disturbed.checkpoint(report).optimizer())
        .isEqualTo(quiet.checkpoint(whole).optimizer());
  }

  @Test
  void allStagesLowerTheRateAndStopEarlyWithOneProcess() {
    String[] plateau = {
      "train.epochs=12",
      "train.schedule=plateau",
      "train.plateau-patience=1",
      "train.early-stopping-patience=3",
      "train.early-stopping-min-delta=100",
      "train.fine-tune.layer-decay=2",
      // the lowest stage has nothing that learns at first
      "train.fine-tune.gradual-unfreezing=true"
    };
    TrainerRun local = run("local");
    TrainerRun spread = run("spread");

    TrainReport one = local.train(SINE, with(with(SETTINGS, "train.strategy=local"), plateau));
    TrainReport many = spread.train(SINE, pipeline("[0,1,1]", 4, plateau));

    assertThat(many.stoppedEarly()).isEqualTo(one.stoppedEarly()).isTrue();
    assertThat(many.epochs()).isEqualTo(one.epochs());
    assertThat(spread.checkpoint(many).position().rateReductions())
        .isEqualTo(local.checkpoint(one).position().rateReductions())
        .isNotEmpty();
    assertClose(spread.checkpoint(many), local.checkpoint(one));
  }

  /** Targets at every step, of which those are masked that were never read. */
  @Test
  void targetsAtEveryStepWithAMaskTravelToTheLastStage() throws IOException {
    String dataset =
        TinyDataset.forecast().days(16).missing(0.2).masks().write(folder.resolve("data"));
    String[] every = {
      "model.output=sequence", "train.max-train-windows=200", "train.epochs=2", "train.accumulate=2"
    };
    TrainerRun local = run("local");
    TrainerRun spread = run("spread");

    TrainReport one = local.trainOn(dataset, with(with(SETTINGS, "train.strategy=local"), every));
    TrainReport many = spread.trainOn(dataset, pipeline("[0,0,1]", 4, every));

    assertThat(many.steps()).isEqualTo(one.steps());
    assertThat(many.bestValidationLoss()).isCloseTo(one.bestValidationLoss(), within(1e-5));
    assertClose(spread.checkpoint(many), local.checkpoint(one));
  }

  @Test
  void whatFailsIsNamedWithItsStage() {
    assertThatThrownBy(
            () ->
                run("named")
                    .train(
                        powerCutAt(3), pipeline("[0,1,1]", 2, "train.gradient-sharing.retries=0")))
        .isInstanceOf(OperationFailedException.class)
        .hasMessageContaining(
            "Rank 0 of 2 (pipeline stage 0 of replica 0: recurrent layer 0, executor driver on localhost) failed: java.lang.IllegalStateException: power cut.");
    assertThat(SPARK.session().range(3).count()).isEqualTo(3);
  }

  private static LearnableWindows powerCutAt(int stepOfCut) {
    return DisturbedWindows.of(
        SINE,
        "always" + stepOfCut,
        (rank, epoch, step, batch) -> {
          if (rank == 0 && step == stepOfCut) {
            throw new IllegalStateException("power cut");
          }
        });
  }

  private static List<Double> losses(TrainerRun run, TrainReport report) {
    var losses = new ArrayList<Double>();
    for (String line : run.metrics(report)) {
      JsonNode node = TrainerRun.json(line);
      losses.add(
          node.has("validationLoss")
              ? node.get("validationLoss").asDouble()
              : node.get("loss").asDouble());
    }
    return losses;
  }

  private static void assertClose(Checkpoint actual, Checkpoint expected) {
    assertThat(actual.parameters()).hasSameSizeAs(expected.parameters());
    for (int i = 0; i < expected.parameters().length; i++) {
      assertThat(actual.parameters()[i])
          .as("parameter %d", i)
          .isCloseTo(expected.parameters()[i], within(1e-5f));
      assertThat(actual.averageParameters()[i])
          .as("average %d", i)
          .isCloseTo(expected.averageParameters()[i], within(1e-5f));
    }
  }
}
