package io.sluice.benchmarks.training;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;

/**
 * What a run has left: its report and the lines of its {@code metrics.jsonl}.
 *
 * @param lines of steps and, with a validation loss, of epochs
 */
record TrainRun(JsonNode report, List<JsonNode> lines) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** What a run that ended well has left in its folder. */
  static TrainRun read(Path folder) throws IOException {
    List<String> out = Files.readAllLines(folder.resolve("out"));
    JsonNode report = JSON.readTree(out.get(out.size() - 1)).required("report");
    return new TrainRun(report, lines(folder.resolve("metrics.jsonl")));
  }

  /** Lines of a metrics file. */
  static List<JsonNode> lines(Path metrics) throws IOException {
    var lines = new ArrayList<JsonNode>();
    for (String line : Files.readAllLines(metrics)) {
      lines.add(JSON.readTree(line));
    }
    return lines;
  }

  /** Of training, validation included, over all attempts. */
  double seconds() {
    return lines.get(lines.size() - 1).get("elapsedSeconds").asDouble();
  }

  /** Lines of epochs from this one on, counted from 1. */
  private List<JsonNode> epochs(int from) {
    return lines.stream()
        .filter(line -> line.has("validationLoss") && line.get("epoch").asInt() >= from)
        .toList();
  }

  /** Of each epoch from this one on, counted from 1. */
  double[] windowsPerSecond(int from) {
    return numbers(epochs(from), "windowsPerSecond").toArray();
  }

  /** Mean over epochs from this one on. */
  double share(String field, int from) {
    return numbers(epochs(from), field).average().orElseThrow();
  }

  /** Of the last epoch, by the process that tells. */
  long bytesSent() {
    List<JsonNode> epochs = epochs(1);
    return epochs.get(epochs.size() - 1).get("bytesSent").asLong();
  }

  double[] validationLosses() {
    return numbers(epochs(1), "validationLoss").toArray();
  }

  /** Of each step; the run must have logged each. */
  double[] losses() {
    return numbers(steps(1), "loss").toArray();
  }

  /** Seconds of each step from the second of an epoch on, in epochs from this one on. */
  double[] stepSeconds(int fromEpoch) {
    var seconds = new ArrayList<Double>();
    JsonNode last = null;
    for (JsonNode line : steps(fromEpoch)) {
      if (last != null && last.get("epoch").asInt() == line.get("epoch").asInt()) {
        seconds.add(line.get("elapsedSeconds").asDouble() - last.get("elapsedSeconds").asDouble());
      }
      last = line;
    }
    return seconds.stream().mapToDouble(Double::doubleValue).toArray();
  }

  private List<JsonNode> steps(int fromEpoch) {
    return lines.stream()
        .filter(line -> !line.has("validationLoss") && line.get("epoch").asInt() >= fromEpoch)
        .toList();
  }

  private static DoubleStream numbers(List<JsonNode> lines, String field) {
    return lines.stream().mapToDouble(line -> line.get(field).asDouble());
  }

  /** Refuses a run whose losses are not numbers, or did not fall: its times mean nothing. */
  TrainRun requireLearned(String name) {
    double[] losses = losses();
    if (!DoubleStream.of(losses).allMatch(Double::isFinite)
        || losses[losses.length - 1] >= losses[0]) {
      throw new IllegalStateException(
          "%s has not learned: its first loss is %s, its last %s"
              .formatted(name, losses[0], losses[losses.length - 1]));
    }
    return this;
  }
}
