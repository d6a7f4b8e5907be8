package io.sluice.benchmarks.training;

import io.sluice.recurrent.pipeline.Schedule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How a run has cut its network and its batches, as its log says.
 *
 * @param lines of the log
 * @param microBatches M
 * @param chunks K
 */
record PlannedPipeline(List<String> lines, int microBatches, int chunks) {
  private static final Pattern UNITS =
      Pattern.compile(
          "units? a step: (\\d+) micro-batch\\S* of up to \\d+ windows? × (?:(\\d+) time chunks|the whole)");

  /** Share of a unit's way there and back that is forward. */
  private static final double FORWARD = 1 / 3.0;

  static PlannedPipeline of(Path run) throws IOException {
    List<String> log = Files.readAllLines(run.resolve("err"));
    for (int end = 0; end < log.size(); end++) {
      Matcher units = UNITS.matcher(log.get(end));
      if (units.find()) {
        int begin = end;
        while (!log.get(begin).startsWith("stage")) {
          begin--;
        }
        return new PlannedPipeline(
            List.copyOf(log.subList(begin, end + 1)),
            Integer.parseInt(units.group(1)),
            units.group(2) == null ? 1 : Integer.parseInt(units.group(2)));
      }
    }
    throw new IllegalStateException("The log in %s has no plan of a pipeline".formatted(run));
  }

  /** U. */
  int units() {
    return microBatches * chunks;
  }

  /** Share of a step in which P equal stages compute: U/(U + P − 1). */
  double shareOfEqual(int stages) {
    return units() / (units() + stages - 1.0);
  }

  /**
   * Seconds of a step whose stages wait for each other and for nothing else.
   *
   * @param busySeconds of each stage in a step, spread evenly over its units
   */
  double stepSeconds(List<Double> busySeconds) {
    return new Schedule(busySeconds.size(), microBatches, chunks)
        .timing(
            (stage, isForward, microBatch, chunk) ->
                busySeconds.get(stage) / units() * (isForward ? FORWARD : 1 - FORWARD),
            0)
        .stepSeconds();
  }
}
