package io.sluice.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * Training and scoring on a standalone cluster whose two workers have two cores and a GPU each: the
 * GPUs are made up, Spark's way of dealing them out is not.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class GpuExecutorsIT {
  private static final Path ACCELERATOR =
      Script.ROOT.resolve("lib/recurrent/target/sluice-recurrent-0.1.0-SNAPSHOT-tests.jar");

  private static StandaloneCluster cluster;
  private static Path folder;

  @BeforeAll
  static void start() throws Exception {
    SmallPlant.pipeline();
    folder = SmallPlant.folder("gpus");
    cluster = StandaloneCluster.startWithGpus(Script.EMBEDDED_SPARK, folder, 2);
  }

  @AfterAll
  static void stop() {
    if (cluster != null) {
      cluster.close();
    }
  }

  @Test
  @Order(1)
  void eachRankHasTheGpuThatSparkGaveItsExecutor() throws Exception {
    Script.Result result = submit("train.sh", "train").run().requireStatus(0);

    JsonNode report = result.report();
    // four cores, but a rank for each GPU
    assertThat(report.get("workers").asInt()).isEqualTo(2);
    assertThat(List.of(report.get("device").asText().split(", ")))
        .containsExactlyInAnyOrder("GPU 0 (recording)", "GPU 1 (recording)");
    assertThat(result.err()).contains("device: Rank 0 of 2 (executor ");
    assertThat(kernels("train")).hasSize(2);
    assertThat(profiles("train")).containsExactly(1);
  }

  @Test
  @Order(2)
  void scoringAsksForAGpuATaskAndPreparationForNone() throws Exception {
    Script.Result result = submit("score.sh", "score").run().requireStatus(0);

    assertThat(result.report().get("device").asText())
        .matches("GPU [01] \\(recording\\)(, GPU 1 \\(recording\\))?");
    assertThat(kernels("score")).isNotEmpty();
    assertThat(profiles("score")).filteredOn(profile -> profile != 0).hasSize(1);
    assertThat(profiles("score")).filteredOn(profile -> profile == 0).hasSizeGreaterThan(1);
  }

  /** To executors that see two GPUs. */
  private static Script submit(String script, String name) throws Exception {
    Path own = Files.createDirectories(folder.resolve(name));
    return Script.onSmallPlant(script, SmallPlant.lake().toString())
        .set("device", "gpu")
        .set("registry.path", "\"" + folder.resolve("registry") + "\"")
        .set("score.predictions", "\"" + own.resolve("predictions") + "\"")
        .set("train.strategy", "gradient-sharing")
        .set("train.workers", "auto")
        .set("train.checkpoint.path", "\"" + own.resolve("checkpoints") + "\"")
        .set("train.metrics-path", "\"" + own.resolve("metrics.jsonl") + "\"")
        .env("SLUICE_MASTER", cluster.url())
        .env("SPARK_LOCAL_IP", "127.0.0.1")
        .env("CUDA_VISIBLE_DEVICES", "")
        .with(
            "--",
            "--jars",
            ACCELERATOR.toString(),
            "--conf",
            "spark.executor.resource.gpu.amount=1",
            "--conf",
            "spark.executorEnv.CUDA_VISIBLE_DEVICES=",
            "--conf",
            "spark.executor.extraJavaOptions=-XX:TieredStopAtLevel=1 -Dsluice.test.gpus=2 -Dsluice.test.gpu-folder=%s"
                .formatted(own),
            "--conf",
            "spark.eventLog.enabled=true",
            "--conf",
            "spark.eventLog.dir=" + Files.createDirectories(own.resolve("events")).toUri());
  }

  /** GPUs and processes that kernels were made on: "gpu-0-process-4711". */
  private static TreeSet<String> kernels(String name) throws Exception {
    var kernels = new TreeSet<String>();
    try (Stream<Path> files = Files.list(folder.resolve(name))) {
      files
          .map(file -> file.getFileName().toString())
          .filter(file -> file.startsWith("gpu-"))
          .forEach(kernels::add);
    }
    return kernels;
  }

  /** The resource profile of each Spark stage, 0 where it asks for nothing but cores. */
  private static List<Integer> profiles(String name) throws Exception {
    var profiles = new ArrayList<Integer>();
    var json = new ObjectMapper();
    try (Stream<Path> logs = Files.list(folder.resolve(name).resolve("events"))) {
      for (Path log : logs.toList()) {
        for (String line : Files.readAllLines(log)) {
          JsonNode event = json.readTree(line);
          if (event.path("Event").asText().equals("SparkListenerStageSubmitted")) {
            profiles.add(event.at("/Stage Info/Resource Profile Id").asInt());
          }
        }
      }
    }
    return profiles;
  }
}
