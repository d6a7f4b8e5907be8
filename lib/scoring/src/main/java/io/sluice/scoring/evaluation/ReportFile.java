package io.sluice.scoring.evaluation;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.sluice.failure.OperationFailedException;
import io.sluice.sequences.lake.Lake;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;

/**
 * A file of an evaluation, {@code evaluation.json} or what is made of it: written whole or not at
 * all, replacing an older one.
 */
public final class ReportFile {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  /** What is in it. */
  @FunctionalInterface
  public interface Content {
    void writeTo(Writer writer) throws IOException;
  }

  static String json(EvaluationReport report) {
    try {
      return JSON.writeValueAsString(report);
    } catch (IOException e) {
      throw new IllegalStateException("the report is not JSON", e);
    }
  }

  static void write(EvaluationReport report, String output, Configuration hadoop) {
    var file = new Path(output, EvaluationReport.FILE_NAME);
    replace(file, hadoop, writer -> JSON.writeValue(writer, report));
  }

  /**
   * Writes a file aside, then puts it in the place of an older one, which stays if anything fails.
   *
   * @throws OperationFailedException if it cannot be written
   */
  public static void replace(Path file, Configuration hadoop, Content content) {
    var staged = new Path(file.getParent(), "." + file.getName() + ".staged");
    try {
      FileSystem files = file.getFileSystem(hadoop);
      files.mkdirs(file.getParent());
      try {
        write(Lake.create(files, staged, true), content);
        FileContext.getFileContext(files.makeQualified(file).toUri(), hadoop)
            .rename(
                files.makeQualified(staged), files.makeQualified(file), Options.Rename.OVERWRITE);
      } catch (IOException | RuntimeException e) {
        delete(files, staged, e);
        throw e;
      }
    } catch (IOException e) {
      throw new OperationFailedException(
          "Cannot write the evaluation to %s: %s. Check evaluate.output, free space and access to it."
              .formatted(file, e.getMessage()),
          e);
    }
  }

  private static void write(OutputStream out, Content content) throws IOException {
    try (var writer = new BufferedWriter(new OutputStreamWriter(out, StandardCharsets.UTF_8))) {
      content.writeTo(writer);
    }
  }

  private static void delete(FileSystem files, Path staged, Exception failure) {
    try {
      files.delete(staged, false);
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  private ReportFile() {}
}
