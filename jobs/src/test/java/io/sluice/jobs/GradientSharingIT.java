package io.sluice.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Ranks in two executor processes, whose traffic Spark authenticates and encrypts, and what becomes
 * of a run whose processes are killed.
 */
class GradientSharingIT {
  private static final Pattern CHECKPOINT =
      Pattern.compile("epoch-(\\d+)-step-(\\d+)\\.checkpoint");

  @Test
  void killedExecutorsAKilledDriverAndATerminatedOneLeaveTheResultAsItIs() throws Exception {
    SmallPlant.pipeline();
    JsonNode whole = train("undisturbed").run().requireStatus(0).report();

    Script.Running killed = train("disturbed").start();
    for (int kill = 1; kill <= 2; kill++) {
      awaitStep(killed, 60 * kill);
      killed.processes("CoarseGrainedExecutorBackend").get(0).destroyForcibly();
    }
    awaitStep(killed, 180);
    killed.kill();
    killed.await();
    Script.Running terminated = train("disturbed").start();
    awaitStep(terminated, 240);
    terminated.terminate();
    Script.Result stopped = terminated.await();
    long stoppedAt = newestStep("disturbed");
    Script.Result resumed = train("disturbed").run().requireStatus(0);

    assertThat(stopped.status()).isEqualTo(143);
    assertThat(stopped.err())
        .contains("Asked to stop: writing a checkpoint first")
        .contains("Stopped as asked after step %d of ".formatted(stoppedAt));
    assertThat(resumed.report().get("resumedFrom").asText())
        .contains("-step-%09d.checkpoint".formatted(stoppedAt));
    assertThat(resumed.report().get("steps")).isEqualTo(whole.get("steps"));
    assertThat(numbers(resumed.report())).isEqualTo(numbers(whole));
    assertThat(resumed.report().get("bestValidationLoss"))
        .isEqualTo(whole.get("bestValidationLoss"));
  }

  /** Two ranks in two executors, with all that Spark has for its network switched on. */
  private static Script train(String name) throws Exception {
    Path folder = SmallPlant.lake().resolve("sharing").resolve(name);
    return Script.onSmallPlant("train.sh", SmallPlant.lake().toString())
        .set("registry.path", "\"" + folder.resolve("registry") + "\"")
        .set("train.strategy", "gradient-sharing")
        .set("train.epochs", "20")
        .set("train.early-stopping-patience", "0")
        .set("model.dropout", "0.1")
        .set("model.hidden-sizes", "[32,32]")
        .set("train.checkpoint.every-steps", "20")
        .set("train.checkpoint.path", "\"" + folder.resolve("checkpoints") + "\"")
        .set("train.metrics-path", "\"" + folder.resolve("metrics.jsonl") + "\"")
        .env("SLUICE_MASTER", "local-cluster[2,1,1024]")
        .with(
            "--",
            "--conf",
            "spark.authenticate=true",
            "--conf",
            "spark.authenticate.secret=of this test",
            "--conf",
            "spark.network.crypto.enabled=true");
  }

  private static void awaitStep(Script.Running run, long step) throws Exception {
    run.awaitThat("a checkpoint of step " + step, () -> newestStep("disturbed") >= step);
  }

  private static long newestStep(String name) {
    try {
      Path folder = SmallPlant.lake().resolve("sharing").resolve(name).resolve("checkpoints");
      if (!Files.exists(folder)) {
        return 0;
      }
      try (Stream<Path> files = Files.list(folder)) {
        return files
            .map(file -> CHECKPOINT.matcher(file.getFileName().toString()))
            .filter(Matcher::matches)
            .mapToLong(matcher -> Long.parseLong(matcher.group(2)))
            .max()
            .orElse(0);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Parameters, optimizer state and best parameters of a run's last checkpoint, as bytes. */
  private static byte[] numbers(JsonNode report) throws IOException {
    Path file =
        Path.of(new org.apache.hadoop.fs.Path(report.get("checkpoint").asText()).toUri().getPath());
    try (var in = new DataInputStream(Files.newInputStream(file))) {
      in.skipBytes("checkpoint.v2\n".length());
      in.skipBytes(in.readInt());
      byte[] rest = in.readAllBytes();
      return java.util.Arrays.copyOf(rest, rest.length - 32);
    }
  }
}
