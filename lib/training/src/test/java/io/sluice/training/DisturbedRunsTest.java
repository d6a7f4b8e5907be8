package io.sluice.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.failure.OperationFailedException;
import io.sluice.sequences.dataset.TinyDataset;
import io.sluice.training.checkpoint.Checkpoint;
import io.sluice.training.checkpoint.CheckpointWriter;
import io.sluice.training.checkpoint.FillingDisk;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.apache.spark.SparkException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What comes between a run and its end (full disks, files cut short, strangers at its ports), and
 * that the end is that of the undisturbed run. Spark authenticates and encrypts. 52 steps in 4
 * epochs, a checkpoint every 5 steps and at each end of an epoch.
 */
class DisturbedRunsTest {
  private static final LearnableWindows SINE = new SineWindows(200, 50).learnable();

  @RegisterExtension static final LocalSpark SPARK = LocalSpark.authenticating(3);

  @TempDir Path folder;

  @AfterEach
  void freeDisk() {
    FillingDisk.setFull(false);
  }

  private TrainerRun run(String name) {
    return new TrainerRun(folder.resolve(name), SPARK.session());
  }

  private static String[] settings(String strategy, String... more) {
    return with(
        with(
            more,
            "train.strategy=" + strategy,
            "train.checkpoint.every-steps=5",
            "train.gradient-sharing.join-timeout=20 s"),
        strategy.equals("local") ? "train.threads=1" : "train.workers=2");
  }

  private static String[] with(String[] some, String... more) {
    return Stream.concat(Stream.of(some), Stream.of(more)).toArray(String[]::new);
  }

  private static void assertSame(Checkpoint actual, Checkpoint expected) {
    assertThat(actual.parameters()).isEqualTo(expected.parameters());
    assertThat(actual.optimizer()).isEqualTo(expected.optimizer());
    assertThat(actual.bestParameters()).isEqualTo(expected.bestParameters());
  }

  private static void assertClose(Checkpoint actual, Checkpoint expected, float tolerance) {
    assertThat(actual.parameters()).hasSameSizeAs(expected.parameters());
    for (int i = 0; i < expected.parameters().length; i++) {
      assertThat(actual.parameters()[i])
          .as("parameter %d", i)
          .isCloseTo(expected.parameters()[i], within(tolerance));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"local", "gradient-sharing"})
  void aDiskThatStaysFullEndsTheRunAndFreedLetsItGoOnToTheSameEnd(String strategy) {
    TrainerRun whole = run("whole");
    Checkpoint expected = whole.checkpoint(whole.train(SINE, settings(strategy)));
    var run = new TrainerRun(folder.resolve("full"), SPARK.session(), FillingDisk.configuration());
    Path checkpoints = folder.resolve("full/checkpoints");
    String[] filling = settings(strategy, "train.checkpoint.path=\"filling:" + checkpoints + "\"");
    LearnableWindows dataset =
        before(
            1,
            3,
            () -> {
              // checkpoints are written while training goes on
              awaitFile(checkpoints.resolve("epoch-00001-step-000000013.checkpoint"));
              FillingDisk.setFull(true);
            });

    try (var warnings = new Warnings(tellsOfWarnings(strategy))) {
      assertThatThrownBy(() -> run.train(dataset, filling))
          .isInstanceOf(OperationFailedException.class)
          .hasMessage(
              "Cannot write checkpoint filling:%s/epoch-00002-step-000000026.checkpoint: No space left on device. Free space, or set train.checkpoint.path to a folder this run may write; resume continues from the checkpoint before.",
              checkpoints);
      assertThat(warnings.messages)
          .hasSize(3)
          .first(STRING)
          .contains("epoch-00001-step-000000018.checkpoint: No space left on device.")
          .endsWith(" That is failure 1 in a row; 3 end the run.");
    }

    assertThat(names(checkpoints))
        .containsExactly(
            "epoch-00000-step-000000010.checkpoint", "epoch-00001-step-000000013.checkpoint");
    FillingDisk.setFull(false);
    TrainReport resumed = run.train(SINE, filling);
    assertThat(resumed.resumedFrom()).endsWith("epoch-00001-step-000000013.checkpoint");
    assertSame(run.checkpoint(resumed), expected);
  }

