package io.sluice.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.failure.ExitStatus;
import io.sluice.failure.InsufficientClusterException;
import io.sluice.failure.OperationFailedException;
import io.sluice.failure.UserFailure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.SparkConf;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is looked at before the first step, on a context that takes itself for another cluster. */
class PreflightTest {
  private static final LearnableWindows SINE = new SineWindows(200, 50).learnable();

  /** As a cluster of containers would say it. */
  private static final Map<String, String> SMALL_CONTAINERS =
      Map.of(
          "spark.master", "yarn",
          "spark.executor.cores", "2",
          "spark.executor.memory", "256m");

  @RegisterExtension static final LocalSpark SPARK = LocalSpark.of(2);

  @TempDir Path folder;

  @AfterEach
  void restore() {
    SparkConf conf = SPARK.session().sparkContext().conf();
    SMALL_CONTAINERS.keySet().forEach(conf::remove);
    conf.remove("spark.dynamicAllocation.enabled")
        .remove("spark.executor.memoryOverhead")
        .remove("spark.executor.extraJavaOptions");
    conf.set("spark.master", "local[2]");
  }

  private static void set(Map<String, String> settings) {
    settings.forEach(SPARK.session().sparkContext().conf()::set);
  }

  private TrainReport train(String... more) {
    var settings = new ArrayList<>(List.of("train.strategy=gradient-sharing", "train.workers=2"));
    settings.addAll(List.of(more));
    return new TrainerRun(folder.resolve("lake"), SPARK.session())
        .train(SINE, settings.toArray(String[]::new));
  }

  @Test
  void allTroublesAreToldAtOnce() throws IOException {
    set(SMALL_CONTAINERS);
    set(Map.of("spark.dynamicAllocation.enabled", "true"));
    Path file = Files.writeString(folder.resolve("file"), "no folder");

    assertThatThrownBy(
            () -> train("model.hidden-sizes=[2000]", "registry.path=\"" + file + "/models\""))
        .isInstanceOf(InsufficientClusterException.class)
        .hasMessageMatching(
            """
            Cannot train, 4 problems:
              - spark\\.dynamicAllocation\\.enabled is true, and Spark starts no barrier stage then\\. Set it to false for this job, with --conf after --\\.
              - 2 ranks in an executor need about [\\d,]+ MiB of native memory, and spark\\.executor\\.memoryOverhead leaves 384 MiB\\. Set SLUICE_OFFHEAP_MEMORY=\\d+m, or spark\\.executor\\.memoryOverhead=\\d+m, or cut batches with train\\.accumulate\\.
              - 2 ranks in an executor keep up to [\\d,]+ MiB of parameters and checkpoints on a heap of 256 MiB\\. Set spark\\.executor\\.memory to at least \\d+m, or spark\\.executor\\.cores to fewer ranks an executor\\.
              - Cannot write %1$s/models/sine: %1$s is a file, not a folder\\. Check the path and the storage behind it\\."""
                .formatted(file))
        .extracting(e -> ((InsufficientClusterException) e).exitStatus())
        .isEqualTo(ExitStatus.CLUSTER_TOO_SMALL);
    assertThat(folder.resolve("lake/runs/sine/metrics.jsonl")).doesNotExist();
    assertThat(folder.resolve("lake/runs/sine/checkpoints.lock")).doesNotExist();
  }

  @Test
  void anOverheadThatIsGivenIsHeldToWhatTheRanksNeed() {
    set(SMALL_CONTAINERS);
    set(
        Map.of(
            "spark.master", "k8s://https://host:1",
            "spark.executor.memory", "1g",
            "spark.executor.memoryOverhead", "1m"));

    assertThatThrownBy(() -> train("train.gradient-sharing.join-timeout=1 s"))
        .isInstanceOf(InsufficientClusterException.class)
        .hasMessageMatching(
            "2 ranks in an executor need about \\d+ MiB of native memory, and spark\\.executor\\.memoryOverhead leaves 1 MiB\\. .*");
  }

  @ParameterizedTest
  @CsvSource({
    "gradient-sharing, or cut batches with train\\.accumulate",
    "parameter-averaging, or cut batches with train\\.accumulate",
    "async-gradient-sharing, or lower train\\.batch-size"
  })
  void whatLayersReserveIsHeldToWhatJavaCppMayAllocate(String strategy, String remedy) {
    smallNativeMemory();

    assertThatThrownBy(
            () ->
                train(
                    "train.strategy=" + strategy,
                    "model.hidden-sizes=[256]",
                    "train.gradient-sharing.join-timeout=1 s",
                    "train.accumulate=1"))
        .isInstanceOf(InsufficientClusterException.class)
        .hasMessageMatching(
            "Layers reserve \\d+ MiB of native memory in a process, and org\\.bytedeco\\.javacpp\\.maxbytes lets it have 3 MiB\\. Set SLUICE_OFFHEAP_MEMORY=\\d+m, %s.*"
                .formatted(remedy));
  }

