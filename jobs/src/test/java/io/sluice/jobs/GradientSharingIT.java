package io.sluice.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * Ranks in two executor processes, whose traffic Spark authenticates and encrypts, and what becomes
 * of a run whose processes are killed.
 */
class GradientSharingIT {
  @Test
  void killedExecutorsAKilledDriverAndATerminatedOneLeaveTheResultAsItIs() throws Exception {
    SmallPlant.pipeline();
    Script.Result whole = train("undisturbed").run().requireStatus(0);

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
    long stoppedAt = Checkpoints.newestStep(folder("disturbed").resolve("checkpoints"));
    Script.Result resumed = train("disturbed").run().requireStatus(0);

    assertThat(stopped.status()).isEqualTo(143);
    assertThat(stopped.err())
        .contains("Asked to stop: writing a checkpoint first")
        .contains("Stopped as asked after step %d of ".formatted(stoppedAt));
    assertThat(resumed.report().get("resumedFrom").asText())
        .contains("-step-%09d.checkpoint".formatted(stoppedAt));
    assertThat(resumed.report().get("steps")).isEqualTo(whole.report().get("steps"));
    assertThat(Checkpoints.numbers(resumed)).isEqualTo(Checkpoints.numbers(whole));
    assertThat(resumed.report().get("bestValidationLoss"))
        .isEqualTo(whole.report().get("bestValidationLoss"));
  }

  /** Two ranks in two executors, with all that Spark has for its network switched on. */
  private static Script train(String name) throws Exception {
    Path folder = folder(name);
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

  private static Path folder(String name) throws Exception {
    return SmallPlant.lake().resolve("sharing").resolve(name);
  }

  private static void awaitStep(Script.Running run, long step) throws Exception {
    Path checkpoints = folder("disturbed").resolve("checkpoints");
    run.awaitThat(
        "a checkpoint of step " + step, () -> Checkpoints.newestStep(checkpoints) >= step);
  }
}
