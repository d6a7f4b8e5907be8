package io.sluice.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * The layers of a network in two executor processes, whose traffic Spark authenticates and
 * encrypts, and what becomes of a run one of whose processes is killed.
 */
class PipelineIT {
  @Test
  void stagesInExecutorsTrainAsOneProcessAndAKilledOneLeavesTheResultAsItIs() throws Exception {
    SmallPlant.pipeline();
    Script.Result local = train("local").set("train.strategy", "local").run().requireStatus(0);
    Script.Result whole = pipeline("undisturbed").run().requireStatus(0);

    Script.Running running = pipeline("disturbed").start();
    Path checkpoints = folder("disturbed").resolve("checkpoints");
    running.awaitThat("a checkpoint", () -> Checkpoints.newestStep(checkpoints) >= 20);
    running.processes("CoarseGrainedExecutorBackend").get(0).destroyForcibly();
    Script.Result disturbed = running.await().requireStatus(0);

    assertThat(whole.err())
        .contains("1 replica of 2 pipeline stages")
        .containsPattern("device: Rank 1 of 2 \\(pipeline stage 1 of replica 0: recurrent layer 1");
    assertThat(whole.place("/bundle/uri").resolve("model.zip")).exists();
    Checkpoints.assertEqualToRounding(whole, local);
    assertThat(disturbed.err())
        .containsPattern(
            "WARN .*Attempt 1 failed at epoch \\d+ after step \\d+ at least: Rank [01] of 2 \\(pipeline stage [01] of replica 0: recurrent layer (0|1 and head), executor [01] on [0-9.]+\\) was lost: .* Going on from step \\d+\\.");
    assertThat(Checkpoints.numbers(disturbed)).isEqualTo(Checkpoints.numbers(whole));
    assertThat(disturbed.report().get("steps")).isEqualTo(whole.report().get("steps"));
    assertThat(disturbed.report().get("bestValidationLoss"))
        .isEqualTo(whole.report().get("bestValidationLoss"));
  }

  private static Script pipeline(String name) throws Exception {
    return train(name)
        .set("train.strategy", "pipeline")
        .set("train.pipeline.stages", "2")
        .set("train.pipeline.placement", "[0,1]")
        .set("train.pipeline.time-chunk", "6")
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

  private static Script train(String name) throws Exception {
    Path folder = folder(name);
    return Script.onSmallPlant("train.sh", SmallPlant.lake().toString())
        .set("registry.path", "\"" + folder.resolve("registry") + "\"")
        .set("train.epochs", "6")
        .set("train.early-stopping-patience", "0")
        .set("train.accumulate", "2")
        .set("model.dropout", "0.1")
        .set("model.hidden-sizes", "[32,32]")
        .set("train.checkpoint.every-steps", "10")
        .set("train.checkpoint.path", "\"" + folder.resolve("checkpoints") + "\"")
        .set("train.metrics-path", "\"" + folder.resolve("metrics.jsonl") + "\"");
  }

  private static Path folder(String name) throws Exception {
    return SmallPlant.lake().resolve("pipeline stages").resolve(name);
  }
}