  @Test
  void batchesOfWorkersThatAverageAreCutToTheirNativeMemory() {
    smallNativeMemory();

    assertThat(nativeLimit("parameter-averaging"))
        .isEqualTo(nativeLimit("gradient-sharing"))
        .isEqualTo((3L << 20) / 2);
    assertThat(nativeLimit("pipeline")).isEqualTo(NativeLimit.NONE);
  }

  private long nativeLimit(String strategy) {
    TrainSettings settings =
        new TrainerRun(folder.resolve("lake"), SPARK.session())
            .settings("train.strategy=" + strategy, "train.workers=2")
            .read(TrainSettings::from);
    return NativeLimit.of(settings, Optional.of(SPARK.session().sparkContext()));
  }

  private static void smallNativeMemory() {
    set(SMALL_CONTAINERS);
    set(
        Map.of(
            "spark.executor.memory",
            "8g",
            "spark.executor.memoryOverhead",
            "8g",
            "spark.executor.extraJavaOptions",
            "-Xss1m -Dorg.bytedeco.javacpp.maxbytes=3m"));
  }

  @Test
  void aRegistryWithoutWriteAccessIsToldBeforeTheFirstStep() throws IOException {
    Path registry = Files.createDirectory(folder.resolve("registry"));
    Files.setPosixFilePermissions(registry, PosixFilePermissions.fromString("r-xr-xr-x"));

    assertThatThrownBy(() -> train("registry.path=\"" + registry + "\""))
        .hasMessageStartingWith("Cannot write " + registry + "/sine: no permission (")
        .hasMessageEndingWith(
            "Grant user %s write access or choose another path."
                .formatted(System.getProperty("user.name")));
    assertThat(folder.resolve("lake/runs/sine/metrics.jsonl")).doesNotExist();
  }

  @Test
  void aDatasetThatIsNotThereIsToldWithWhatElseIsAmiss() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "no folder");
    var run = new TrainerRun(folder.resolve("lake"), SPARK.session());

    assertThatThrownBy(
            () ->
                run.trainOn(
                    folder.resolve("nothing").toString(),
                    "train.strategy=gradient-sharing",
                    "train.workers=3",
                    "train.gradient-sharing.join-timeout=1 s",
                    "train.checkpoint.path=\"" + file + "/checkpoints\"",
                    "registry.path=\"" + file + "/models\""))
        .isInstanceOf(InsufficientClusterException.class)
        .hasMessageStartingWith("Cannot train, 4 problems:\n  - train.workers is 3, and")
        .hasMessageContaining(
            "\n  - The dataset at " + folder.resolve("nothing") + " does not exist.")
        .hasMessageContaining("\n  - Cannot write " + file + "/checkpoints")
        .hasMessageContaining("\n  - Cannot write " + file + "/models/sine: ");
  }

  @Test
  void severalTroublesThatAreNoneOfTheClusterExitAsTheFirst() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "no folder");
    var run = new TrainerRun(folder.resolve("lake"), null);

    assertThatThrownBy(
            () ->
                run.trainOn(
                    folder.resolve("nothing").toString(),
                    "train.strategy=local",
                    "registry.path=\"" + file + "/models\""))
        .hasMessageStartingWith("Cannot train, 2 problems:\n  - ")
        .extracting(e -> ((UserFailure) e).exitStatus())
        .isEqualTo(ExitStatus.BAD_INPUT);
  }

  @Test
  void shardsThatDoNotDivideEvenlyAreWarnedOf() {
    try (var warnings = new Warnings(Preflight.class.getName())) {
      train("train.shards=3", "train.epochs=1");

      assertThat(warnings.messages)
          .containsExactly(
              "3 shards over 2 ranks: the fullest rank has 11 of a batch's windows, 33 % more than the mean, and the others wait for it. Set train.shards to a multiple of train.workers.");
    }
  }

  @Test
  void withoutASessionTheStrategyIsRefused() {
    for (String strategy : List.of("gradient-sharing", "async-gradient-sharing")) {
      assertThatThrownBy(
              () ->
                  new TrainerRun(folder.resolve("lake"), null)
                      .train(SINE, "train.strategy=" + strategy))
          .isInstanceOf(OperationFailedException.class)
          .hasMessage(
              "train.strategy = %s needs a Spark session, and this run has none. Submit it with spark-submit, or set train.strategy = local.",
              strategy);
    }
  }
}
