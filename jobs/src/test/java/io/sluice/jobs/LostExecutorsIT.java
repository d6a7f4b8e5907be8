package io.sluice.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Gradient sharing whose executors hang, or go for good: a run goes on with what is left. */
class LostExecutorsIT {
  private static final Pattern CHECKPOINT =
      Pattern.compile("epoch-(\\d+)-step-(\\d+)\\.checkpoint");

  /** Within the first of six epochs. */
  private static final long MIDWAY = 20;

  private static Script.Result whole;
  private static StandaloneCluster cluster;

  @BeforeAll
  static void trainUndisturbed() throws Exception {
    SmallPlant.pipeline();
    whole = onLocalCluster("undisturbed").run().requireStatus(0);
    cluster =
        StandaloneCluster.start(Script.EMBEDDED_SPARK, SmallPlant.folder("lost-executors"), 2);
  }

  @AfterAll
  static void stop() {
    if (cluster != null) {
      cluster.close();
    }
  }

  @Test
  void anExecutorThatHangsIsReplacedAndDoesNotDisturbWhenItWakes() throws Exception {
    Script.Running run =
        onLocalCluster("hangs").set("train.gradient-sharing.silence-timeout", "3s").start();
    awaitStep(run, "hangs", MIDWAY);
    long executor = run.processes("CoarseGrainedExecutorBackend").get(0).pid();

    signal("STOP", executor);
    awaitLine(run, "asking Spark to replace it");
    signal("CONT", executor);

    Script.Result result = run.await().requireStatus(0);
    assertThat(result.err())
        .containsPattern(
            "Attempt 1 failed at epoch \\d+ after step \\d+ at least: Rank [01] of 2 \\(executor [01] on [0-9.]+\\) was lost: ");
    assertThat(numbers(result)).isEqualTo(numbers(whole));
    assertThat(result.report().get("steps")).isEqualTo(whole.report().get("steps"));
  }

  @Test
  void aWorkerThatIsGoneForGoodLeavesTheRunToTheOther() throws Exception {
    Script.Running run = onStandalone("goes on").start();
    awaitStep(run, "goes on", MIDWAY);

    cluster.killLastWorker();

    Script.Result result = run.await().requireStatus(0);
    cluster.addWorker();
    assertThat(result.err())
        .contains(
            "Going on with 1 of 2 ranks: the cluster has no more task slots after 12s. Batches and results stay the same.");
    assertEqualToRounding(result);
  }

  /** Another number of ranks adds float32 numbers in another order. */
  private static void assertEqualToRounding(Script.Result result) throws IOException {
    FloatBuffer expected = parameters(whole);
    FloatBuffer actual = parameters(result);
    assertThat(actual.remaining()).isEqualTo(expected.remaining());
    for (int i = 0; i < expected.remaining(); i++) {
      assertThat(actual.get(i)).as("parameter %d", i).isCloseTo(expected.get(i), within(1e-5f));
    }
    assertThat(result.report().get("steps")).isEqualTo(whole.report().get("steps"));
  }

  private static Script onLocalCluster(String name) throws Exception {
    return train(name)
        .set("train.gradient-sharing.join-timeout", "40s")
        .env("SLUICE_MASTER", "local-cluster[2,1,1024]");
  }

  private static Script onStandalone(String name) throws Exception {
    return train(name)
        .set("train.gradient-sharing.join-timeout", "12s")
        .env("SLUICE_MASTER", cluster.url())
        .env("SPARK_LOCAL_IP", "127.0.0.1")
        .env("SLUICE_EXECUTOR_MEMORY", "1g");
  }

  private static Script train(String name) throws Exception {
    Path folder = folder(name);
    return Script.onSmallPlant("train.sh", SmallPlant.lake().toString())
        .set("registry.path", "\"" + folder.resolve("registry") + "\"")
        .set("train.strategy", "gradient-sharing")
        .set("train.epochs", "6")
        .set("train.early-stopping-patience", "0")
        .set("model.hidden-sizes", "[32,32]")
        .set("train.checkpoint.every-steps", "10")
        .set("train.checkpoint.path", "\"" + folder.resolve("checkpoints") + "\"")
        .set("train.metrics-path", "\"" + folder.resolve("metrics.jsonl") + "\"");
  }

  private static Path folder(String name) throws Exception {
    return SmallPlant.lake().resolve("lost executors").resolve(name);
  }

  private static void signal(String name, long process) throws Exception {
    new ProcessBuilder("kill", "-" + name, Long.toString(process)).start().waitFor();
  }

  private static void awaitLine(Script.Running run, String text) throws Exception {
    run.awaitThat(
        text,
        () -> {
          try {
            return Files.readString(run.err()).contains(text);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  private static void awaitStep(Script.Running run, String name, long step) throws Exception {
    Path folder = folder(name).resolve("checkpoints");
    run.awaitThat("a checkpoint of step " + step, () -> newestStep(folder) >= step);
  }

  private static long newestStep(Path checkpoints) {
    if (!Files.exists(checkpoints)) {
      return 0;
    }
    try (Stream<Path> files = Files.list(checkpoints)) {
      return files
          .map(file -> CHECKPOINT.matcher(file.getFileName().toString()))
          .filter(Matcher::matches)
          .mapToLong(matcher -> Long.parseLong(matcher.group(2)))
          .max()
          .orElse(0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The parameters of a run's last checkpoint. */
  private static FloatBuffer parameters(Script.Result run) throws IOException {
    int count = header(run).get("parameters").asInt();
    return ByteBuffer.wrap(numbers(run), 0, count * Float.BYTES)
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer();
  }

  private static JsonNode header(Script.Result run) throws IOException {
    try (var in = new DataInputStream(Files.newInputStream(run.place("/checkpoint")))) {
      in.skipBytes("checkpoint.v2\n".length());
      return new ObjectMapper().readTree(in.readNBytes(in.readInt()));
    }
  }

  /** All arrays of a run's last checkpoint. */
  private static byte[] numbers(Script.Result run) throws IOException {
    try (var in = new DataInputStream(Files.newInputStream(run.place("/checkpoint")))) {
      in.skipBytes("checkpoint.v2\n".length());
      in.skipBytes(in.readInt());
      byte[] rest = in.readAllBytes();
      return java.util.Arrays.copyOf(rest, rest.length - 32);
    }
  }
}
