package io.sluice.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Two executor processes started by the driver itself: {@code local-cluster[2,1,1024]}. */
class LocalClusterIT {
  @Test
  void trainsAndScoresWithTwoExecutorProcesses() throws Exception {
    SmallPlant.pipeline();
    Path models = SmallPlant.folder("local cluster");

    JsonNode trained =
        submit("train.sh", models)
            .set("train.strategy", "parameter-averaging")
            .set("train.checkpoint.path", "\"" + models.resolve("checkpoints") + "\"")
            .set("train.metrics-path", "\"" + models.resolve("metrics.jsonl") + "\"")
            .run()
            .requireStatus(0)
            .report();
    JsonNode scored =
        submit("score.sh", models)
            .set("score.predictions", "\"" + models.resolve("predictions") + "\"")
            .run()
            .requireStatus(0)
            .report();

    assertThat(trained.get("distanceMoved").asDouble()).isPositive();
    assertThat(scored.get("bundleHash")).isEqualTo(trained.at("/bundle/hash"));
    assertThat(scored.get("predictionsWritten").asLong()).isPositive();
  }

  private static Script submit(String name, Path models) throws Exception {
    return Script.onSmallPlant(name, SmallPlant.lake().toString())
        .set("registry.path", "\"" + models.resolve("registry") + "\"")
        .env("SLUICE_MASTER", "local-cluster[2,1,1024]");
  }
}
