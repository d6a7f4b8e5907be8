package io.sluice.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * The uber jar, submitted by spark-submit to a real standalone cluster: a master and two workers,
 * with one executor process each.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class StandaloneClusterIT {
  private static StandaloneCluster cluster;
  private static Path lake;
  private static Path raw;

  @BeforeAll
  static void start() throws Exception {
    raw = SmallPlant.lake().resolve("raw/wide");
    Path folder = SmallPlant.folder("standalone");
    lake = folder.resolve("lake");
    cluster = StandaloneCluster.start(Script.EMBEDDED_SPARK, folder, 2);
  }

  @AfterAll
  static void stop() {
    if (cluster != null) {
      cluster.close();
    }
  }

  @Test
  @Order(1)
  void buildsSequences() throws Exception {
    JsonNode report = submit("build-sequences.sh").run().requireStatus(0).report();

    assertThat(report.get("series").asInt()).isEqualTo(4);
    assertThat(report.at("/audit/passed").asBoolean()).isTrue();
    assertThat(lake.resolve("datasets/small-plant/manifest.json")).exists();
    assertThat(cluster.executorsOf(0)).isPositive();
    assertThat(cluster.executorsOf(1)).isPositive();
  }

  @Test
  @Order(2)
  void trainsByParameterAveragingOverTwoExecutors() throws Exception {
    long before = cluster.executorsOf(0) + cluster.executorsOf(1);

    Script.Result result =
        submit("train.sh").set("train.strategy", "parameter-averaging").run().requireStatus(0);

    JsonNode report = result.report();
    assertThat(cluster.executorsOf(0) + cluster.executorsOf(1)).isEqualTo(before + 2);
    assertThat(report.get("strategy").asText()).isEqualTo("parameter-averaging");
    assertThat(report.get("epochs").asInt()).isEqualTo(2);
    assertThat(report.get("distanceMoved").asDouble()).isPositive();
    assertThat(result.place("/bundle/uri").resolve("model.zip")).exists();
  }

  @Test
  @Order(3)
  void scores() throws Exception {
    JsonNode report = submit("score.sh").run().requireStatus(0).report();

    assertThat(report.get("predictionsWritten").asLong()).isPositive();
    assertThat(report.get("series").asInt()).isEqualTo(4);
    assertThat(Files.isDirectory(lake.resolve("predictions"))).isTrue();
  }

  @Test
  @Order(4)
  void failsWithTheStatusOfTheFailure() throws Exception {
    Script.Result result =
        submit("build-sequences.sh").set("source.path", "\"" + lake + "/nowhere\"").run();

    assertThat(result.requireStatus(3).lastLine().get("exitStatus").asInt()).isEqualTo(3);
    assertThat(result.err()).contains("nowhere");
  }

  private static Script submit(String name) {
    return Script.onSmallPlant(name, lake.toString())
        .set("source.path", "\"" + raw + "\"")
        .env("SLUICE_MASTER", cluster.url())
        .env("SPARK_LOCAL_IP", "127.0.0.1")
        .env("SLUICE_EXECUTOR_MEMORY", "1g");
  }
}
