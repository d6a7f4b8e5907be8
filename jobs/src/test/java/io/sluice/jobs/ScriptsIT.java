package io.sluice.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The scripts as a person and a scheduler meet them: statuses, messages, the last line. */
class ScriptsIT {
  @TempDir Path folder;

  @Test
  void simulateReportsWhatItWrote() throws Exception {
    JsonNode line = SmallPlant.simulation().lastLine();

    assertThat(line.get("job").asText()).isEqualTo("simulate");
    assertThat(line.get("exitStatus").asInt()).isZero();
    assertThat(line.get("codeVersion").asText()).matches("\\d+\\.\\d+\\.\\d+.*");
    assertThat(line.at("/report/rows/wide").asLong()).isGreaterThan(4_000);
  }

  @Test
  void pipelineLeavesDatasetBundlePredictionsAndPageWhereItSays() throws Exception {
    Script.Result result = SmallPlant.pipeline();

    assertThat(result.place("/build/dataset").resolve("manifest.json")).exists();
    assertThat(result.place("/train/bundle/uri").resolve("model.zip")).exists();
    assertThat(result.place("/evaluate/page")).exists();
    assertThat(result.place("/score/predictions")).isDirectory();
    assertThat(Files.readString(result.place("/summary")))
        .contains("LSTM", "last-value", "seasonal-naive-daily", "dataset", "bundle", "page");
    assertThat(result.err()).contains("train | ").doesNotContain("Exception");
  }

  @Test
  void badSettingsExitWithTwo() throws Exception {
    Script.Result result =
        Script.onSmallPlant("build-sequences.sh", folder.toString())
            .set("window.horizn", "3")
            .set("window.look-back", "0")
            .run()
            .requireStatus(2);

    assertThat(result.err())
        .contains("2 problem(s)", "did you mean horizon?", "window.look-back")
        .doesNotContain("\tat ");
    assertThat(result.lastLine().get("exitStatus").asInt()).isEqualTo(2);
  }

  @Test
  void badUsageExitsWithTwo() throws Exception {
    assertThat(Script.named("train.sh").with("--confg", "a").run().requireStatus(2).err())
        .contains("Unknown option", "--config");
    assertThat(Script.named("train.sh").with("--config", "none.conf").run().requireStatus(2).err())
        .contains("none.conf: cannot be read");
  }

  @Test
  void missingInputExitsWithThree() throws Exception {
    Script.Result result =
        Script.onSmallPlant("build-sequences.sh", folder.toString()).run().requireStatus(3);

    assertThat(result.err()).contains(folder + "/raw/wide").doesNotContain("\tat ");
    assertThat(result.lastLine().get("error").asText()).contains(folder + "/raw/wide");
  }

  @Test
  void refusedGateExitsWithFourAfterThePageIsDrawn() throws Exception {
    SmallPlant.pipeline();

    Script.Result result =
        Script.onSmallPlant("evaluate.sh", SmallPlant.lake().toString())
            .set("evaluate.gate-metric", "mase")
            .set("evaluate.gate-limit", "0.000001")
            .set("evaluate.output", "\"" + folder + "/evaluation\"")
            .run()
            .requireStatus(4);

    assertThat(result.err()).contains("mase").doesNotContain("\tat ");
    assertThat(result.lastLine().at("/report/gate/passed").asBoolean(true)).isFalse();
    assertThat(folder.resolve("evaluation/index.html")).exists();
  }

  @Test
  void gpuWithoutOneExitsWithFive() throws Exception {
    SmallPlant.pipeline();

    Script.Result result =
        Script.onSmallPlant("train.sh", SmallPlant.lake().toString())
            .env("CUDA_VISIBLE_DEVICES", "")
            .set("device", "gpu")
            .set("train.strategy", "local")
            .set("train.checkpoint.path", "\"" + folder + "/checkpoints\"")
            .with("--", "--verbose")
            .run()
            .requireStatus(5);

    assertThat(result.err())
        .contains("device = gpu, and none can be used: ", "Set device = cpu to compute without one")
        .doesNotContain("\tat ");
    // CUDA on LD_LIBRARY_PATH comes first, and only where GPUs are asked for
    assertThat(result.out() + result.err()).contains("javacpp.pathsFirst=true");
    assertThat(SmallPlant.pipeline().err()).doesNotContain("GPU", "pathsFirst");
  }

