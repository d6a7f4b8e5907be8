package io.sluice.jobs;

import io.sluice.config.Provenance;
import io.sluice.failure.ExitStatus;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.util.function.Supplier;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine;

/**
 * The way through every job: parse the command line, read the settings, log them and the commit
 * once, open the session, run, print the report as the last line on standard output.
 *
 * <p>Settings are read before a session exists, so a mistake in them costs a second and no cluster.
 *
 * <p><b>How a job ends.</b> The process exits with an {@link ExitStatus}. In YARN's and the
 * standalone master's cluster mode the driver has no shell that could see a status, and the cluster
 * manager shows the exception that left {@code main}: there a failure is thrown instead. In client
 * mode, {@code local} and Kubernetes (whose driver pod runs in client mode) {@code System.exit}
 * sets the status of {@code spark-submit}; it also ends what threads a native library may have
 * left.
 */
final class JobMain {
  private JobMain() {}

  /** Runs the job and ends the process. */
  static <S, R> void run(Job<S, R> job, String[] args) {
    Result result = execute(job, args, System.out, System.err, SparkSession.builder()::getOrCreate);
    if (result.status() != ExitStatus.DONE && isClusterMode()) {
      throw new JobFailedException(job.name(), result.status(), result.failure());
    }
    System.out.flush();
    System.err.flush();
    System.exit(result.status().code());
  }

  /**
   * How a run ended.
   *
   * @param failure null where the job was done, or was not run for bad usage
   */
  record Result(ExitStatus status, Throwable failure) {}

  /** Runs the job; the process goes on. */
  static <S, R> Result execute(
      Job<S, R> job,
      String[] args,
      PrintStream out,
      PrintStream err,
      Supplier<SparkSession> session) {
    var command = new JobCommand();
    CommandLine line = Usage.commandLine(job, command);
    try {
      line.parseArgs(args);
    } catch (CommandLine.ParameterException e) {
      err.println(e.getMessage());
      CommandLine.UnmatchedArgumentException.printSuggestions(e, new PrintWriter(err, true));
      return misused(line, err);
    }
    if (line.isUsageHelpRequested()) {
      line.usage(out, CommandLine.Help.Ansi.OFF);
      return new Result(ExitStatus.DONE, null);
    }
    if (line.isVersionHelpRequested()) {
      out.println(Provenance.currentCodeVersion());
      return new Result(ExitStatus.DONE, null);
    }
    if (command.config == null) {
      err.println("Missing required option: --config FILE");
      return misused(line, err);
    }
    return new JobRun<>(job, command, out, err, session).toEnd();
  }

  private static Result misused(CommandLine line, PrintStream err) {
    err.printf("Try: %s --help%n", line.getCommandName());
    return new Result(ExitStatus.BAD_SETTINGS, null);
  }

  private static boolean isClusterMode() {
    return "cluster".equals(System.getProperty("spark.submit.deployMode"));
  }
}
