package io.sluice.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/**
 * Runs a script of {@code submit-scripts/} as a person would: a process, its status, its output.
 */
final class Script {
  static final Path ROOT = Path.of(System.getenv("SLUICE_ROOT"));

  /** The Spark that the scripts assemble when a job is first run. */
  static final Path EMBEDDED_SPARK = ROOT.resolve(".runtime/spark-3.5.7");

  // jobs this small end before the optimizing compiler pays: the quickstart takes 45 s of processor
  // time without it, 84 with it
  private static final String SHORT_LIVED =
      "spark.sql.shuffle.partitions=2"
          + " spark.driver.extraJavaOptions=-XX:TieredStopAtLevel=1"
          + " spark.executor.extraJavaOptions=-XX:TieredStopAtLevel=1";

  private static final Duration LIMIT = Duration.ofMinutes(6);

  private final List<String> command = new ArrayList<>();
  private final Map<String, String> environment = new LinkedHashMap<>();
  private Path directory = ROOT;

  private Script(Path file) {
    command.add(file.toString());
    environment.put("JAVA_HOME", System.getProperty("java.home"));
    environment.put("SLUICE_DRIVER_MEMORY", "1g");
    environment.put("SLUICE_OFFHEAP_MEMORY", "1g");
    environment.put("SLUICE_SPARK_CONF", SHORT_LIVED);
  }

  static Script named(String name) {
    return new Script(ROOT.resolve("submit-scripts").resolve(name));
  }

  static Script at(Path file) {
    return new Script(file);
  }

  /** The job on the data set that the integration tests share, with everything below a lake. */
  static Script onSmallPlant(String name, String lake) {
    return named(name)
        .with("--config", ROOT.resolve("jobs/src/test/resources/small-plant.conf").toString())
        .set("lake.root", "\"" + lake + "\"");
  }

  Script with(String... arguments) {
    command.addAll(List.of(arguments));
    return this;
  }

  Script set(String key, String value) {
    return with("--set", key + "=" + value);
  }

  Script in(Path workingDirectory) {
    directory = workingDirectory;
    return this;
  }

  /** Sets a variable, or takes it away where the value is null. */
  Script env(String name, String value) {
    environment.put(name, value);
    return this;
  }

  Result run() throws IOException, InterruptedException {
    return start().await();
  }

  /** Starts it, for tests that do something while it runs. */
  Running start() throws IOException {
    Path out = Files.createTempFile("sluice-script", ".out");
    Path err = Files.createTempFile("sluice-script", ".err");
    var builder =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectOutput(out.toFile())
            .redirectError(err.toFile());
    builder.environment().keySet().removeIf(Script::changesTheOutcome);
    environment.forEach(
        (name, value) -> {
          if (value == null) {
            builder.environment().remove(name);
          } else {
            builder.environment().put(name, value);
          }
        });
    return new Running(builder.start(), command, out, err);
  }

  /** A script that has been started; awaited in the end, however it ends. */
  record Running(Process process, List<String> command, Path out, Path err) {
    Result await() throws IOException, InterruptedException {
      try {
        if (!process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
          kill();
          throw new AssertionError(
              "%s did not end within %s:\n%s".formatted(command, LIMIT, Files.readString(err)));
        }
        return new Result(process.exitValue(), Files.readString(out), Files.readString(err));
      } finally {
        Files.delete(out);
        Files.delete(err);
      }
    }

    /** Takes it away, with all processes that it has started. */
    void kill() throws InterruptedException {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly().waitFor();
    }

    /** Asks the job's Java process to end, as a scheduler does. */
    void terminate() {
      Stream.concat(Stream.of(process.toHandle()), process.descendants())
          .filter(
              p -> p.info().commandLine().filter(line -> line.contains("SparkSubmit")).isPresent())
          .forEach(ProcessHandle::destroy);
    }

    /** Processes it has started whose command line contains a word. */
    List<ProcessHandle> processes(String word) {
      return process
          .descendants()
          .filter(p -> p.info().commandLine().filter(line -> line.contains(word)).isPresent())
          .toList();
    }

    /**
     * Waits until something is so; fails with what the script said if it ends or takes too long.
     */
    void awaitThat(String what, BooleanSupplier isSo) throws IOException, InterruptedException {
      long end = System.nanoTime() + LIMIT.toNanos();
      while (!isSo.getAsBoolean()) {
        if (!process.isAlive() || System.nanoTime() - end > 0) {
          throw new AssertionError(
              "%s: not so while %s ran:\n%s".formatted(what, command, Files.readString(err)));
        }
        Thread.sleep(20);
      }
    }
  }

  private static boolean changesTheOutcome(String variable) {
    return variable.startsWith("SPARK_") || variable.startsWith("SLUICE_");
  }

  /** What a person and a scheduler see. */
  record Result(int status, String out, String err) {
    Result requireStatus(int expected) {
      assertThat(status).as("exit status; standard error:%n%s", err).isEqualTo(expected);
      return this;
    }

    /** The last line on standard output, which is one JSON object. */
    JsonNode lastLine() throws IOException {
      List<String> lines = out.lines().toList();
      assertThat(lines).as("standard output").isNotEmpty();
      return new ObjectMapper().readTree(lines.get(lines.size() - 1));
    }

    JsonNode report() throws IOException {
      return lastLine().required("report");
    }

    /** A place that the report names, which lies on this machine: a path or a file URI. */
    Path place(String pointer) throws IOException {
      // as Hadoop writes it: blanks are not escaped
      var place = new org.apache.hadoop.fs.Path(report().at(pointer).asText());
      return Path.of(place.toUri().getPath());
    }
  }
}
