package io.sluice.benchmarks.training;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A job of {@code submit-scripts} with an experiment's file, as a person starts it; what it says is
 * shown.
 *
 * <p>{@code run.sh} says where the scripts are ({@code sluice.benchmarks.scripts}), and has built
 * what they run.
 */
final class JobScript {
  private static final Path SCRIPTS = Path.of(System.getProperty("sluice.benchmarks.scripts", "."));

  private final List<String> command = new ArrayList<>();

  /**
   * @param name without {@code .sh}
   * @param experiment without {@code .conf}
   */
  JobScript(String name, String experiment) {
    command.add(SCRIPTS.resolve(name + ".sh").toString());
    command.addAll(List.of("--config", config(experiment).toString()));
  }

  /** The file of an experiment. */
  static Path config(String experiment) {
    return SCRIPTS.resolveSibling("conf").resolve(experiment + ".conf");
  }

  JobScript set(String key, Object value) {
    return set(key + "=" + value);
  }

  JobScript set(String assignment) {
    command.addAll(List.of("--set", assignment));
    return this;
  }

  JobScript set(String key, Path value) {
    return set(key, "\"" + value + "\"");
  }

  /**
   * Runs it to its end.
   *
   * @return the report of its last line
   * @throws IllegalStateException if it ends in another way than well
   */
  JsonNode run() throws IOException, InterruptedException {
    System.out.println(String.join(" ", command));
    var builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().put("SLUICE_NO_REBUILD", "1");
    Process process = builder.start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IllegalStateException(
          "%s ended with status %d: %s".formatted(command.get(0), process.exitValue(), out));
    }
    List<String> lines = out.lines().toList();
    return new ObjectMapper().readTree(lines.get(lines.size() - 1)).required("report");
  }
}
