package io.sluice.benchmarks.training;

import io.sluice.benchmarks.Report;
import io.sluice.benchmarks.Scratch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.DoubleStream;

/**
 * Do two ranks reach the validation loss of one process in the same number of epochs?
 *
 * <pre>SLUICE_DATA=FOLDER lib/benchmarks/run.sh convergence [--record] [folder]</pre>
 *
 * <p>ETTh1 by {@code conf/etth1-24h.conf}, as it is: one process, two ranks in two executors, and
 * two ranks whose gradients travel as bf16, or encoded by the threshold. Nothing is timed. Given a
 * folder, it keeps dataset and runs there, and takes those that it finds.
 */
public final class ConvergenceBenchmark {
  /** Equal runs on other machines differ by more than this in the last epochs' third digit. */
  private static final double WITHIN = 1.01;

  /** What threshold encoding may cost. */
  private static final double THRESHOLD_WITHIN = 1.02;

  private ConvergenceBenchmark() {}

  public static void main(String[] args) throws Exception {
    String data = System.getenv("SLUICE_DATA");
    if (data == null) {
      System.err.println("Set SLUICE_DATA to the folder that holds ett/ETTh1.csv.");
      System.exit(2);
    }
    Path config = JobScript.config("etth1-24h");
    try (var scratch = new Scratch()) {
      Path folder = args.length > 0 ? Path.of(args[0]) : scratch.path("");
      Path lake = folder.resolve("lake");
      if (!Files.exists(lake)) {
        new JobScript("build-sequences", "etth1-24h").set("lake.root", lake).run();
      }
      var runs = new LinkedHashMap<String, TrainRun>();
      add(runs, "one process", train(config, lake, folder, "one", data).local(1));
      add(runs, "two ranks", sharing(train(config, lake, folder, "two", data)));
      add(
          runs,
          "bf16",
          sharing(train(config, lake, folder, "bf16", data))
              .set("train.gradient-sharing.wire", "bf16"));
      add(
          runs,
          "threshold",
          sharing(train(config, lake, folder, "threshold", data))
              .set("train.gradient-sharing.wire", "threshold"));
      report(runs);
    }
  }

  private static void add(Map<String, TrainRun> runs, String name, TrainProcess process)
      throws IOException, InterruptedException {
    runs.put(name, process.runOnce());
    System.out.println(name + ": " + Arrays.toString(runs.get(name).validationLosses()));
  }

  private static TrainProcess sharing(TrainProcess process) {
    return process.set("train.strategy", "gradient-sharing").executors(2);
  }

  private static TrainProcess train(Path config, Path lake, Path folder, String name, String data) {
    return new TrainProcess(config, folder.resolve(name))
        .set("lake.root", "\"" + lake + "\"")
        .env("SLUICE_DATA", data);
  }

  private static void report(Map<String, TrainRun> runs) throws IOException {
    var report =
        new Report(
                "convergence",
                "Do two ranks reach the validation loss of one process in the same number of epochs?")
            .put("experiment", "conf/etth1-24h.conf");
    runs.forEach((name, run) -> report.put(name, json(run)));
    require(report, runs, "two ranks", WITHIN);
    require(report, runs, "bf16", WITHIN);
    require(report, runs, "threshold", THRESHOLD_WITHIN);
    double bytes = (double) runs.get("threshold").bytesSent() / runs.get("two ranks").bytesSent();
    report.put("bytes of threshold over those of two ranks", Report.rounded(bytes)).finish();
  }

  private static void require(
      Report report, Map<String, TrainRun> runs, String name, double within) {
    double ratio =
        best(runs.get(name).validationLosses()) / best(runs.get("one process").validationLosses());
    report.require(
        "best of %s over best of one process".formatted(name),
        ratio,
        "<= %s".formatted(within),
        ratio <= within);
  }

  private static Map<String, Object> json(TrainRun run) {
    var json = new LinkedHashMap<String, Object>();
    double[] losses = run.validationLosses();
    json.put("validation loss by epoch", DoubleStream.of(losses).boxed().toList());
    json.put("epoch of the best", epochOfBest(losses));
    json.put("bytes sent in the last epoch", run.bytesSent());
    return json;
  }

  private static double best(double[] losses) {
    return DoubleStream.of(losses).min().orElseThrow();
  }

  private static int epochOfBest(double[] losses) {
    int best = 0;
    for (int epoch = 1; epoch < losses.length; epoch++) {
      best = losses[epoch] < losses[best] ? epoch : best;
    }
    return best + 1;
  }
}
