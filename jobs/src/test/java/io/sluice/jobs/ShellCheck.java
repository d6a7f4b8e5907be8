package io.sluice.jobs;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The linter of shell scripts, which not every machine has. */
final class ShellCheck {
  private ShellCheck() {}

  static void assume() {
    boolean installed =
        Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
            .anyMatch(folder -> Files.isExecutable(Path.of(folder, "shellcheck")));
    assumeTrue(installed, "shellcheck is not installed: the scripts were not checked");
  }

  static List<String> command(Path root) throws IOException {
    var command = new ArrayList<>(List.of("shellcheck", "-x", ".ci/run"));
    try (Stream<Path> files = Files.walk(root.resolve("submit-scripts"))) {
      files
          .filter(file -> file.toString().endsWith(".sh"))
          .map(file -> root.relativize(file).toString())
          .sorted()
          .forEach(command::add);
    }
    return command;
  }
}