  private static void awaitFile(Path file) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!Files.exists(file)) {
      if (System.nanoTime() - end > 0) {
        throw new IllegalStateException(file + " was not written within 20 s");
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  /** On the driver, whatever the process that writes. */
  private static String tellsOfWarnings(String strategy) {
    return strategy.equals("local")
        ? CheckpointWriter.class.getName()
        : "io.sluice.training.sharing.Attempt";
  }

  @Test
  void aDiskThatIsFullForAWhileCostsCheckpointsAndNothingElse() {
    TrainerRun whole = run("whole");
    Checkpoint expected = whole.checkpoint(whole.train(SINE, settings("local")));
    var run = new TrainerRun(folder.resolve("full"), SPARK.session(), FillingDisk.configuration());
    Path checkpoints = folder.resolve("full/checkpoints");
    // two checkpoints of each epoch from the second on are lost, one is written
    LearnableWindows dataset =
        DisturbedWindows.of(
            SINE,
            "now and then",
            (rank, epoch, step, batch) -> {
              if (epoch > 0 && step == 3) {
                // checkpoints are written while training goes on
                awaitFile(
                    checkpoints.resolve(
                        "epoch-%05d-step-%09d.checkpoint".formatted(epoch, 13 * epoch)));
                FillingDisk.setFull(true);
              } else if (step == 11) {
                FillingDisk.setFull(false);
              }
            });

    TrainReport report =
        run.train(
            dataset, settings("local", "train.checkpoint.path=\"filling:" + checkpoints + "\""));

    assertSame(run.checkpoint(report), expected);
    assertThat(report.bundle().published()).isTrue();
  }

  @Test
  void aRunWhoseLastCheckpointCannotBeWrittenPublishesNothing() {
    var run = new TrainerRun(folder.resolve("full"), SPARK.session(), FillingDisk.configuration());
    Path checkpoints = folder.resolve("full/checkpoints");
    LearnableWindows dataset = before(3, 12, () -> FillingDisk.setFull(true));

    assertThatThrownBy(
            () ->
                run.train(
                    dataset,
                    settings("local", "train.checkpoint.path=\"filling:" + checkpoints + "\"")))
        .isInstanceOf(OperationFailedException.class)
        .hasMessageStartingWith(
            "Cannot write checkpoint filling:%s/epoch-00004-step-000000052.checkpoint: No space left on device."
                .formatted(checkpoints));

    assertThat(folder.resolve("full/models")).doesNotExist();
  }

  @Test
  void aCheckpointCutShortBetweenAttemptsIsPassedOver() {
    TrainerRun whole = run("whole");
    Checkpoint expected = whole.checkpoint(whole.train(SINE, settings("gradient-sharing")));
    TrainerRun run = run("cut");
    var once = new AtomicBoolean(true);
    LearnableWindows dataset =
        DisturbedWindows.of(
            SINE,
            "cut",
            (rank, epoch, step, batch) -> {
              if (rank == 1 && epoch == 2 && step == 8 && once.getAndSet(false)) {
                cutShort("cut", 31);
                throw new IllegalStateException("power cut");
              }
            });

    TrainReport report = run.train(dataset, settings("gradient-sharing"));

    assertThat(once).isFalse();
    assertSame(run.checkpoint(report), expected);
  }

  @Test
  void aCheckpointCutShortBetweenRunsIsPassedOver() {
    TrainerRun whole = run("whole");
    Checkpoint expected = whole.checkpoint(whole.train(SINE, settings("local")));
    TrainerRun run = run("cut");
    LearnableWindows dataset =
        before(
            2,
            8,
            () -> {
              cutShort("cut", 31);
              throw new IllegalStateException("power cut");
            });
    assertThatThrownBy(() -> run.train(dataset, settings("local"))).hasMessage("power cut");

    TrainReport resumed = run.train(SINE, settings("local"));

    assertThat(resumed.resumedFrom()).endsWith("epoch-00002-step-000000026.checkpoint");
    assertSame(run.checkpoint(resumed), expected);
  }

  /** Once the checkpoint of a step is written, leaves half of it, as a machine that crashed may. */
  private void cutShort(String run, int step) {
    String name = "epoch-%05d-step-%09d.checkpoint".formatted(step / 13, step);
    Path file = folder.resolve(run).resolve("runs/sine/checkpoints").resolve(name);
    awaitFile(file);
    try {
      byte[] bytes = Files.readAllBytes(file);
      Files.write(file, java.util.Arrays.copyOf(bytes, bytes.length / 2));
      Files.deleteIfExists(file.resolveSibling("." + name + ".crc"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void strangersAtTheRanksPortsAreRefusedAndTheRunGoesOn() throws Exception {
    assumeTrue(Files.exists(Path.of("/proc/net/tcp")), "open ports are found as Linux shows them");
    TrainerRun whole = run("whole");
    Checkpoint expected = whole.checkpoint(whole.train(SINE, settings("gradient-sharing")));
    TrainerRun run = run("strangers");
    Set<Integer> before = Sockets.listening();
    var strangers = new ArrayList<Socket>();
    var refused = new ArrayList<Integer>();
    LearnableWindows dataset =
        before(
            1,
            2,
            () -> {
              for (int port : Sockets.awaitListening(3, before)) {
                strangers.add(say(port, new byte[0]));
                if (isClosed(say(port, "GET / HTTP/1.1\r\n\r\n\r\n".repeat(40).getBytes()))) {
                  refused.add(port);
                }
                byte[] hugeFrame = ByteBuffer.allocate(512).putLong(1L << 62).array();
                if (isClosed(say(port, hugeFrame))) {
                  refused.add(port);
                }
              }
            });

    TrainReport report = run.train(dataset, settings("gradient-sharing"));

    // the driver, and each rank for its peers and, where it reports from, for nobody
    assertThat(refused.size()).isEqualTo(2 * strangers.size()).isGreaterThanOrEqualTo(2 * 3);
    assertSame(run.checkpoint(report), expected);
    for (Socket stranger : strangers) {
      stranger.close();
    }
  }

  @Test
  void aNetworkPortThatDiesFailsTheAttemptAndTheNextGoesOnToTheSameEnd() throws Exception {
    assumeTrue(Files.exists(Path.of("/proc/net/tcp")), "open ports are found as Linux shows them");
    TrainerRun whole = run("whole");
    Checkpoint expected = whole.checkpoint(whole.train(SINE, settings("gradient-sharing")));
    TrainerRun run = run("ports");
    Set<Integer> others = Sockets.listening();
    var dead = new ArrayList<Integer>();
    // the driver's, and two of each rank: in epoch e the e-th of those that are open
    LearnableWindows dataset =
        DisturbedWindows.of(
            SINE,
            "ports",
            (rank, epoch, step, batch) -> {
              if (rank == 0 && step == 7 && dead.size() == epoch) {
                int port = Sockets.awaitListening(epoch + 1, others).get(epoch);
                dead.add(port);
                Sockets.shutDown(port);
              }
            });

    TrainReport report = run.train(dataset, settings("gradient-sharing"));

    assertThat(dead).hasSize(4);
    assertSame(run.checkpoint(report), expected);
  }

  private static Socket say(int port, byte[] bytes) {
    try {
      var socket = new Socket();
      socket.connect(new InetSocketAddress("localhost", port), 5_000);
      socket.setSoTimeout(10_000);
      socket.getOutputStream().write(bytes);
      socket.getOutputStream().flush();
      return socket;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether the other side hangs up, having said whatever it says. */
  private static boolean isClosed(Socket socket) {
    try (socket) {
      while (socket.getInputStream().read() >= 0) {
        // its greeting
      }
      return true;
    } catch (java.net.SocketTimeoutException e) {
      return false;
    } catch (IOException e) {
      return true;
    }
  }

  @Test
  void shardsSmallerThanABatchAndUnevenOverTheRanksGiveTheLossesOfOneProcess() throws IOException {
    String dataset = TinyDataset.forecast().days(16).write(folder.resolve("data"));
    // 40 windows in 7 shards of 5 or 6, batches of 24: ranks have 3, 2 and 2 of the shards
    String[] small = {
      "train.max-train-windows=40", "train.batch-size=24", "train.shards=7", "train.epochs=3"
    };
    TrainerRun local = run("local");
    TrainReport one = local.trainOn(dataset, with(small, "train.strategy=local"));
    TrainerRun shared = run("shared");

    TrainReport many =
        shared.trainOn(dataset, with(settings("gradient-sharing", small), "train.workers=3"));

    assertThat(many.steps()).isEqualTo(one.steps()).isEqualTo(6);
    assertThat(many.bestValidationLoss()).isCloseTo(one.bestValidationLoss(), within(1e-5));
    // float32 sums in another order
    assertClose(shared.checkpoint(many), local.checkpoint(one), 1e-5f);
  }

  @Test
  void averagedParametersGoOnFromWithinAnEpoch() {
    String[] averaging = settings("parameter-averaging", "train.averaging-frequency=3");
    TrainerRun whole = run("whole");
    Checkpoint expected = whole.checkpoint(whole.train(SINE, averaging));
    TrainerRun run = run("cut");
    LearnableWindows dataset =
        before(
            2,
            10,
            () -> {
              throw new IllegalStateException("power cut");
            });
    assertThatThrownBy(() -> run.train(dataset, averaging))
        .isInstanceOf(SparkException.class)
        .hasMessageContaining("power cut");

    TrainReport resumed = run.train(SINE, averaging);

    // averages after 3, 6 and 9 steps of the epoch: the checkpoint was due at 5
    assertThat(resumed.resumedFrom()).endsWith("epoch-00002-step-000000032.checkpoint");
    assertSame(run.checkpoint(resumed), expected);
  }

  @Test
  void averagingEveryStepOfPlainDescentIsGradientSharing() {
    // 200 windows in batches of 15: parts of 8 and 7 windows, 3 and 2 at the end
    String[] descent = {
      "train.optimizer=sgd",
      "train.learning-rate=0.5",
      "train.max-gradient-norm=0",
      "train.batch-size=15",
      "train.averaging-frequency=1",
      "train.epochs=2"
    };
    TrainerRun shared = run("shared");
    TrainReport one = shared.train(SINE, settings("gradient-sharing", descent));
    TrainerRun averaged = run("averaged");

    TrainReport two = averaged.train(SINE, settings("parameter-averaging", descent));

    assertThat(two.steps()).isEqualTo(one.steps()).isEqualTo(2 * 14);
    // float32 sums of 28 steps in another order
    assertClose(averaged.checkpoint(two), shared.checkpoint(one), 2e-5f);
  }

  /** Something that happens before a rank is given its part of a batch, on the first rank. */
  private static LearnableWindows before(int epochOfIt, int stepOfIt, Runnable it) {
    return DisturbedWindows.of(
        SINE,
        "before",
        (rank, epoch, step, batch) -> {
          if (rank == 0 && epoch == epochOfIt && step == stepOfIt) {
            it.run();
          }
        });
  }

  private static List<String> names(Path checkpoints) {
    try (Stream<Path> files = Files.list(checkpoints)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
