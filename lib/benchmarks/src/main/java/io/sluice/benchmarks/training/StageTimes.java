package io.sluice.benchmarks.training;

import io.sluice.benchmarks.Report;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Where a step's time goes on one rank: what its executor tells Spark's CSV sink of {@code
 * sluice.rank-N}.
 *
 * @param compute seconds of a step, forward, backward and update
 * @param waiting for other ranks
 * @param reading windows, and encoding them
 */
record StageTimes(double compute, double waiting, double reading) {
  /** Beside a run's folder, which must not be there before the run. */
  private static Path folder(Path run) {
    return run.resolveSibling(run.getFileName() + "-executor-metrics");
  }

  /** Settings of Spark by which a run's executors write their metrics. */
  static String sparkSettings(Path run) throws IOException {
    Path folder = Files.createDirectories(folder(run));
    String sink = "spark.metrics.conf.executor.sink.csv.";
    return String.join(
        " ",
        sink + "class=org.apache.spark.metrics.sink.CsvSink",
        sink + "period=2",
        sink + "unit=seconds",
        sink + "directory=" + folder);
  }

  /**
   * Of a rank, over its steps after the first so many.
   *
   * @param run folder of a run that is over
   */
  static StageTimes of(Path run, int rank, int afterSteps) throws IOException {
    TreeMap<Long, Double> steps = numbers(run, rank, "steps");
    long from = Long.MAX_VALUE;
    for (Map.Entry<Long, Double> each : steps.entrySet()) {
      if (each.getValue() >= afterSteps) {
        from = each.getKey();
        break;
      }
    }
    if (from >= steps.lastKey()) {
      throw new IllegalStateException(
          "Rank %d in %s has told of no steps after the first %d".formatted(rank, run, afterSteps));
    }
    double count = steps.lastEntry().getValue() - steps.get(from);
    return new StageTimes(
        grown(run, rank, "computeSeconds", from, steps.lastKey()) / count,
        grown(run, rank, "allReduceSeconds", from, steps.lastKey()) / count,
        grown(run, rank, "readSeconds", from, steps.lastKey()) / count);
  }

  private static double grown(Path run, int rank, String metric, long from, long to)
      throws IOException {
    TreeMap<Long, Double> numbers = numbers(run, rank, metric);
    return numbers.floorEntry(to).getValue() - numbers.floorEntry(from).getValue();
  }

  /** By the second in which they were told. */
  private static TreeMap<Long, Double> numbers(Path run, int rank, String metric)
      throws IOException {
    String name = ".sluice.rank-%d.%s.csv".formatted(rank, metric);
    List<Path> files;
    try (Stream<Path> all = Files.list(folder(run))) {
      files = all.filter(file -> file.toString().endsWith(name)).toList();
    }
    if (files.size() != 1) {
      throw new IllegalStateException(
          "%s has %d files *%s, and should have one".formatted(folder(run), files.size(), name));
    }
    var numbers = new TreeMap<Long, Double>();
    Files.readAllLines(files.get(0)).stream()
        .skip(1)
        .map(line -> line.split(",", -1))
        .forEach(cells -> numbers.put(Long.valueOf(cells[0]), Double.valueOf(cells[1])));
    return numbers;
  }

  Map<String, Object> toJson() {
    var json = new LinkedHashMap<String, Object>();
    json.put("computeSeconds", Report.rounded(compute));
    json.put("waitSeconds", Report.rounded(waiting));
    json.put("readSeconds", Report.rounded(reading));
    json.put("waitShare", Report.rounded(waiting / (compute + waiting + reading)));
    return json;
  }
}
