package io.sluice.jobs;

import io.sluice.config.Provenance;
import io.sluice.config.Settings;
import io.sluice.failure.ExitStatus;
import io.sluice.failure.UserFailure;
import io.sluice.jobs.JobMain.Result;
import java.io.PrintStream;
import java.util.function.Supplier;
import org.apache.commons.lang3.exception.ExceptionUtils;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One run of a job, from its settings to its last line. */
final class JobRun<S, R> {
  private static final Logger LOG = LoggerFactory.getLogger(JobRun.class);

  private final Job<S, R> job;
  private final JobCommand command;
  private final PrintStream out;
  private final PrintStream err;
  private final Supplier<SparkSession> session;
  private final long startedNanos = System.nanoTime();

  JobRun(
      Job<S, R> job,
      JobCommand command,
      PrintStream out,
      PrintStream err,
      Supplier<SparkSession> session) {
    this.job = job;
    this.command = command;
    this.out = out;
    this.err = err;
    this.session = session;
  }

  Result toEnd() {
    Provenance provenance = null;
    try {
      Settings settings = Settings.load(command.config, command.overrides);
      if (command.explain) {
        out.print(settings.explain(job.sections()));
        String outlook = job.outlook().apply(settings.read(job.reader()::apply));
        out.print(outlook.isEmpty() ? "" : "%n%s%n".formatted(outlook));
        return new Result(ExitStatus.DONE, null);
      }
      provenance = Provenance.start(settings);
      R report = run(settings, provenance);
      return judge(provenance, report);
    } catch (Throwable failure) {
      // the one place where every failure ends, an OutOfMemoryError or a missing native among them
      return fail(provenance, failure);
    }
  }

  private R run(Settings settings, Provenance provenance) throws Exception {
    S own = settings.read(job.reader()::apply);
    LOG.info(
        "{} | run {} | code {} | settings {}",
        job.name(),
        provenance.runId(),
        provenance.codeVersion(),
        settings.source());
    LOG.info(
        "{} | settings that differ from their defaults (--print-config shows all):\n{}",
        job.name(),
        settings.explainSet(job.sections()));
    try (SparkSession spark = session.get()) {
      spark
          .sparkContext()
          .setJobGroup(job.name(), "%s %s".formatted(job.name(), provenance.runId()), false);
      return job.body().run(spark, own, provenance);
    }
  }

  private Result judge(Provenance provenance, R report) {
    try {
      job.verdict().accept(report);
    } catch (UserFailure refused) {
      out.println(line(provenance, refused.exitStatus()).report(report).failure(refused).json());
      show(refused);
      return new Result(refused.exitStatus(), refused);
    }
    out.println(line(provenance, ExitStatus.DONE).report(report).json());
    return new Result(ExitStatus.DONE, null);
  }

  private Result fail(Provenance provenance, Throwable failure) {
    // a task's failure arrives wrapped in Spark's own: what the user should read is further down
    UserFailure known = ExceptionUtils.throwableOfType(failure, UserFailure.class);
    known = known == null ? OutOfMemory.in(failure) : known;
    ExitStatus status = known == null ? ExitStatus.FAILED : known.exitStatus();
    if (known == null) {
      err.printf("%s failed: %s%n", job.name(), failure);
      failure.printStackTrace(err);
    } else {
      show(known);
    }
    out.println(line(provenance, status).failure(known == null ? failure : known).json());
    return new Result(status, known == null ? failure : known);
  }

  private void show(UserFailure failure) {
    err.println(failure.getMessage());
    LOG.debug("{} failed", job.name(), failure);
  }

  private LastLine line(Provenance provenance, ExitStatus status) {
    double seconds = (System.nanoTime() - startedNanos) / 1e9;
    return new LastLine(job.name(), status, provenance, seconds);
  }
}
