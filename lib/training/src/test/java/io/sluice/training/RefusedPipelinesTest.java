package io.sluice.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sluice.failure.ExitStatus;
import io.sluice.failure.UserFailure;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.SparkConf;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Pipelines that cannot be as they are set: one message each, before anything runs. */
class RefusedPipelinesTest {
  private static final LearnableWindows SINE = new SineWindows(200, 50).learnable();

  @RegisterExtension static final LocalSpark SPARK = LocalSpark.of(8);

  @TempDir Path folder;

  /** Three recurrent layers, 12 steps of look-back, batches of 16. */
  private UserFailure refused(String... more) {
    var settings =
        new ArrayList<>(
            List.of("model.hidden-sizes=[5,4,6]", "train.strategy=pipeline", "train.workers=2"));
    settings.addAll(List.of(more));
    var failure =
        catchThrowableOfType(
            UserFailure.class,
            () ->
                new TrainerRun(folder.resolve("lake"), SPARK.session())
                    .train(SINE, settings.toArray(String[]::new)));
    assertThat(folder.resolve("lake/runs/sine/metrics.jsonl")).doesNotExist();
    return failure;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "placement=[0,1] | placement must have 3 entries, a stage for each recurrent layer, or 4 with one for what is above them, but has 2: [0, 1]",
        "placement=[0,0,1,1,1] | placement must have 3 entries, a stage for each recurrent layer, or 4 with one for what is above them, but has 5: [0, 0, 1, 1, 1]",
        "placement=[1,1,0] | placement must begin with 0, because the lowest layer is on the first stage, but is [1, 1, 0]",
        "placement=[0,1,0] | placement must stay or rise by 1 from each layer to the next, but goes from 1 to 0: [0, 1, 0]",
        "time-chunk=13 | time-chunk must be 1 to 12, the time steps that the network looks back, but is 13"
      })
  void whatDoesNotGoWithTheModelIsABadSetting(String set, String told) {
    UserFailure failure = refused("train.pipeline." + set);

    assertThat(failure)
        .hasMessage(
            "Invalid configuration for this model, 1 problem(s):\n  - train.pipeline." + told);
    assertThat(failure.exitStatus()).isEqualTo(ExitStatus.BAD_SETTINGS);
  }

  @Test
  void moreStagesThanLayersAreABadSetting() {
    UserFailure failure = refused("train.pipeline.stages=5", "train.workers=5");

    assertThat(failure)
        .hasMessage(
            "Invalid configuration for this model, 1 problem(s):\n  - train.pipeline.stages must be 1 to 4, one for each of 3 recurrent layers and one for what is above, but is 5");
    assertThat(failure.exitStatus()).isEqualTo(ExitStatus.BAD_SETTINGS);
  }

  @Test
  void timeChunksOfBidirectionalLayersAreABadSetting() {
    assertThat(refused("model.bidirectional=true", "train.pipeline.time-chunk=6"))
        .hasMessageEndingWith(
            "- train.pipeline.time-chunk must be 12, the whole series, because bidirectional layers read it from both ends, but is 6");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "train.workers=3 | train.workers | must be a multiple of the 2 pipeline stages, so that each replica has all of them, but is 3",
        "train.pipeline.placement=[0,1,2] | train.workers | must be a multiple of the 3 pipeline stages, so that each replica has all of them, but is 2",
        "train.threads=2 | train.threads | must be 1 with strategy = pipeline, whose stages compute on one thread each (workers are what uses more cores), but is 2",
        "train.accumulate=17 | train.accumulate | times threads (1) must be at most the 16 windows that batch-size gives to a step, but is 17"
      })
  void whatDoesNotGoTogetherIsABadSettingWithItsLine(String set, String key, String told) {
    UserFailure failure = refused(set);

    assertThat(failure)
        .hasMessageStartingWith("Invalid configuration (text), 1 problem(s):\n  - " + key)
        .hasMessageEndingWith(": " + told);
    assertThat(failure.exitStatus()).isEqualTo(ExitStatus.BAD_SETTINGS);
  }

  @Test
  void stagesUnlikeThePlacementAreABadSetting() {
    assertThat(
            refused(
                "train.pipeline.placement=[0,1,2]", "train.pipeline.stages=2", "train.workers=6"))
        .hasMessage(
            "Invalid configuration (text), 1 problem(s):\n  - train.pipeline.stages (--set train.pipeline.stages=2: 1): must be auto or the 3 that placement has, but is 2");
  }

  @Test
  void stagesWithoutSlotsAreTooSmallACluster() {
    UserFailure failure = refused("train.workers=10", "train.gradient-sharing.join-timeout=1 s");

    assertThat(failure)
        .hasMessage(
            "train.workers is 10, and the cluster has 8 task slots after 1s. Set train.workers to at most that, add executors (--num-executors, --total-executor-cores), or raise train.gradient-sharing.join-timeout if they only start slowly.");
    assertThat(failure.exitStatus()).isEqualTo(ExitStatus.CLUSTER_TOO_SMALL);
  }

  @Test
  void aPipelineThatNoPlacementFitsIsTooSmallACluster() {
    SparkConf conf = SPARK.session().sparkContext().conf();
    Map<String, String> containers =
        Map.of("spark.master", "yarn", "spark.executor.cores", "2", "spark.executor.memory", "4g");
    containers.forEach(conf::set);
    try {
      UserFailure failure = refused("model.hidden-sizes=[3000,3000]");

      assertThat(failure)
          .hasMessageMatching(
              "The pipeline does not fit into the executors: train\\.pipeline\\.placement \\(auto\\) must leave each stage within 204 MiB, but stage \\d of \\[.*\\] \\(.*\\) needs [\\d,]+ MiB: .*, with 16 micro-batches of up to 1 window\\. .* A rank has its share of spark\\.executor\\.memoryOverhead \\(SLUICE_OFFHEAP_MEMORY\\), which the ranks of an executor divide\\.");
      assertThat(failure.exitStatus()).isEqualTo(ExitStatus.CLUSTER_TOO_SMALL);
    } finally {
      containers.keySet().forEach(conf::remove);
      conf.set("spark.master", "local[8]");
    }
  }

  @Test
  void aLayerTooLargeForTheGpusIsTooSmallACluster() {
    UserFailure failure =
        refused("train.pipeline.device-memory=64 MiB", "train.pipeline.placement=[0,1,1]");

    assertThat(failure)
        .hasMessageMatching(
            "The pipeline does not fit into the GPUs: train\\.pipeline\\.placement must leave each stage within 64 MiB of its GPU's memory, but stage 1 of \\[0, 1, 1, 1\\] \\(recurrent layers 1 to 2 and head\\) needs 161 MiB there, with 16 micro-batches of up to 1 window\\. .*train\\.pipeline\\.device-memory says what each has\\.");
    assertThat(failure.exitStatus()).isEqualTo(ExitStatus.CLUSTER_TOO_SMALL);
  }
}
