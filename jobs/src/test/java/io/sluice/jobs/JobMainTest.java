package io.sluice.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.failure.ExitStatus;
import io.sluice.failure.InvalidInputException;
import io.sluice.failure.QualityGateException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.spark.sql.SparkSession;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JobMainTest extends CommandLine {
  @TempDir Path folder;

  private Path config;

  record Settings(int stride) {}

  record Report(int windows, Optional<String> note, Instant at) {}

  @BeforeEach
  void writeConfig() throws Exception {
    config = folder.resolve("a.conf");
    Files.writeString(config, "window.stride = 3\nsource.options.password = hunter2\n");
  }

  @Test
  void misspeltOptionIsNamedWithTheNearMissBeforeASessionExists() {
    assertThat(run(body(report()), NO_SESSION, "--confg", "a.conf"))
        .isEqualTo(ExitStatus.BAD_SETTINGS);

    assertThat(err()).contains("Unknown option", "--confg", "--config", "Try: sample.sh --help");
  }

  @Test
  void missingConfigIsBadUsage() {
    assertThat(run(body(report()), NO_SESSION)).isEqualTo(ExitStatus.BAD_SETTINGS);

    assertThat(err()).contains("Missing required option: --config FILE");
  }

  @Test
  void absentFileIsBadSettings() throws Exception {
    assertThat(run(body(report()), NO_SESSION, "--config", "none.conf"))
        .isEqualTo(ExitStatus.BAD_SETTINGS);

    assertThat(err())
        .isEqualToIgnoringNewLines(
            "Invalid configuration none.conf, 1 problem(s):\n"
                + "  - none.conf: cannot be read; give an existing file to --config\n");
    assertThat(lastLine().get("exitStatus").asInt()).isEqualTo(2);
    assertThat(lastLine().get("error").asText()).contains("none.conf: cannot be read");
  }

  @Test
  void wrongSettingsAreReportedBeforeASessionExists() throws Exception {
    assertThat(run(body(report()), NO_SESSION, config(), "--set", "window.stride=0"))
        .isEqualTo(ExitStatus.BAD_SETTINGS);

    assertThat(err()).contains("window.stride (--set window.stride=0: 1): must be at least 1");
  }

  @Test
  void explainShowsOriginsAndNoSecretsAndRunsNothing() {
    assertThat(run(body(report()), NO_SESSION, config(), "--explain")).isEqualTo(ExitStatus.DONE);

    assertThat(out())
        .contains("window.stride = 3", config + ": 1", "source.options.password", "(masked)")
        .doesNotContain("hunter2")
        .endsWith("\n\na stride of 3\n".replace("\n", System.lineSeparator()));
  }

  @Test
  void helpSaysWhatAReaderNeeds() {
    assertThat(run(body(report()), NO_SESSION, "--help")).isEqualTo(ExitStatus.DONE);

    assertThat(out())
        .contains(
            "Usage: sample.sh",
            "A sample job.",
            "Reads the sections name, source, window.",
            "submit-scripts/sample.sh --config a.conf",
            "Exit status:",
            "4  a quality gate said no");
  }

  @Test
  void versionIsThatOfTheCode() {
    assertThat(run(body(report()), NO_SESSION, "--version")).isEqualTo(ExitStatus.DONE);

    assertThat(out()).matches("(?s)\\d+\\.\\d+\\.\\d+.*");
  }

  @Test
  void lastLineIsTheReportAsOneJsonObject() throws Exception {
    assertThat(run(body(report()), LOCAL, config())).isEqualTo(ExitStatus.DONE);

    JsonNode line = lastLine();
    assertThat(line.get("job").asText()).isEqualTo("sample");
    assertThat(line.get("exitStatus").asInt()).isZero();
    assertThat(line.get("runId").asText()).matches("\\d{8}T\\d{9}Z-[0-9a-f]{12}");
    assertThat(line.get("report").toString())
        .isEqualTo("{\"windows\":12,\"note\":null,\"at\":\"2024-01-01T00:00:00Z\"}");
  }

  @Test
  void userFailureShowsItsMessageOnlyEvenFromInsideSpark() throws Exception {
    Job.Body<Settings, Report> body =
        (spark, settings, provenance) -> {
          throw new IllegalStateException(
              "Job aborted", new InvalidInputException("No such table: raw. Check source.path."));
        };

    assertThat(run(body, LOCAL, config())).isEqualTo(ExitStatus.BAD_INPUT);

    assertThat(err()).isEqualToIgnoringNewLines("No such table: raw. Check source.path.\n");
    assertThat(lastLine().get("exitStatus").asInt()).isEqualTo(3);
  }

  @Test
  void defectShowsItsTrace() throws Exception {
    Job.Body<Settings, Report> body =
        (spark, settings, provenance) -> {
          throw new IllegalStateException("broken");
        };

    assertThat(run(body, LOCAL, config())).isEqualTo(ExitStatus.FAILED);

    assertThat(err()).contains("sample failed: java.lang.IllegalStateException: broken", "\tat ");
    assertThat(lastLine().get("error").asText()).isEqualTo("broken");
  }

  @Test
  void wantOfNativeMemoryIsToldWithWhatToDoAndNotAsDl4jSaysIt() throws Exception {
    Job.Body<Settings, Report> body =
        (spark, settings, provenance) -> {
          try (var much = new BytePointer(Pointer.maxBytes() + 1)) {
            throw new AssertionError("allocated " + much);
          } catch (OutOfMemoryError e) {
            throw new RuntimeException("Error during neural network forward pass", e);
          }
        };

    assertThat(run(body, LOCAL, config())).isEqualTo(ExitStatus.FAILED);

    assertThat(err())
        .startsWith("Out of native memory: Failed to allocate memory within limits: totalBytes (")
        .contains("). Raise SLUICE_OFFHEAP_MEMORY", "train.accumulate")
        .doesNotContain("\tat ", "neural network");
    assertThat(lastLine().get("exitStatus").asInt()).isEqualTo(1);
  }

  @Test
  void wantOfHeapIsToldWithItsSize() {
    Job.Body<Settings, Report> body =
        (spark, settings, provenance) -> {
          throw new OutOfMemoryError("Java heap space");
        };

    assertThat(run(body, LOCAL, config())).isEqualTo(ExitStatus.FAILED);

    assertThat(err())
        .isEqualToIgnoringNewLines(
            "Out of Java heap: Java heap space, of %,d MiB. Raise SLUICE_DRIVER_MEMORY; if an executor ran out, SLUICE_EXECUTOR_MEMORY.\n"
                .formatted(Runtime.getRuntime().maxMemory() >> 20));
  }

  @Test
  void refusedResultIsReportedAndExitsWithFour() throws Exception {
    Consumer<Report> gate =
        report -> {
          throw new QualityGateException("mase is 1.2, the gate allows 0.9");
        };

    assertThat(run(body(report()), gate, LOCAL, config())).isEqualTo(ExitStatus.GATE_REFUSED);

    assertThat(err()).isEqualToIgnoringNewLines("mase is 1.2, the gate allows 0.9\n");
    assertThat(lastLine().get("exitStatus").asInt()).isEqualTo(4);
    assertThat(lastLine().get("report").get("windows").asInt()).isEqualTo(12);
  }

  private static Report report() {
    return new Report(12, Optional.empty(), Instant.parse("2024-01-01T00:00:00Z"));
  }

  private static Job.Body<Settings, Report> body(Report report) {
    return (spark, settings, provenance) -> {
      assertThat(settings.stride()).isEqualTo(3);
      return report;
    };
  }

  private ExitStatus run(
      Job.Body<Settings, Report> body, Supplier<SparkSession> session, String... args) {
    return run(body, report -> {}, session, args);
  }

  private ExitStatus run(
      Job.Body<Settings, Report> body,
      Consumer<Report> gate,
      Supplier<SparkSession> session,
      String... args) {
    var job =
        new Job<>(
            "sample",
            "A sample job.",
            List.of("name", "source", "window"),
            List.of("sample.sh --config a.conf"),
            root -> root.section("window", w -> new Settings(w.intAtLeast("stride", 1))),
            body,
            gate,
            settings -> "a stride of " + settings.stride());
    return execute(job, session, args);
  }

  private String config() {
    return "--config=" + config;
  }
}
