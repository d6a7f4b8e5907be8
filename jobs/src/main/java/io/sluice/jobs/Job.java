package io.sluice.jobs;

import io.sluice.config.ConfigReader;
import io.sluice.config.Provenance;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.spark.sql.SparkSession;

/**
 * What sets one job apart from the others; {@link JobMain} does the rest.
 *
 * @param name as in the script's name and the log
 * @param purpose what it does, a paragraph for {@code --help}
 * @param sections settings it reads, top-level names of {@code reference.conf}
 * @param examples command lines for {@code --help}, without the path of the script
 * @param reader reads the settings, remembering every problem
 * @param body does the work
 * @param verdict throws after the report is printed if the result must not be used
 * @param outlook what a run would be, for a person, told after its settings where only they are to
 *     be shown; empty if that says it all
 * @param <S> its settings
 * @param <R> its report, which becomes JSON
 */
record Job<S, R>(
    String name,
    String purpose,
    List<String> sections,
    List<String> examples,
    Function<ConfigReader, S> reader,
    Body<S, R> body,
    Consumer<R> verdict,
    Function<S, String> outlook) {

  /** A job that its settings explain. */
  Job(
      String name,
      String purpose,
      List<String> sections,
      List<String> examples,
      Function<ConfigReader, S> reader,
      Body<S, R> body,
      Consumer<R> verdict) {
    this(name, purpose, sections, examples, reader, body, verdict, settings -> "");
  }

  /** The work: a call into the library, which returns a report. */
  @FunctionalInterface
  interface Body<S, R> {
    R run(SparkSession spark, S settings, Provenance provenance) throws Exception;
  }
}
