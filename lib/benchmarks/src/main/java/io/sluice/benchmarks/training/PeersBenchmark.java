package io.sluice.benchmarks.training;

import io.sluice.benchmarks.Report;
import io.sluice.benchmarks.Scratch;
import io.sluice.benchmarks.recurrent.MasterBenchmark;
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
 * <p>Against {@code ParameterAveragingTrainingMaster} that averages after every step, as gradient
 * sharing does, and against {@code SharedTrainingMaster}, the latter where it trains: in {@code
 * local[2]}, with the same cells and batch, two ranks that are threads of one process on both
 * sides. They have their batches in memory or on disk, ready made ({@link
 * io.sluice.benchmarks.recurrent.MasterBenchmark}); ours reads its dataset. Of a master's epochs
 * the fastest counts.
 *
 * <p>Also against {@code strategy = parameter-averaging, averaging-frequency = 1}, in two executors
 * of one core: that master as this project drives it, on the same dataset.
 *
 * <p>The small shape shows what a step costs that computes little. At the large one the same cells
 * compute on both sides for most of a step, which bounds the ratio: a master that reached 420
 * windows/s where the machine computes 1,190 ({@code scaling}: two runs apart) leaves 2.8.
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
      add("SharedTrainingMaster in local[2]", master("shared", 2));
      add("ParameterAveragingTrainingMaster in local[2]", master("averaging", 2));
      add("small sharing in local[2]", train(narrow, 64, 8).slots(2));
      add("small ParameterAveragingTrainingMaster in local[2]", master("averaging", 1));
      for (Map.Entry<String, Rates> each : rates.entrySet()) {
        System.out.printf(
            "round %d: %-50s %.1f windows/s%n",
            round, each.getKey(), each.getValue().byRound().get(round - 1));
      }
    }
    report(rounds);
  }

  private void add(String name, TrainProcess process) throws Exception {
    rates.computeIfAbsent(name, n -> new Rates()).add(process.run().requireLearned(name), FROM);
  }

  private void add(String name, double windowsPerSecond) {
    rates.computeIfAbsent(name, n -> new Rates()).add(windowsPerSecond);
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
  private static double master(String name, int shape) throws IOException, InterruptedException {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(argument -> !argument.startsWith("-Dsluice.benchmarks.record"))
        .forEach(command::add);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(MasterBenchmark.class.getName(), name, "ours", Integer.toString(shape)));
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
          "The %s master did not finish a second epoch, so there is nothing to compare"
              .formatted(name));
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
    String local = " in local[2]";
    double averaging = ratio("sharing" + local, "ParameterAveragingTrainingMaster" + local);
    double small = ratio("small sharing" + local, "small ParameterAveragingTrainingMaster" + local);
    double master = ratio("sharing" + local, "SharedTrainingMaster" + local);
    report
        .require("to ParameterAveragingTrainingMaster", averaging, ">= 5", averaging >= 5)
        .require("to ParameterAveragingTrainingMaster, small shape", small, ">= 5", small >= 5)
        .require("to SharedTrainingMaster", master, ">= 3", master >= 3)
        .put(
            "to strategy = parameter-averaging in two executors",
            Report.rounded(ratio("sharing", "averaging")))
        .put(
            "to strategy = parameter-averaging in two executors, small shape",
            Report.rounded(ratio("small sharing", "small averaging")))
        .finish();
  }

  private double ratio(String ours, String theirs) {
    return rates.get(ours).over(rates.get(theirs));
  }
}
