package io.sluice.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Gradient sharing whose executors hang, or go for good: a run goes on with what is left. */
class LostExecutorsIT {
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
    assertThat(Checkpoints.numbers(result)).isEqualTo(Checkpoints.numbers(whole));
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
    Checkpoints.assertEqualToRounding(result, whole);
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
    run.awaitThat("a checkpoint of step " + step, () -> Checkpoints.newestStep(folder) >= step);
  }
}
