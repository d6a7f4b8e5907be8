package io.sluice.benchmarks.training;

import io.sluice.benchmarks.Report;
import io.sluice.benchmarks.Scratch;
import io.sluice.benchmarks.recurrent.SharedMasterBenchmark;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * How many times as fast as dl4j-spark's trainers does gradient sharing train the same network?
 *
 * <pre>lib/benchmarks/run.sh sharing-peers [--record] [rounds, 3]</pre>
 *
 * <p>Against {@code ParameterAveragingTrainingMaster}, which averages after every step as gradient
 * sharing does ({@code strategy = parameter-averaging, averaging-frequency = 1}): the same cells,
 * dataset and batches, two executors of one core each, at two shapes. The small one shows what a
 * step costs that computes little.
 *
 * <p>Against {@code SharedTrainingMaster} in {@code local[2]}, the one place where it trains: the
 * same cells and batch, two ranks that are threads of one process on both sides. It has its batches
 * in memory; ours reads its dataset. Of its epochs the fastest counts.
 */
public final class PeersBenchmark {
  /** First epoch that counts. */
  private static final int FROM = 2;

  private static final int MASTER_LIMIT_SECONDS = 240;

  private final Scratch scratch;
  private final Map<String, Rates> rates = new LinkedHashMap<>();
  private int runs;

  private PeersBenchmark(Scratch scratch) {
    this.scratch = scratch;
  }

  public static void main(String[] args) throws Exception {
    int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 3;
    try (var scratch = new Scratch()) {
      new PeersBenchmark(scratch).run(rounds);
    }
  }

  private void run(int rounds) throws Exception {
    WideDataset wide = WideDataset.write(scratch.path(""), "wide", 100, 100, 128, 20 * 128);
    WideDataset narrow = WideDataset.write(scratch.path(""), "narrow", 50, 16, 64, 60 * 64);
    for (int round = 1; round <= rounds; round++) {
      add("sharing", train(wide, 128, 4).executors(2));
      add("averaging", averaging(train(wide, 128, 3)).executors(2));
      add("small sharing", train(narrow, 64, 8).executors(2));
      add("small averaging", averaging(train(narrow, 64, 3)).executors(2));
      add("sharing in local[2]", train(wide, 128, 4).slots(2));
      rates.computeIfAbsent("SharedTrainingMaster in local[2]", n -> new Rates()).add(master());
      for (Map.Entry<String, Rates> each : rates.entrySet()) {
        System.out.printf(
            "round %d: %-33s %.1f windows/s%n",
            round, each.getKey(), each.getValue().byRound().get(round - 1));
      }
    }
    report(rounds);
  }

  private void add(String name, TrainProcess process) throws Exception {
    rates.computeIfAbsent(name, n -> new Rates()).add(process.run().requireLearned(name), FROM);
  }

  private TrainProcess train(WideDataset dataset, int batch, int epochs) {
    Path folder = scratch.path("run-" + runs++);
    return new TrainProcess(dataset.config(), folder)
        .set("train.strategy", "gradient-sharing")
        .set("train.epochs", epochs)
        .set("train.batch-size", batch);
  }

  private static TrainProcess averaging(TrainProcess process) {
    return process.set("train.strategy", "parameter-averaging").set("train.averaging-frequency", 1);
  }

  /** Of its fastest epoch; it may hang, and gives up then. */
  private static double master() throws IOException, InterruptedException {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(argument -> !argument.startsWith("-Dsluice.benchmarks.record"))
        .forEach(command::add);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(SharedMasterBenchmark.class.getName());
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String best = "windows/s, best: ";
    double rate = 0;
    try (var out = process.inputReader(StandardCharsets.UTF_8)) {
      rate =
          out.lines()
              .filter(line -> line.startsWith(best))
              .mapToDouble(line -> Double.parseDouble(line.substring(best.length())))
              .sum();
    } finally {
      if (!process.waitFor(MASTER_LIMIT_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    }
    if (rate <= 0) {
      throw new IllegalStateException(
          "SharedTrainingMaster did not finish a second epoch, so there is nothing to compare");
    }
    return rate;
  }

  private void report(int rounds) throws IOException {
    var report =
        new Report(
                "sharing-peers",
                "How many times as fast as dl4j-spark's trainers does gradient sharing train?")
            .put("shape", "B, T, I, H, layers = 64 a rank, 100, 100, 128, 2")
            .put("small shape", "B, T, I, H, layers = 32 a rank, 50, 16, 64, 2")
            .put("rounds", rounds);
    rates.forEach((name, r) -> report.put(name, r.toJson()));
    double averaging = rates.get("sharing").over(rates.get("averaging"));
    double small = rates.get("small sharing").over(rates.get("small averaging"));
    double master =
        rates.get("sharing in local[2]").over(rates.get("SharedTrainingMaster in local[2]"));
    report
        .require("to averaging every step", averaging, ">= 5", averaging >= 5)
        .require("to averaging every step, small shape", small, ">= 5", small >= 5)
        .require("to SharedTrainingMaster in local[2]", master, ">= 3", master >= 3)
        .finish();
  }
}
