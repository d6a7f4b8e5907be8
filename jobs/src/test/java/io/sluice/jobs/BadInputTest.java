package io.sluice.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.failure.ExitStatus;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Bad input at the command line of the real jobs: one message on standard error, no stack trace,
 * the same message and the exit status in the last line on standard output.
 */
class BadInputTest extends CommandLine {
  @TempDir Path folder;

  private Path config;

  @BeforeEach
  void writeConfigAndSource() throws Exception {
    config = folder.resolve("plant.conf");
    Files.writeString(
        config,
        """
        name = plant
        lake.root = "%1$s"
        source { path = "%1$s/raw.csv", format = csv, series-from = single }
        window { look-back = 4, horizon = 2 }
        """
            .formatted(folder));
    Files.writeString(
        folder.resolve("raw.csv"),
        "time,load\n"
            + String.join(
                "\n",
                IntStream.range(0, 100)
                    .mapToObj(n -> "2024-01-%02d %02d:00:00,%d".formatted(1 + n / 24, n % 24, n))
                    .toList())
            + "\nyesterday,1\ntomorrow,2\n");
  }

  @Test
  void aLookBackOfZeroAndANegativeHorizonAreBadSettingsWithTheirLines() throws Exception {
    Files.writeString(
        config,
        """
        source { path = raw, series-from = single }
        window {
          look-back = 0
          horizon = -3
        }
        """);

    ExitStatus status = run(BuildSequencesJob.JOB, NO_SESSION);

    assertRefused(
        status,
        ExitStatus.BAD_SETTINGS,
        """
        Invalid configuration %1$s, 2 problem(s):
          - window.look-back (%1$s: 3): must be between 1 and 1000000, but is 0
          - window.horizon (%1$s: 4): must be between 0 and 1000000, but is -3"""
            .formatted(config));
  }

  @Test
  void tooManyRejectedRowsAreBadInput() throws Exception {
    ExitStatus status = run(BuildSequencesJob.JOB, LOCAL);

    assertRefused(
        status,
        ExitStatus.BAD_INPUT,
        "source.path %1$s/raw.csv: 2 of 102 rows cannot be used (1.96 %%), more than reject.max-share = 0.01. Reasons: time-unparsable 2. The rows are in %1$s/datasets/plant.rejects; correct the data or the settings of source."
            .formatted(folder));
    assertThat(folder.resolve("datasets/plant.rejects/_SUCCESS")).exists();
    assertThat(folder.resolve("datasets/plant")).doesNotExist();
  }

  @Test
  void aDatasetThatCannotBeWrittenIsAFailure() throws Exception {
    String below = folder.resolve("raw.csv") + "/datasets";

    ExitStatus status = run(BuildSequencesJob.JOB, LOCAL, "--set", "dataset.path=" + below);

    assertThat(status).isEqualTo(ExitStatus.FAILED);
    assertThat(err()).hasLineCount(1).startsWith("Cannot write %s.lock: ".formatted(below));
    assertThat(lastLine().get("exitStatus").asInt()).isEqualTo(1);
  }

  @Test
  void trainingRefusesADatasetOfAnotherFormatVersion() throws Exception {
    Path manifest =
        Files.createDirectories(folder.resolve("datasets/plant")).resolve("manifest.json");
    Files.writeString(
        manifest, "{\"format\": \"sequences.v2\", \"codeVersion\": \"9.1.0 (0123456789ab)\"}");

    ExitStatus status = run(TrainJob.JOB, LOCAL);

    assertRefused(
        status,
        ExitStatus.BAD_INPUT,
        "%s has format sequences.v2; this version reads sequences.v1. Rebuild the dataset with build-sequences, or read it with the version of Sluice that wrote it (9.1.0 (0123456789ab))."
            .formatted(manifest));
  }

  @Test
  void aPlannedRunIsExplainedBeforeItsDatasetIsThere() {
    ExitStatus status =
        run(TrainJob.JOB, NO_SESSION, "--set", "train.strategy=pipeline", "--explain");

    assertThat(status).isEqualTo(ExitStatus.DONE);
    assertThat(err()).isEmpty();
    assertThat(out())
        .contains("train.pipeline.stages = \"auto\"")
        .endsWith(
            "%nmodel and pipeline: to be told once build-sequences has run. The dataset at %s/datasets/plant does not exist. Check the path, or run the job that writes it.%n"
                .formatted(folder));
  }

  private void assertRefused(ExitStatus status, ExitStatus expected, String message)
      throws Exception {
    assertThat(err().strip()).isEqualTo(message);
    assertThat(status).isEqualTo(expected);
    assertThat(lastLine().get("error").asText()).isEqualTo(message);
    assertThat(lastLine().get("exitStatus").asInt()).isEqualTo(expected.code());
  }

  private ExitStatus run(Job<?, ?> job, Supplier<SparkSession> session, String... overrides) {
    var args = new java.util.ArrayList<>(List.of("--config", config.toString()));
    args.addAll(List.of(overrides));
    return execute(job, session, args.toArray(String[]::new));
  }
}
