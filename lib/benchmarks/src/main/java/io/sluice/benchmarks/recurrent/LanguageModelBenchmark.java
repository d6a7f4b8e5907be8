package io.sluice.benchmarks.recurrent;

import io.sluice.benchmarks.Report;
import io.sluice.benchmarks.Turns;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Does the medium language model of the Penn Treebank train as fast as in libtorch?
 *
 * <pre>lib/benchmarks/run.sh language-model [--record] [--threads=1] [--precision=f32] [--help]
 * </pre>
 *
 * <p>An embedding of 10,000 words, two LSTMs of 650 units and a full softmax, B = 20, T = 35, as
 * {@link LanguageModel} says; 19.8 million parameters. The step is the trainers' own. Contestants
 * take turns, a block of steps each, in fresh processes start by start, as in {@link
 * RecurrentBenchmark}, whose sides and rules these are. Before they are timed, all must give each
 * word of a batch the same loss and have the same gradient of every parameter, to 1e-4 in f32 and
 * 2e-2 in bf16, and their steps must have lowered the loss.
 */
@Command(
    name = "run.sh language-model",
    sortOptions = false,
    usageHelpAutoWidth = false,
    usageHelpWidth = 100)
public final class LanguageModelBenchmark implements Callable<Integer> {
  private static final double ASKED = 1.2;

  /** The second thread of an OpenMP product goes on spinning for some 100 ms. */
  private static final Duration REST = Duration.ofMillis(200);

  @Option(
      names = "--threads",
      split = ",",
      paramLabel = "N",
      defaultValue = "1,2",
      description = "Threads of each side. Default: ${DEFAULT-VALUE}.")
  List<Integer> threads;

  @Option(
      names = "--precision",
      split = ",",
      paramLabel = "NAME",
      defaultValue = "f32,bf16",
      description = "Default: ${DEFAULT-VALUE}.")
  List<Precision> precisions;

  @Option(
      names = "--contestants",
      split = ",",
      paramLabel = "NAME",
      defaultValue = "sluice,libtorch,libtorch-keeping,libtorch-autocast",
      description = "Default: ${DEFAULT-VALUE}.")
  List<Side> sides;

  @Option(
      names = "--starts",
      defaultValue = "2",
      description = "Fresh processes of each contestant. Default: ${DEFAULT-VALUE}.")
  int starts;

  @Option(
      names = "--blocks",
      defaultValue = "4",
      description = "Turns of each contestant and start. Default: ${DEFAULT-VALUE}.")
  int blocks;

  @Option(
      names = "--steps",
      defaultValue = "3",
      description = "Steps of a turn. Default: ${DEFAULT-VALUE}.")
  int steps;

  @Option(
      names = "--warm-up-steps",
      defaultValue = "60",
      description =
          "Of each contestant before the turns: the JVM compiles beside its first ones, and takes a core from two threads. Default: ${DEFAULT-VALUE}.")
  int warmUpSteps;

  @Option(names = "--help", usageHelp = true, description = "Shows this and stops.")
  boolean help;

  public static void main(String[] args) {
    System.exit(
        new CommandLine(new LanguageModelBenchmark())
            .registerConverter(Precision.class, Precision::of)
            .registerConverter(Side.class, Side::of)
            .execute(args));
  }

  @Override
  public Integer call() throws Exception {
    var report =
        new Report(
            "language-model",
            "Does the medium language model of the Penn Treebank train as fast as in libtorch?");
    report.put(
        "effort",
        "%d starts, each %d blocks of %d steps after %d"
            .formatted(starts, blocks, steps, warmUpSteps));
    for (int count : threads) {
      for (Precision precision : precisions) {
        run(LanguageModel.medium(precision), count, report);
      }
    }
    report.finish();
    return 0;
  }

