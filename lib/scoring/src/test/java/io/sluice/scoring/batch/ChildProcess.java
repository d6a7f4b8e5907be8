package io.sluice.scoring.batch;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A second JVM with this one's class path and options, to be killed at a named point. */
final class ChildProcess implements AutoCloseable {
  static final String REACHED = "REACHED";
  private final Process process;
  private final Path log;

  private ChildProcess(Process process, Path log) {
    this.process = process;
    this.log = log;
  }

  static ChildProcess start(Class<?> main, Path log, String... args) throws IOException {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    for (String option : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
      if (!option.startsWith("-Xmx") && !option.startsWith("-javaagent")) {
        command.add(option); // Spark's --add-opens among them
      }
    }
    command.addAll(
        List.of(
            "-Xmx1g",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            main.getName()));
    command.addAll(List.of(args));
    return new ChildProcess(new ProcessBuilder(command).redirectError(log.toFile()).start(), log);
  }

  /** Waits until the child says it reached the point, then ends it with SIGKILL. */
  void killWhenReached() throws IOException, InterruptedException {
    try (var out =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      String line;
      do {
        line = out.readLine();
        if (line == null) {
          throw new AssertionError(
              "the child ended with %d before it reached the point; see %s"
                  .formatted(process.waitFor(), log));
        }
      } while (!line.startsWith(REACHED));
    }
    process.destroyForcibly();
    if (!process.waitFor(60, TimeUnit.SECONDS)) {
      throw new AssertionError("the child survived SIGKILL for a minute");
    }
  }

  /** In the child: says that the point is reached and waits for the end. */
  static void reachedAndWaiting() {
    System.out.println(REACHED);
    System.out.flush();
    try {
      TimeUnit.MINUTES.sleep(10); // the parent kills long before
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Runtime.getRuntime().halt(99);
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
