package io.sluice.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Every block of shell commands in the pages is run in the project's root, in order, as its mark
 * says ({@link ReadmeBlock}). What they write lies in one lake outside the source tree.
 */
class ReadmeCommandsIT {
  private static final List<String> PAGES = List.of("README.md", "submit-scripts/README.md");

  // what a reader replaces by their own
  private static final String SPARK_HOME = "/opt/spark";
  private static final String MASTER = "spark://head:7077";
  private static final String SETTINGS = "my.conf";
  private static final int EXECUTORS = 4;

  @Test
  void everyBlockOfCommandsIsTested() throws IOException {
    assertThat(blocks())
        .isNotEmpty()
        .filteredOn(block -> block.mark().isEmpty())
        .as("blocks of commands without a line <!-- tested … --> right above")
        .isEmpty();
  }

  @Test
  void theTestCommandIsWhatContinuousIntegrationRuns() throws IOException {
    assertThat(blocks())
        .filteredOn(block -> block.mark().equals(ReadmeBlock.BY_CI))
        .singleElement()
        .extracting(ReadmeBlock::commands)
        .isEqualTo("./mvnw verify\n");
    assertThat(Files.readAllLines(Script.ROOT.resolve(".ci/run"))).contains("./mvnw verify");
  }

  @TestFactory
  List<DynamicTest> commandsWork() throws IOException {
    Path folder = SmallPlant.folder("readme");
    var tests = new ArrayList<DynamicTest>();
    for (ReadmeBlock block : blocks()) {
      if (block.runs()) {
        tests.add(DynamicTest.dynamicTest(block.toString(), () -> check(block, folder)));
      }
    }
    return tests;
  }

  private static void check(ReadmeBlock block, Path folder) throws Exception {
    Path data = data();
    block
        .data()
        .map(data::resolve)
        .ifPresent(
            file ->
                assumeTrue(
                    Files.exists(file),
                    () -> file + " is not there: set SLUICE_DATA to run this test"));
    Path lake = folder.resolve("lake");
    String script = block.script(lake);
    Script.Result result =
        script.contains(MASTER) ? onCluster(script, folder) : run(script, folder);

    result.requireStatus(0);
    if (block.commands().contains("quickstart.sh")) {
      assertThat(result.out())
          .contains("quickstart-power: ", "quickstart-failure: ", "LSTM", "seasonal-naive-daily")
          .contains("dataset      " + lake, "bundle  ", "page         " + lake, "predictions  ");
    }
  }

  private static Script.Result onCluster(String script, Path folder) throws Exception {
    SmallPlant.pipeline();
    Path settings =
        Files.writeString(
            folder.resolve(SETTINGS),
            """
            include file("%s")
            dataset.path = "%s"
            """
                .formatted(
                    Script.ROOT.resolve("jobs/src/test/resources/small-plant.conf"),
                    SmallPlant.lake().resolve("datasets/small-plant")));
    try (var cluster = StandaloneCluster.start(Script.EMBEDDED_SPARK, folder, EXECUTORS)) {
      Script.Result result =
          run(
              script
                  .replace(SPARK_HOME, "'" + Script.EMBEDDED_SPARK + "'")
                  .replace(MASTER, cluster.url())
                  .replace(SETTINGS, "'" + settings + "'"),
              folder);
      for (int worker = 0; worker < EXECUTORS; worker++) {
        assertThat(cluster.executorsOf(worker)).as("executors of worker %d", worker).isEqualTo(1);
      }
      return result;
    }
  }

  private static Script.Result run(String script, Path folder) throws Exception {
    Path file = Files.createTempFile(folder, "commands", ".sh");
    Files.writeString(file, script);
    assertThat(file.toFile().setExecutable(true)).isTrue();
    return Script.at(file)
        .env("SLUICE_LAKE", folder.resolve("lake").toString())
        .env("SLUICE_DATA", data().toString())
        .env("SPARK_LOCAL_IP", "127.0.0.1")
        .run();
  }

  private static Path data() {
    String data = System.getenv("SLUICE_DATA");
    return data != null ? Path.of(data) : Script.ROOT.resolve("../shared/data");
  }

  private static List<ReadmeBlock> blocks() throws IOException {
    var blocks = new ArrayList<ReadmeBlock>();
    for (String page : PAGES) {
      blocks.addAll(ReadmeBlock.of(page, Files.readString(Script.ROOT.resolve(page))));
    }
    return blocks;
  }
}
