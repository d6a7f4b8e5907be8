package io.sluice.training;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.failure.OperationFailedException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * {@code metrics.jsonl}: one JSON object a line, for every few steps and for every epoch.
 *
 * <p>Lines are held back and the whole file is written anew, under another name and renamed, at the
 * end of each epoch: object stores cannot append, and a file that ends with its last checkpoint is
 * what a resumed run continues. A run of many epochs has some thousand lines.
 */
final class MetricsFile {
  private static final ObjectMapper JSON =
      new ObjectMapper().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

  private final Path path;
  private final FileSystem files;
  private final List<String> lines = new ArrayList<>();

  /**
   * @param epoch from 1
   * @param step over all epochs, from 1
   * @param loss of the step, or mean over the epoch's steps in an epoch's line
   * @param validationLoss in an epoch's line only
   * @param gradientNorm before clipping; absent where a strategy does not know it
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record Line(
      int epoch,
      long step,
      double loss,
      Double validationLoss,
      Double gradientNorm,
      double learningRate,
      double windowsPerSecond,
      double elapsedSeconds) {}

  private MetricsFile(Path path, FileSystem files) {
    this.path = path;
    this.files = files;
  }

  /**
   * Opens the file for a run that has finished {@code step} steps; what another attempt wrote of
   * later steps is dropped.
   */
  static MetricsFile open(String uri, long step, Configuration hadoop) {
    var path = new Path(uri);
    try {
      var metrics = new MetricsFile(path, path.getFileSystem(hadoop));
      if (step > 0) {
        metrics.readUpTo(step);
      }
      return metrics;
    } catch (IOException e) {
      throw new OperationFailedException(
          "Cannot read metrics %s: %s. Set train.metrics-path to a file this run may read and write."
              .formatted(uri, e.getMessage()),
          e);
    }
  }

  private void readUpTo(long step) throws IOException {
    try (FSDataInputStream in = files.open(path)) {
      for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
        if (!line.isBlank() && JSON.readValue(line, Line.class).step() <= step) {
          lines.add(line);
        }
      }
    } catch (FileNotFoundException e) {
      lines.clear();
    }
  }

  void add(Line line) {
    try {
      lines.add(JSON.writeValueAsString(line));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a record of numbers is JSON", e);
    }
  }

  /** Writes all lines so far. */
  void write() {
    Path staging = path.suffix(".staging");
    try {
      try (FSDataOutputStream out = files.create(staging, true)) {
        out.write((String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8));
      }
      files.delete(path, false);
      if (!files.rename(staging, path)) {
        throw new IOException("the file system refused to rename " + staging.getName());
      }
    } catch (IOException e) {
      throw new OperationFailedException(
          "Cannot write metrics %s: %s. Free space, or set train.metrics-path to a file this run may write."
              .formatted(path, e.getMessage()),
          e);
    }
  }

  String uri() {
    return files.makeQualified(path).toString();
  }
}
