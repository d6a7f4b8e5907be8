package io.sluice.benchmarks.training;

import io.sluice.benchmarks.Report;
import io.sluice.benchmarks.Scratch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.DoubleStream;

/**
 * Do two ranks reach the validation loss of one process in the same number of epochs?
 *
 * <pre>SLUICE_DATA=FOLDER lib/benchmarks/run.sh convergence [--record] [folder]</pre>
 *
 * <p>ETTh1 by {@code conf/etth1-24h.conf}, as it is: one process, two ranks in two executors, and
 * two ranks whose gradients travel as bf16. Nothing is timed. Given a folder, it keeps dataset and
 * runs there, and takes those that it finds.
 */
public final class ConvergenceBenchmark {
  /** Equal runs on other machines differ by more than this in the last epochs' third digit. */
  private static final double WITHIN = 1.01;

  private ConvergenceBenchmark() {}

  public static void main(String[] args) throws Exception {
    String data = System.getenv("SLUICE_DATA");
    if (data == null) {
      System.err.println("Set SLUICE_DATA to the folder that holds ett/ETTh1.csv.");
      System.exit(2);
    }
    Path root = Path.of(System.getProperty("sluice.benchmarks.scripts")).resolveSibling("conf");
    Path config = root.resolve("etth1-24h.conf");
    try (var scratch = new Scratch()) {
      Path folder = args.length > 0 ? Path.of(args[0]) : scratch.path("");
      Path lake = folder.resolve("lake");
      if (!Files.exists(lake)) {
        build(config, lake, data);
      }
      double[] one = losses(train(config, lake, folder, "one", data).local(1));
      double[] two = losses(sharing(train(config, lake, folder, "two", data)));
      double[] bf16 =
          losses(
              sharing(train(config, lake, folder, "bf16", data))
                  .set("train.gradient-sharing.wire", "bf16"));
      report(one, two, bf16);
    }
  }

  private static TrainProcess sharing(TrainProcess process) {
    return process.set("train.strategy", "gradient-sharing").executors(2);
  }

  private static void build(Path config, Path lake, String data)
      throws IOException, InterruptedException {
    String script =
        Path.of(System.getProperty("sluice.benchmarks.scripts"), "build-sequences.sh").toString();
    var builder =
        new ProcessBuilder(
                script, "--config", config.toString(), "--set", "lake.root=\"" + lake + "\"")
            .inheritIO();
    builder.environment().put("SLUICE_DATA", data);
    builder.environment().put("SLUICE_NO_REBUILD", "1");
    if (builder.start().waitFor() != 0) {
      throw new IllegalStateException("The sequence dataset could not be built");
    }
  }

  private static TrainProcess train(Path config, Path lake, Path folder, String name, String data) {
    return new TrainProcess(config, folder.resolve(name))
        .set("lake.root", "\"" + lake + "\"")
        .env("SLUICE_DATA", data);
  }

  private static double[] losses(TrainProcess process) throws Exception {
    double[] losses = process.runOnce().validationLosses();
    System.out.println(Arrays.toString(losses));
    return losses;
  }

  private static void report(double[] one, double[] two, double[] bf16) throws IOException {
    double ratio = best(two) / best(one);
    double rounded = best(bf16) / best(one);
    new Report(
            "convergence",
            "Do two ranks reach the validation loss of one process in the same number of epochs?")
        .put("experiment", "conf/etth1-24h.conf")
        .put("one process, validation loss by epoch", DoubleStream.of(one).boxed().toList())
        .put("two ranks, validation loss by epoch", DoubleStream.of(two).boxed().toList())
        .put(
            "two ranks with bf16 on the wire, validation loss by epoch",
            DoubleStream.of(bf16).boxed().toList())
        .put("epoch of the best, one process", epochOfBest(one))
        .put("epoch of the best, two ranks", epochOfBest(two))
        .require("best of two ranks over best of one process", ratio, "<= 1.01", ratio <= WITHIN)
        .require("the same with bf16 on the wire", rounded, "<= 1.01", rounded <= WITHIN)
        .finish();
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
