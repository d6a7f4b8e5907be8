package io.sluice.training;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.sequences.lake.Lake;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code metrics.jsonl}: one JSON object a line, for every few steps and for every epoch, as {@code
 * data-schemas/metrics.v2.json} describes it.
 *
 * <p>Lines are held back and the whole file is written anew, under another name and renamed, at the
 * end of each epoch and with each checkpoint: object stores cannot append, and a file that ends
 * with its last checkpoint is what a resumed run continues. A run of many epochs has some thousand
 * lines.
 */
final class MetricsFile {
  private static final Logger LOG = LoggerFactory.getLogger(MetricsFile.class);
  private static final ObjectMapper JSON =
      new ObjectMapper().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

  private final String uri;
  private final Lake lake;
  private final List<String> lines = new ArrayList<>();
  private boolean isWritten = true;

  /**
   * @param epoch from 1
   * @param step over all epochs, from 1
   * @param loss of the step, or mean over the epoch's steps in an epoch's line
   * @param validationLoss in an epoch's line only
   * @param gradientNorm before clipping, in a step's line; of averaged workers the mean of theirs
   * @param computeShare of the epoch's time so far, of the process that tells
   * @param allReduceShare the same, waiting for other ranks
   * @param readShare the same, waiting for windows
   * @param bytesSent by that process to other ranks, in this epoch so far
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
      double elapsedSeconds,
      double computeShare,
      double allReduceShare,
      double readShare,
      long bytesSent) {
    boolean isUpTo(long lastStep) {
      return step <= lastStep;
    }
  }

  private MetricsFile(String uri, Lake lake) {
    this.uri = uri;
    this.lake = lake;
  }

  /**
   * Opens the file for a run that has finished {@code step} steps; what another attempt wrote of
   * later steps is dropped, and so is a line that cannot be read.
   */
  static MetricsFile open(String uri, long step, Configuration hadoop) {
    var metrics = new MetricsFile(uri, Lake.of(hadoop));
    if (step > 0 && metrics.lake.exists(uri)) {
      metrics.lake.readText(uri, "metrics").lines().forEach(line -> metrics.keepUpTo(step, line));
    }
    return metrics;
  }

  private void keepUpTo(long step, String line) {
    try {
      if (JSON.readValue(line, Line.class).isUpTo(step)) {
        lines.add(line);
      }
    } catch (JsonProcessingException e) {
      LOG.warn("Dropping a line of {} that is not metrics: {}", uri, line);
    }
  }

  /** Forgets what was added of later steps. */
  void dropAfter(long step) {
    List<String> all = List.copyOf(lines);
    lines.clear();
    all.forEach(line -> keepUpTo(step, line));
  }

  void add(Line line) {
    try {
      lines.add(JSON.writeValueAsString(line));
      isWritten = false;
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a record of numbers is JSON", e);
    }
  }

  /** Writes all lines so far, if some are new. */
  void write() {
    if (!isWritten) {
      lake.writeTextAtomically(uri, String.join("\n", lines) + "\n");
      isWritten = true;
    }
  }
}