  @Test
  void discoverGpusPrintsWhatSparkReads() throws Exception {
    assertThat(discover("printf '0\\n1\\n2\\n'", null).requireStatus(0).out())
        .isEqualTo("{\"name\":\"gpu\",\"addresses\":[\"0\",\"1\",\"2\"]}\n");
    // CUDA numbers what it shows from 0 again
    assertThat(discover("printf '0\\n1\\n2\\n'", "2,1").requireStatus(0).out())
        .isEqualTo("{\"name\":\"gpu\",\"addresses\":[\"0\",\"1\"]}\n");
  }

  @Test
  void discoverGpusSaysWhyThereAreNone() throws Exception {
    assertThat(discover("echo 'no devices were found'; exit 6", null).requireStatus(1).err())
        .startsWith("discover-gpus.sh: nvidia-smi failed on ")
        .contains(": no devices were found. Look at the driver");
    assertThat(discover("echo 0", "").requireStatus(1).err())
        .contains(" has no GPU, or CUDA_VISIBLE_DEVICES hides all of them. Leave spark.worker.");
  }

  /**
   * @param body of the nvidia-smi that it finds
   */
  private Script.Result discover(String body, String visible) throws Exception {
    Path smi = Files.createDirectories(folder.resolve("smi")).resolve("nvidia-smi");
    Files.writeString(smi, "#!/bin/sh\n" + body + "\n");
    assertThat(smi.toFile().setExecutable(true)).isTrue();
    return Script.named("discover-gpus.sh")
        .env("PATH", smi.getParent() + ":" + System.getenv("PATH"))
        .env("CUDA_VISIBLE_DEVICES", visible)
        .run();
  }

  @Test
  void worksFromAnyDirectoryAndReadsSparkSettings() throws Exception {
    Path elsewhere = Files.createDirectory(folder.resolve("else where"));
    Path properties =
        Files.writeString(
            elsewhere.resolve("spark.conf"), "# ours\nspark.app.name   named in a file\n\n");

    Script.Result result =
        Script.onSmallPlant("simulate.sh", elsewhere.resolve("lake").toString())
            .in(elsewhere)
            .env("SLUICE_SPARK_CONF", properties.toString())
            .env("SLUICE_MASTER", "local[1]")
            .set("simulate.days", "2")
            .with("--", "--conf", "spark.log.legacyDriver=no", "--verbose")
            .run()
            .requireStatus(0);

    assertThat(result.out() + result.err())
        .contains("(spark.app.name,named in a file)", "(spark.log.legacyDriver,no)", "local[1]");
    assertThat(elsewhere.resolve("lake/raw/wide/_SUCCESS")).exists();
  }

  @Test
  void missingJavaSaysWhatToInstall() throws Exception {
    Script.Result result =
        Script.named("train.sh").env("JAVA_HOME", folder.toString()).run().requireStatus(2);

    assertThat(result.err())
        .isEqualToIgnoringNewLines(
            "JAVA_HOME is %s, which has no bin/java. Set it to a JDK 17 (for example from https://adoptium.net), or unset it to use the java on PATH.\n"
                .formatted(folder));
  }

  @Test
  void tooOldJavaSaysWhatToInstall() throws Exception {
    Path java = Files.createDirectories(folder.resolve("bin")).resolve("java");
    Files.writeString(java, "#!/bin/sh\necho 'openjdk version \"1.8.0_392\"' >&2\n");
    assertThat(java.toFile().setExecutable(true)).isTrue();

    Script.Result result =
        Script.named("train.sh").env("JAVA_HOME", folder.toString()).run().requireStatus(2);

    assertThat(result.err())
        .startsWith(java + " is Java 1.8.0_392, and Sluice needs 17. Install a JDK 17")
        .hasLineCount(1);
  }

  @Test
  void wrongMemorySaysWhatASizeIs() throws Exception {
    Script.Result result =
        Script.named("train.sh").env("SLUICE_DRIVER_MEMORY", "lots").run().requireStatus(2);

    assertThat(result.err())
        .contains("SLUICE_DRIVER_MEMORY is lots, which is not a size.", "512m or 4g");
  }
}
