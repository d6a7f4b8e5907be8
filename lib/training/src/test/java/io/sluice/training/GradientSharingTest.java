package io.sluice.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.failure.ExitStatus;
import io.sluice.failure.InsufficientClusterException;
import io.sluice.failure.InvalidInputException;
import io.sluice.failure.OperationFailedException;
import io.sluice.training.checkpoint.Checkpoint;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ranks as threads of one process, which talk over loopback as they would over a network. */
class GradientSharingTest {
  /** All that could depend on how a batch is cut. */
  private static final String[] SETTINGS = {
    "model.hidden-sizes=[5,4]",
    "model.dropout=0.2",
    "model.variational-dropout=true",
    "model.recurrent-dropout=0.2",
    "train.max-gradient-norm=0.5",
    "train.log-every-steps=1"
  };

  private static final LearnableWindows SINE = new SineWindows(200, 50).learnable();

  @RegisterExtension static final LocalSpark SPARK = LocalSpark.of(4);

  @TempDir Path folder;

  private TrainerRun run(String name) {
    return new TrainerRun(folder.resolve(name), SPARK.session());
  }

  private static String[] with(String[] some, String... more) {
    var all = java.util.Arrays.copyOf(some, some.length + more.length);
    System.arraycopy(more, 0, all, some.length, more.length);
    return all;
  }