  private void run(LanguageModel model, int count, Report report) throws Exception {
    String title =
        "%s %s, %d thread%s"
            .formatted(model.sizes(), model.precision(), count, count == 1 ? "" : "s");
    Map<Side, List<Double>> seconds = new EnumMap<>(Side.class);
    var facts = new LinkedHashMap<String, Object>();
    for (int start = 1; start <= starts; start++) {
      System.out.printf("%n== %s, start %d of %d%n", title, start, starts);
      runOnce(model, count, seconds, facts);
    }
    seconds.forEach(
        (side, blocks) -> {
          var each = new Turns.Times("steps", 1, blocks);
          double words = model.tokens() / each.median();
          System.out.printf(
              Locale.ROOT,
              "%s: %,.0f words/s, %.1f ms a step (%.1f to %.1f), %.1f GFLOP/s%n",
              side,
              words,
              1e3 * each.median(),
              1e3 * each.fastest(),
              1e3 * each.slowest(),
              model.flops() / each.median() / 1e9);
          facts.put(side + "WordsPerSecond", Math.round(words));
          facts.put(side + "Milliseconds", Report.rounded(1e3 * each.median()));
          facts.put(side + "FastestMilliseconds", Report.rounded(1e3 * each.fastest()));
          facts.put(side + "SlowestMilliseconds", Report.rounded(1e3 * each.slowest()));
        });
    seconds.keySet().stream()
        .filter(Side::isLibtorch)
        .filter(peer -> seconds.containsKey(Side.SLUICE))
        .forEach(
            peer -> {
              Ratio ratio = Ratio.of(seconds.get(Side.SLUICE), seconds.get(peer));
              System.out.printf("sluice to %s %s%n", peer, ratio);
              facts.put("sluiceTo" + peer, ratio.toJson());
            });
    report.put(title, facts);
    if (seconds.containsKey(Side.SLUICE) && seconds.containsKey(Side.LIBTORCH)) {
      double ratio = Ratio.of(seconds.get(Side.SLUICE), seconds.get(Side.LIBTORCH)).median();
      report.require(title + ": to libtorch", ratio, "at least " + ASKED, ratio >= ASKED);
    }
  }

  private void runOnce(
      LanguageModel model, int count, Map<Side, List<Double>> seconds, Map<String, Object> facts)
      throws Exception {
    Map<Side, ContestantProcess> contestants = new EnumMap<>(Side.class);
    try {
      for (Side side : sides) {
        if (side.takesPart(model.precision(), count)) {
          var process = new ContestantProcess(side, count, LanguageModelMain.class);
          contestants.put(side, process);
          String how = process.ask("open %s %s".formatted(model.sizes(), model.precision()));
          System.out.print(how.isBlank() ? "" : side + ": " + how + "\n");
        }
      }
      requireAgreement(model, contestants, facts);
      var turns = new Turns(REST);
      for (var entry : contestants.entrySet()) {
        ContestantProcess process = entry.getValue();
        double before = mean(process.numbers("losses"));
        process.ask("train " + warmUpSteps);
        double after = mean(process.numbers("losses"));
        if (!(after < before)) {
          throw new IllegalStateException(
              "%s does not learn: loss %s before %d steps, %s after"
                  .formatted(entry.getKey(), before, warmUpSteps, after));
        }
        turns.add(entry.getKey().toString(), steps, "steps", () -> process.ask("train " + steps));
      }
      Map<String, Turns.Times> times = turns.run(0, blocks);
      for (Side side : contestants.keySet()) {
        times
            .get(side.toString())
            .seconds()
            .forEach(
                block -> seconds.computeIfAbsent(side, s -> new ArrayList<>()).add(block / steps));
      }
    } finally {
      for (ContestantProcess process : contestants.values()) {
        process.close();
      }
    }
  }

  private static void requireAgreement(
      LanguageModel model, Map<Side, ContestantProcess> contestants, Map<String, Object> facts)
      throws Exception {
    float[] expected = null;
    Map<String, float[]> expectedGradients = null;
    for (var entry : contestants.entrySet()) {
      float[] losses = entry.getValue().numbers("losses");
      Map<String, float[]> gradients = entry.getValue().gradients(model.parameters());
      if (expected == null) {
        expected = losses;
        expectedGradients = gradients;
        continue;
      }
      double apart = Agreement.distance(expected, losses);
      double gradientsApart = Agreement.gradientDistance(expectedGradients, gradients);
      System.out.printf(
          Locale.ROOT,
          "%s agrees? loss %.6f and %.6f, of a word %.1e apart, gradients %.1e%n",
          entry.getKey(),
          mean(losses),
          mean(expected),
          apart,
          gradientsApart);
      double tolerance = model.precision().tolerance();
      if (!(Math.max(apart, gradientsApart) <= tolerance)) {
        throw new IllegalStateException(
            "%s disagrees with the same parameters and words: losses are %.2e and gradients %.2e apart, allowed %.0e. Its time means nothing."
                .formatted(entry.getKey(), apart, gradientsApart, tolerance));
      }
      facts.putIfAbsent(entry.getKey() + "LossDistance", Report.rounded(apart));
      facts.putIfAbsent(entry.getKey() + "GradientDistance", Report.rounded(gradientsApart));
    }
  }

  private static double mean(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    return sum / values.length;
  }
}
