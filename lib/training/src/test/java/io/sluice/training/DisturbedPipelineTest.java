package io.sluice.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.config.Provenance;
import io.sluice.failure.ExitStatus;
import io.sluice.failure.OperationFailedException;
import io.sluice.recurrent.model.ModelSettings;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.sequences.dataset.Split;
import io.sluice.training.checkpoint.Checkpoint;
import io.sluice.training.checkpoint.CheckpointStore;
import io.sluice.training.checkpoint.FillingDisk;
import io.sluice.training.loop.RunObserver;
import io.sluice.training.loop.RunPlan;
import io.sluice.training.loop.Strategy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * What comes between a run of pipeline stages and its end, and that the end is that of the
 * undisturbed run. Spark authenticates and encrypts. 52 steps in 4 epochs, a checkpoint every 5
 * steps and at each end of an epoch.
 */
class DisturbedPipelineTest {
  private static final LearnableWindows SINE = new SineWindows(200, 50).learnable();

  @RegisterExtension static final LocalSpark SPARK = LocalSpark.authenticating(4);

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    FillingDisk.setFull(false);
    // tasks that Spark has cancelled end a moment later
    await(() -> threads().findAny().isEmpty());
    assertThat(threads()).isEmpty();
  }

  private static void await(BooleanSupplier isSo) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (System.nanoTime() - end < 0 && !isSo.getAsBoolean()) {
      LockSupport.parkNanos(10_000_000);
    }
  }

  /** Of links, and of those that write checkpoints. */
  private static Stream<String> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.startsWith("sluice-") || name.contains("checkpoint"));
  }

  private TrainerRun run(String name) {
    return new TrainerRun(folder.resolve(name), SPARK.session());
  }

  private static String[] pipeline(String placement, int workers, String... more) {
    return Stream.concat(
            Stream.of(
                "model.hidden-sizes=[5,4]",
                "model.dropout=0.2",
                "train.strategy=pipeline",
                "train.pipeline.placement=" + placement,
                "train.pipeline.time-chunk=4",
                "train.workers=" + workers,
                "train.accumulate=2",
                "train.checkpoint.every-steps=5",
                "train.gradient-sharing.join-timeout=20 s"),
            Stream.of(more))
        .toArray(String[]::new);
  }

  private static void assertSame(Checkpoint actual, Checkpoint expected) {
    assertThat(actual.parameters()).isEqualTo(expected.parameters());
    assertThat(actual.optimizer()).isEqualTo(expected.optimizer());
    assertThat(actual.bestParameters()).isEqualTo(expected.bestParameters());
  }

  private static void assertClose(Checkpoint actual, Checkpoint expected) {
    assertThat(actual.parameters()).hasSameSizeAs(expected.parameters());
    for (int i = 0; i < expected.parameters().length; i++) {
      assertThat(actual.parameters()[i])
          .as("parameter %d", i)
          .isCloseTo(expected.parameters()[i], within(1e-5f));
    }
  }

  private Checkpoint end(String run, LearnableWindows dataset, String... settings) {
    TrainerRun one = run(run);
    return one.checkpoint(one.train(dataset, settings));
  }

  @Test
  void aSlowStageIsWaitedFor() {
    LearnableWindows slow =
        DisturbedWindows.of(
            SINE,
            "slow",
            (replica, epoch, step, batch) -> {
              if (replica == 1 && epoch == 1 && step == 3) {
                LockSupport.parkNanos(600_000_000);
              }
            });
    String[] impatient =
        pipeline("[0,1]", 4, "train.epochs=2", "train.gradient-sharing.silence-timeout=300 ms");

    assertSame(end("slow", slow, impatient), end("quiet", SINE, impatient));
  }

  @Test
  void aStageThatSendsNothingEndsTheAttemptWithItsName() {
    LearnableWindows hangs =
        DisturbedWindows.of(
            SINE,
            "hangs",
            (replica, epoch, step, batch) -> {
              if (step == 3) {
                LockSupport.parkNanos(2_500_000_000L);
              }
            });

    assertThatThrownBy(
            () ->
                run("hangs")
                    .train(
                        hangs,
                        pipeline(
                            "[0,1]",
                            2,
                            "train.gradient-sharing.retries=0",
                            "train.gradient-sharing.step-timeout=1 s")))
        .isInstanceOf(OperationFailedException.class)
        .hasMessageContaining(
            "Rank 1 of 2 (pipeline stage 1 of replica 0: recurrent layer 1 and head, executor driver on localhost) failed: Pipeline stage 0 of replica 0 did not send the header of a step within 1s. Look at its executor's log; if a step takes that long, raise train.gradient-sharing.step-timeout.");
  }

  @Test
  void aStageWhoseNetworkPortDiesFailsTheAttemptAndTheNextGoesOnToTheSameEnd() {
    assumeTrue(Files.exists(Path.of("/proc/net/tcp")), "open ports are found as Linux shows them");
    String[] settings = pipeline("[0,1]", 2);
    Set<Integer> others = Sockets.listening();
    var killed = new AtomicBoolean();
    LearnableWindows dataset =
        DisturbedWindows.of(
            SINE,
            "ports",
            (replica, epoch, step, batch) -> {
              if (epoch == 1 && step == 7 && !killed.getAndSet(true)) {
                Sockets.shutDown(portOf("pipeline stage 0 of replica 0", others));
              }
            });

    Checkpoint expected = end("quiet", SINE, settings);
    try (var warnings = new Warnings("io.sluice.training.sharing.GradientSharing")) {
      assertSame(end("ports", dataset, settings), expected);

      assertThat(warnings.messages)
          .singleElement()
          .asString()
          .matches(
              "Attempt 1 failed at epoch 2 after step 1[38] at least: Rank [01] of 2 \\(pipeline stage [01] of replica 0: recurrent layer (0|1 and head), executor driver on localhost\\) failed: Pipeline stage [01] of replica 0 was lost: it .+\\. Going on from step 1[38]\\.");
    }
    assertThat(killed).isTrue();
  }

  private static final Pattern REFUSES = Pattern.compile("(.*) refuses a connection from .*");

  /** Where a member of a run listens, found as a stranger who is refused by everyone would. */
  private static int portOf(String member, Set<Integer> others) {
    try (var warnings = new Warnings("io.sluice.training.transport")) {
      Map<String, Integer> ports = new TreeMap<>();
      // the driver; of both ranks what it is in sums, its stage, and where it reports from
      int members = 1 + 2 * 3;
      for (int port : Sockets.awaitListening(members, others)) {
        try (var stranger = new Socket()) {
          stranger.connect(new InetSocketAddress("localhost", port), 5_000);
          stranger.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes());
        }
        Matcher refused = REFUSES.matcher(warnings.messages.poll(10, TimeUnit.SECONDS));
        assertThat(refused.matches()).isTrue();
        ports.put(refused.group(1), port);
      }
      assertThat(ports).hasSize(members).containsKey(member);
      return ports.get(member);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aDiskThatIsFullForOneStageCostsWarningsAndNotTheRun() {
    Checkpoint expected = end("quiet", SINE, pipeline("[0,1]", 2));
    var run = new TrainerRun(folder.resolve("full"), SPARK.session(), FillingDisk.configuration());
    Path checkpoints = folder.resolve("full/checkpoints");
    try (var warnings = new Warnings("io.sluice.training.sharing.Attempt")) {
      LearnableWindows dataset =
          DisturbedWindows.of(
              SINE,
              "full",
              (replica, epoch, step, batch) -> {
                if (epoch == 1 && step == 1) {
                  FillingDisk.setFullFor(1); // the checkpoint after step 18 is lost
                } else if (epoch == 1 && step == 7) {
                  await(() -> !warnings.messages.isEmpty()); // it is written while steps go on
                  FillingDisk.setFull(false);
                }
              });
      TrainReport report =
          run.train(
              dataset,
              pipeline("[0,1]", 2, "train.checkpoint.path=\"filling:" + checkpoints + "\""));

      assertSame(run.checkpoint(report), expected);
      assertThat(report.bundle().published()).isTrue();
      assertThat(warnings.messages)
          .isNotEmpty()
          .allSatisfy(
              text ->
                  assertThat(text)
                      .startsWith("Rank 0 of 2 (pipeline stage 0 of replica 0: recurrent layer 0,")
                      .contains(
                          "Cannot write pipeline stage 1's part of checkpoint",
                          "No space left on device"));
    }
  }

  @Test
  void aLossThatBecomesNaNEndsTheRunAtItsStepAndIsNotTriedAgain() {
    var attempts = new AtomicInteger();
    LearnableWindows dataset =
        DisturbedWindows.of(
            SINE,
            "NaN",
            (replica, epoch, step, batch) -> {
              if (replica == 1 && epoch == 2 && step == 3) {
                attempts.incrementAndGet();
                batch.inputs()[0] = Float.NaN;
              }
            });

    assertThatThrownBy(() -> run("NaN").train(dataset, pipeline("[0,1]", 4)))
        .isInstanceOf(OperationFailedException.class)
        .hasMessageMatching(
            "Loss became NaN at step 30 \\(last finite \\S+ at 29, gradient norm NaN, lr \\S+\\)\\. The last checkpoint, of step 26, is in .*\\. Lower train.learning-rate or set train.max-gradient-norm\\.")
        .extracting(e -> ((OperationFailedException) e).exitStatus())
        .isEqualTo(ExitStatus.FAILED);
    assertThat(attempts.get()).isEqualTo(1);
  }

  @Test
  void aRunThatIsAskedToStopWritesACheckpointFromWhichItGoesOnToTheSameEnd() {
    String[] settings = pipeline("[0,1]", 4, "train.checkpoint.every-steps=0");
    Checkpoint expected = end("quiet", SINE, settings);
    TrainerRun run = run("stopped");
    var stop = new AtomicBoolean();
    LearnableWindows dataset =
        DisturbedWindows.of(
            SINE,
            "stopped",
            (replica, epoch, step, batch) -> {
              if (replica == 0 && epoch == 1 && step == 4) {
                stop.set(true);
              } else if (stop.get()) {
                LockSupport.parkNanos(100_000_000); // the word comes by way of the driver
              }
            });

    Checkpoint stopped = untilStopped(run, dataset, stop, settings);
    TrainReport resumed = run.train(SINE, settings);

    long step = stopped.position().step();
    assertThat(step).isBetween(18L, 26L);
    assertThat(resumed.resumedFrom()).contains("-step-%09d.checkpoint".formatted(step));
    assertSame(run.checkpoint(resumed), expected);
  }

  /** As {@link Trainer} does, with another to ask than the process's own signals. */
  private static Checkpoint untilStopped(
      TrainerRun run, LearnableWindows dataset, AtomicBoolean stop, String... overrides) {
    TrainSettings settings = run.settings(overrides).read(TrainSettings::from);
    ModelSpec spec = dataset.spec(run.settings(overrides).read(ModelSettings::from));
    var hadoop = new Configuration();
    RunPlan plan =
        Plans.run(
            dataset,
            settings,
            Optional.empty(),
            spec,
            dataset.plan(settings, dataset.count(Split.TRAIN)),
            settings.pipeline().layout(spec, settings, 0),
            NativeLimit.NONE,
            new Provenance("run-to-stop", "test", "hash", Instant.EPOCH),
            hadoop);
    CheckpointStore checkpoints =
        CheckpointStore.open(plan.checkpoints().uri(), plan.checkpoints().keep(), hadoop);
    Checkpoint start = Beginning.of(plan, plan.network(), checkpoints, settings).start();
    return Strategies.of(settings, plan, Optional.of(SPARK.session()))
        .run(
            start, new Strategy.Surroundings(checkpoints, () -> {}, RunObserver.NOBODY, stop::get));
  }

  /** Batches of 15, and one of 1 at the end: the second replica has no window in it. */
  @Test
  void unevenBatchesGiveTheLossesOfOneProcess() {
    LearnableWindows uneven = new SineWindows(196, 10).learnable();
    String[] batches = {"train.batch-size=15", "train.epochs=2", "train.accumulate=3"};

    Checkpoint one =
        end("local", uneven, with(pipeline("[0,1]", 1, "train.strategy=local"), batches));
    Checkpoint many = end("spread", uneven, with(pipeline("[0,1]", 4), batches));

    assertThat(many.position().step()).isEqualTo(one.position().step()).isEqualTo(28);
    assertClose(many, one);
    assertThat(many.position().bestLoss()).isCloseTo(one.position().bestLoss(), within(1e-5));
  }

  private static String[] with(String[] some, String... more) {
    return Stream.concat(Stream.of(some), Stream.of(more)).toArray(String[]::new);
  }
}
