package io.sluice.jobs;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.failure.ExitStatus;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Supplier;
import org.apache.spark.sql.SparkSession;

/** For tests that run jobs as the command line does, in this process, and read what they say. */
abstract class CommandLine {
  static final Supplier<SparkSession> NO_SESSION =
      () -> {
        throw new AssertionError("a session was opened");
      };
  static final Supplier<SparkSession> LOCAL =
      () ->
          SparkSession.builder()
              .master("local[1]")
              .config("spark.ui.enabled", false)
              .config("spark.sql.shuffle.partitions", 1)
              .config("spark.driver.bindAddress", "127.0.0.1")
              .config("spark.driver.host", "127.0.0.1")
              .getOrCreate();

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  final ExitStatus execute(Job<?, ?> job, Supplier<SparkSession> session, String... args) {
    return JobMain.execute(job, args, print(out), print(err), session).status();
  }

  private static PrintStream print(ByteArrayOutputStream stream) {
    return new PrintStream(stream, true, StandardCharsets.UTF_8);
  }

  /** Everything on standard output. */
  final String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  /** Everything on standard error. */
  final String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  /** The report, or the failure, on standard output. */
  final JsonNode lastLine() throws Exception {
    List<String> lines = out().lines().toList();
    return new ObjectMapper().readTree(lines.get(lines.size() - 1));
  }
}
