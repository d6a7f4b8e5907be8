package io.sluice.benchmarks.training;

import io.sluice.benchmarks.Report;
import io.sluice.benchmarks.Scratch;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How much faster do two executors train than one, and what does the barrier stage cost?
 *
 * <pre>lib/benchmarks/run.sh scaling [--record] [rounds, 3]</pre>
 *
 * <p>B, T, I, H, layers = 64 a rank, 100, 100, 128, 2, gradient sharing with Adam and clipping, on a
 * dataset in Parquet. Contestants take turns as whole runs of {@code train.sh}: the loop in one
 * plain JVM; one rank in an executor; two ranks in two executors of one core each, with twice the
 * batch; four, on however many cores there are; and two runs of one rank at once, which share
 * nothing but the machine: what they reach together is what the machine leaves two ranks to reach.
 * Windows grow with the batch: all take the same number of steps. The first two of five epochs, in
 * which HotSpot compiles, are not counted.
 *
 * <p>Every step's loss of the rank in an executor must be that of the plain JVM, to the bit.
 */
public final class ScalingBenchmark {
  private static final int BATCH = 64;
  private static final int STEPS = 40;
  private static final int EPOCHS = 5;

  /** First epoch that counts. */
  private static final int FROM = 3;

  private final Scratch scratch;
  private final WideDataset dataset;
  private final Map<String, Rates> rates = new LinkedHashMap<>();
  private int runs;

  private ScalingBenchmark(Scratch scratch) throws Exception {
    this.scratch = scratch;
    this.dataset = WideDataset.write(scratch, "wide", 100, 100, 128, 4 * STEPS * BATCH);
    for (String name : new String[] {"local", "one", "two", "four", "apart"}) {
      rates.put(name, new Rates());
    }
  }

  public static void main(String[] args) throws Exception {
    int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 3;
    try (var scratch = new Scratch()) {
      var benchmark = new ScalingBenchmark(scratch);
      for (int round = 1; round <= rounds; round++) {
        benchmark.round(round);
      }
      benchmark.report(rounds);
    }
  }

  private void round(int round) throws Exception {
    TrainRun local = train(1).local().run().requireLearned("local");
    TrainRun one = train(1).executors(1).run().requireLearned("one");
    if (!Arrays.equals(local.losses(), one.losses())) {
      throw new IllegalStateException(
          "The rank in an executor and the plain JVM have different losses, so their times mean nothing");
    }
    rates.get("local").add(local, FROM);
    rates.get("one").add(one, FROM);
    rates.get("two").add(train(2).executors(2).run().requireLearned("two"), FROM);
    rates.get("four").add(train(4).executors(4).run().requireLearned("four"), FROM);

    TrainProcess.Running first = train(1).executors(1).start();
    TrainProcess.Running second = train(1).executors(1).start();
    rates.get("apart").addBoth(first.await(), second.await(), FROM);
    rates.forEach(
        (name, r) ->
            System.out.printf(
                "round %d: %-6s %.0f windows/s%n", round, name, r.byRound().get(round - 1)));
  }

  private TrainProcess train(int ranks) {
    Path folder = scratch.path("run-" + runs++);
    return new TrainProcess(dataset.config(), folder)
        .set("train.strategy", "gradient-sharing")
        .set("train.epochs", EPOCHS)
        .set("train.max-train-windows", ranks * STEPS * BATCH)
        .set("train.batch-size", ranks * BATCH);
  }

  private void report(int rounds) throws Exception {
    var report =
        new Report(
                "scaling",
                "How much faster do two executors train than one, and what does the barrier stage cost?")
            .put("shape", "B, T, I, H, layers = 64 a rank, 100, 100, 128, 2; Adam, clipping, f32")
            .put("rounds", rounds)
            .put("epochs counted in each", EPOCHS - FROM + 1);
    rates.forEach((name, r) -> report.put(name, r.toJson()));
    double scaling = rates.get("two").over(rates.get("one"));
    double cost = rates.get("local").over(rates.get("one")) - 1;
    report
        .put("what the names mean", "local: a plain JVM; one, two, four: ranks in executors of one core; apart: two runs of one rank at once, added")
        .require("two executors to one", scaling, ">= 1.85", scaling >= 1.85)
        .put("four executors to one", Report.rounded(rates.get("four").over(rates.get("one"))))
        .put("two runs apart to one", Report.rounded(rates.get("apart").over(rates.get("one"))))
        .put("two executors to two runs apart", Report.rounded(rates.get("two").over(rates.get("apart"))))
        .require("a step in the barrier stage over one in a plain JVM, less 1", cost, "<= 0.05", cost <= 0.05)
        .finish();
  }
}