  private static String[] ranks(int ranks, String... more) {
    return with(with(SETTINGS, "train.strategy=gradient-sharing", "train.workers=" + ranks), more);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4})
  void ranksFollowTheLossCurveOfOneProcess(int ranks) {
    String[] rates =
        ranks % 2 == 0
            ? new String[0]
            : new String[] {
              "train.fine-tune.layer-decay=2", "train.fine-tune.gradual-unfreezing=true"
            };
    TrainerRun local = run("local");
    TrainReport one = local.train(SINE, with(with(SETTINGS, "train.strategy=local"), rates));
    TrainerRun shared = run("shared");

    TrainReport many =
        shared.train(
            SINE,
            with(ranks(ranks, "train.accumulate=2", "train.threads=" + (ranks % 2 + 1)), rates));

    assertThat(many.steps()).isEqualTo(one.steps()).isEqualTo(52);
    List<Double> expected = losses(local, one);
    List<Double> actual = losses(shared, many);
    assertThat(actual).hasSameSizeAs(expected).hasSize(52 + 4);
    for (int i = 0; i < expected.size(); i++) {
      assertThat(actual.get(i)).isCloseTo(expected.get(i), within(1e-5 * expected.get(i)));
    }
    assertClose(shared.checkpoint(many), local.checkpoint(one), 1e-5f);
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

  private static void assertClose(Checkpoint actual, Checkpoint expected, float tolerance) {
    assertThat(actual.parameters()).hasSameSizeAs(expected.parameters());
    for (int i = 0; i < expected.parameters().length; i++) {
      assertThat(actual.parameters()[i])
          .as("parameter %d", i)
          .isCloseTo(expected.parameters()[i], within(tolerance));
    }
  }

  @Test
  void theSameNumberOfRanksGivesTheSameBits() {
    TrainerRun first = run("first");
    TrainerRun second = run("second");

    Checkpoint one = first.checkpoint(first.train(SINE, ranks(3)));
    Checkpoint two = second.checkpoint(second.train(SINE, ranks(3)));

    assertThat(two.parameters()).isEqualTo(one.parameters());
    assertThat(two.optimizer()).isEqualTo(one.optimizer());
  }

  @Test
  void aRunGoesOnWithAnotherNumberOfRanks() {
    TrainerRun local = run("local");
    TrainReport whole = local.train(SINE, with(SETTINGS, "train.strategy=local"));
    TrainerRun moving = run("moving");
    String[] once = {"train.checkpoint.every-steps=5", "train.gradient-sharing.retries=0"};

    assertThatThrownBy(() -> moving.train(powerCutAt(8), ranks(2, once)))
        .isInstanceOf(OperationFailedException.class);
    TrainReport onThree = moving.train(SINE, ranks(3, with(once, "train.epochs=4")));

    assertThat(onThree.resumedFrom()).endsWith("epoch-00000-step-000000005.checkpoint");
    assertClose(moving.checkpoint(onThree), local.checkpoint(whole), 1e-5f);
    assertThat(losses(moving, onThree)).hasSameSizeAs(losses(local, whole));
  }

  private static final String[] FREQUENT = {
    "train.checkpoint.every-steps=5", "train.gradient-sharing.join-timeout=10 s"
  };

  @Test
  void aSlowRankIsWaitedFor() {
    TrainerRun quiet = run("quiet");
    TrainerRun slow = run("slow");
    LearnableWindows dataset =
        DisturbedWindows.of(
            SINE,
            "slow",
            (rank, epoch, step, batch) -> {
              if (rank == 1 && step == 3) {
                LockSupport.parkNanos(300_000_000);
              }
            });

    Checkpoint expected = quiet.checkpoint(quiet.train(SINE, ranks(2)));
    Checkpoint actual =
        slow.checkpoint(
            slow.train(dataset, ranks(2, "train.gradient-sharing.silence-timeout=200 ms")));

    assertThat(actual.parameters()).isEqualTo(expected.parameters());
  }

  @Test
  void aRankThatFailsOnceCostsAnAttemptAndLeavesTheResult() {
    TrainerRun quiet = run("quiet");
    TrainerRun disturbed = run("disturbed");
    var cuts = new AtomicInteger();
    LearnableWindows dataset =
        DisturbedWindows.of(
            SINE,
            "once",
            (rank, epoch, step, batch) -> {
              if (rank == 1 && epoch == 2 && step == 8 && cuts.getAndIncrement() == 0) {
                throw new IllegalStateException("power cut");
              }
            });

    TrainReport whole = quiet.train(SINE, ranks(2, FREQUENT));
    TrainReport report = disturbed.train(dataset, ranks(2, FREQUENT));

    assertThat(cuts.get()).isEqualTo(2);
    assertThat(report.steps()).isEqualTo(whole.steps());
    assertThat(losses(disturbed, report)).isEqualTo(losses(quiet, whole));
    Checkpoint expected = quiet.checkpoint(whole);
    Checkpoint actual = disturbed.checkpoint(report);
    assertThat(actual.parameters()).isEqualTo(expected.parameters());
    assertThat(actual.optimizer()).isEqualTo(expected.optimizer());
    assertThat(actual.bestParameters()).isEqualTo(expected.bestParameters());
  }

  @Test
  void aRunThatFailsAgainAndAgainIsGivenUpWithTheCauseAndSparkLivesOn() {
    LearnableWindows dataset = powerCutAt(8);

    assertThatThrownBy(
            () ->
                run("given up")
                    .train(dataset, ranks(2, with(FREQUENT, "train.gradient-sharing.retries=1"))))
        .isInstanceOf(OperationFailedException.class)
        .hasMessage(
            "Training failed 2 times in a row with no new checkpoint between. The last time: Rank 1 of 2 (executor driver on localhost) failed: java.lang.IllegalStateException: power cut. The newest checkpoint, of step 5, is in %s; run again to go on from it. Raise train.gradient-sharing.retries if this cluster loses executors more often than a checkpoint is written, or set train.checkpoint.every-steps."
                .formatted(folder.resolve("given up/runs/sine/checkpoints")));
    assertThat(SPARK.session().range(3).count()).isEqualTo(3);
  }

  private static LearnableWindows powerCutAt(int stepOfCut) {
    return DisturbedWindows.of(
        SINE,
        "always",
        (rank, epoch, step, batch) -> {
          if (rank == 1 && step == stepOfCut) {
            throw new IllegalStateException("power cut");
          }
        });
  }

  @Test
  void aRankThatHangsEndsTheAttemptWithItsName() {
    var latch = new CountDownLatch(1);
    LearnableWindows dataset =
        DisturbedWindows.of(
            SINE,
            "hangs",
            (rank, epoch, step, batch) -> {
              if (rank == 1 && step == 3) {
                await(latch);
              }
            });

    try {
      assertThatThrownBy(
              () ->
                  run("hangs")
                      .train(
                          dataset,
                          ranks(
                              2,
                              "train.gradient-sharing.retries=0",
                              "train.gradient-sharing.step-timeout=1 s")))
          .isInstanceOf(OperationFailedException.class)
          .hasMessageStartingWith("Training failed 1 time in a row")
          .hasMessageContaining("rank 1 of 2")
          .hasMessageContaining("1s");
    } finally {
      latch.countDown();
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("cancelled", e);
    }
  }

  @Test
  void aLossThatBecomesNaNEndsTheRunAtItsStepAndIsNotTriedAgain() {
    var attempts = new AtomicInteger();
    LearnableWindows dataset =
        DisturbedWindows.of(
            SINE,
            "NaN",
            (rank, epoch, step, batch) -> {
              if (rank == 1 && epoch == 2 && step == 3) {
                attempts.incrementAndGet();
                batch.inputs()[0] = Float.NaN;
              }
            });

    assertThatThrownBy(() -> run("NaN").train(dataset, ranks(2, FREQUENT)))
        .isInstanceOf(OperationFailedException.class)
        .hasMessageMatching(
            "Loss became NaN at step 30 \\(last finite \\S+ at 29, gradient norm NaN, lr \\S+\\)\\. The last checkpoint, of step 26, is in .*\\. Lower train.learning-rate or set train.max-gradient-norm\\.");
    assertThat(attempts.get()).isEqualTo(1);
  }

  @Test
  void whatIsWrongWithTheDataIsToldOnceAndNotTriedAgain() {
    var attempts = new AtomicInteger();
    LearnableWindows dataset =
        DisturbedWindows.of(
            SINE,
            "corrupt",
            (rank, epoch, step, batch) -> {
              if (rank == 1 && step == 2) {
                attempts.incrementAndGet();
                throw new InvalidInputException("part-7 is truncated. Rebuild the dataset.");
              }
            });

    assertThatThrownBy(() -> run("corrupt").train(dataset, ranks(2)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("part-7 is truncated. Rebuild the dataset.");
    assertThat(attempts.get()).isEqualTo(1);
  }

  @Test
  void everyTroubleWithTheClusterIsToldBeforeTheFirstStep() {
    assertThatThrownBy(
            () -> run("small").train(SINE, ranks(5, "train.gradient-sharing.join-timeout=1 s")))
        .isInstanceOf(InsufficientClusterException.class)
        .hasMessage(
            "train.workers is 5, and the cluster has 4 task slots after 1s. Set train.workers to at most that, add executors (--num-executors, --total-executor-cores), or raise train.gradient-sharing.join-timeout if they only start slowly.")
        .extracting(e -> ((InsufficientClusterException) e).exitStatus())
        .isEqualTo(ExitStatus.CLUSTER_TOO_SMALL);
  }

  @Test
  void gradientSharingIsTheDefaultOnAClusterOnly() {
    TrainReport report = run("auto").train(SINE, with(SETTINGS, "train.epochs=1"));

    assertThat(report.strategy()).isEqualTo("local");
    assertThat(report.workers()).isEqualTo(1);
  }

  @Test
  void roundedGradientsTakeHalfTheBytesAndLearnToo() {
    TrainerRun exact = run("f32");
    TrainerRun rounded = run("bf16");

    TrainReport full = exact.train(SINE, ranks(2, "train.epochs=12", "model.hidden-sizes=[120]"));
    TrainReport half =
        rounded.train(
            SINE,
            ranks(
                2,
                "train.epochs=12",
                "model.hidden-sizes=[120]",
                "train.gradient-sharing.wire=bf16"));

    assertThat(half.bestValidationLoss())
        .isCloseTo(full.bestValidationLoss(), withinPercentage(10));
    assertThat(bytes(rounded, half)).isLessThan((long) (0.6 * bytes(exact, full)));
  }

  /** Enough numbers that they are encoded and not summed as they are. */
  private static final String[] THRESHOLD = {
    "model.hidden-sizes=[60,30]",
    "train.gradient-sharing.wire=threshold",
    "train.gradient-sharing.density=0.05"
  };

  @Test
  void largeNumbersAloneLearnTooAndTakeAFractionOfTheBytes() {
    TrainerRun exact = run("exact");
    TrainerRun encoded = run("encoded");

    TrainReport full = exact.train(SINE, ranks(2, "train.epochs=12", "model.hidden-sizes=[60,30]"));
    TrainReport few = encoded.train(SINE, ranks(2, with(THRESHOLD, "train.epochs=12")));

    // the sine has a variance of 0.5: a network that learned nothing has that loss
    assertThat(few.bestValidationLoss()).isLessThan(0.05);
    // a list of 5 % of the numbers, and one sum of what is left in 13 steps of an epoch
    assertThat(bytes(encoded, few)).isLessThan((long) (0.3 * bytes(exact, full)));
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void anEncodedRunThatGoesOnFromACheckpointEqualsTheOneThatWasNotDisturbed(int ranks) {
    TrainerRun quiet = run("quiet");
    TrainerRun disturbed = run("disturbed");
    var cuts = new AtomicInteger();
    LearnableWindows dataset =
        DisturbedWindows.of(
            SINE,
            "encoded" + ranks,
            (rank, epoch, step, batch) -> {
              // step 35; checkpoints stand at 26, an epoch's end, and 31
              if (rank == 1 && epoch == 2 && step == 8 && cuts.getAndIncrement() == 0) {
                throw new IllegalStateException("power cut");
              }
            });

    String[] settings = ranks(ranks, with(with(THRESHOLD, FREQUENT), "train.epochs=3"));
    TrainReport whole = quiet.train(SINE, settings);
    TrainReport report = disturbed.train(dataset, settings);

    assertThat(cuts.get()).isEqualTo(2);
    assertThat(losses(disturbed, report)).isEqualTo(losses(quiet, whole));
    Checkpoint expected = quiet.checkpoint(whole);
    Checkpoint actual = disturbed.checkpoint(report);
    assertThat(actual.parameters()).isEqualTo(expected.parameters());
    assertThat(actual.optimizer()).isEqualTo(expected.optimizer());
  }

  private static long bytes(TrainerRun run, TrainReport report) {
    List<String> lines = run.metrics(report);
    return TrainerRun.json(lines.get(lines.size() - 1)).get("bytesSent").asLong();
  }
}
