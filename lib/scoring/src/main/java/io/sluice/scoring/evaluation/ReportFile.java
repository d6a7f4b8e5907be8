package io.sluice.scoring.evaluation;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.sluice.failure.OperationFailedException;
import java.io.IOException;
import java.io.OutputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;

/** Writes {@code evaluation.json}: whole or not at all, replacing an older one. */
final class ReportFile {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  static String json(EvaluationReport report) {
    try {
      return JSON.writeValueAsString(report);
    } catch (IOException e) {
      throw new IllegalStateException("the report is not JSON", e);
    }
  }

  static void write(EvaluationReport report, String output, Configuration hadoop) {
    var target = new Path(output, EvaluationReport.FILE_NAME);
    var staged = new Path(output, "." + EvaluationReport.FILE_NAME + ".staged");
    try {
      FileSystem files = target.getFileSystem(hadoop);
      files.mkdirs(target.getParent());
      try (OutputStream out = files.create(staged, true)) {
        JSON.writeValue(out, report);
      }
      FileContext.getFileContext(files.makeQualified(target).toUri(), hadoop)
          .rename(
              files.makeQualified(staged), files.makeQualified(target), Options.Rename.OVERWRITE);
    } catch (IOException e) {
      throw new OperationFailedException(
          "Cannot write the evaluation to %s: %s. Check evaluate.output, free space and access to it."
              .formatted(target, e.getMessage()),
          e);
    }
  }

  private ReportFile() {}
}
