package io.sluice.benchmarks.training;

import io.sluice.benchmarks.Report;
import io.sluice.benchmarks.Scratch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * How much faster do two executors train than one, and what does the barrier stage cost?
 *
 * <pre>lib/benchmarks/run.sh scaling [--record] [rounds, 3] [folder]</pre>
 *
 * <p>B, T, I, H, layers = 64 a rank, 100, 100, 128, 2, gradient sharing with Adam and clipping, on
 * a dataset in Parquet. Contestants take turns as whole runs of {@code train.sh}: the loop in one
 * plain JVM; one rank in an executor; two ranks in two executors of one core each, with twice the
 * batch; and two runs of one rank at once, which share nothing but the machine: what they reach
 * together is what the machine leaves two ranks to reach. A process that trains is bound to a core,
 * with all its threads ({@link TrainProcess#onCores}); drivers of executors are not. In the first
 * round also four ranks, on however many cores there are, and two threads of a plain JVM. Windows
 * grow with the batch: all take the same number of steps. The first 600 of 800, in which HotSpot
 * compiles, are not counted: in executors of one core its threads take up to a tenth of that core
 * for a minute.
 *
 * <p>Given a folder, it keeps dataset and runs there, and takes the runs that it finds: three calls
 * with 1, 2 and 3 rounds do the same as one with 3, and let a shared machine go between.
 *
 * <p>Every step's loss of the rank in an executor must be that of the plain JVM, to the bit.
 */
public final class ScalingBenchmark {
  private static final int BATCH = 64;
  private static final int STEPS = 20;
  private static final int EPOCHS = 40;

  /** First epoch that counts. */
  private static final int FROM = 31;

  private final Path folder;
  private final WideDataset dataset;
  private final Map<String, Rates> rates = new LinkedHashMap<>();

  private ScalingBenchmark(Path folder) throws Exception {
    this.folder = folder;
    this.dataset = WideDataset.write(folder, "wide", 100, 100, 128, 4 * STEPS * BATCH);
    for (String name : new String[] {"local", "one", "two", "four", "apart", "threads"}) {
      rates.put(name, new Rates());
    }
  }

  public static void main(String[] args) throws Exception {
    int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 3;
    try (var scratch = new Scratch()) {
      Path folder = args.length > 1 ? Path.of(args[1]) : scratch.path("");
      var benchmark = new ScalingBenchmark(folder);
      for (int round = 1; round <= rounds; round++) {
        benchmark.round(round);
      }
      benchmark.report(rounds);
    }
  }

  private void round(int round) throws Exception {
    TrainRun local = train(round, "local", 1).local(1).onCores(0).runOnce().requireLearned("local");
    TrainRun one = train(round, "one", 1).executors(1).onCores(0).runOnce().requireLearned("one");
    if (!Arrays.equals(local.losses(), one.losses())) {
      throw new IllegalStateException(
          "The rank in an executor and the plain JVM have different losses, so their times mean nothing");
    }
    rates.get("local").add(local, FROM);
    rates.get("one").add(one, FROM);
    add("two", train(round, "two", 2).executors(2).onCores(0));
    apart(round);
    if (round == 1) {
      add("four", train(round, "four", 4).executors(4).onCores(0));
      add("threads", train(round, "threads", 2).local(2));
    }
    rates.forEach(
        (name, r) -> System.out.printf("round %d: %-7s %s windows/s%n", round, name, r.byRound()));
  }

  private void add(String name, TrainProcess process) throws Exception {
    rates.get(name).add(process.runOnce().requireLearned(name), FROM);
  }

  private void apart(int round) throws Exception {
    TrainProcess first = train(round, "apart-1", 1).executors(1).onCores(0);
    TrainProcess second = train(round, "apart-2", 1).executors(1).onCores(1);
    CompletableFuture<TrainRun> other = CompletableFuture.supplyAsync(() -> unchecked(second));
    rates.get("apart").addBoth(first.runOnce(), other.get(), FROM);
  }

  private static TrainRun unchecked(TrainProcess process) {
    try {
      return process.runOnce();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException("Interrupted while a run was under way", e);
    }
  }

  private TrainProcess train(int round, String name, int ranks) {
    return new TrainProcess(
            dataset.config(), folder.resolve("round-%d".formatted(round)).resolve(name))
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
        .put(
            "what the names mean",
            "local: a plain JVM; one, two, four: ranks in executors of one core; apart: two runs of one rank at once, added; threads: a plain JVM with two threads and the batch of two")
        .require("two executors to one", scaling, ">= 1.85", scaling >= 1.85)
        .put("four executors to one", Report.rounded(rates.get("four").over(rates.get("one"))))
        .put("two runs apart to one", Report.rounded(rates.get("apart").over(rates.get("one"))))
        .put(
            "two threads of a plain JVM to one",
            Report.rounded(rates.get("threads").over(rates.get("local"))))
        .put(
            "two executors to two runs apart",
            Report.rounded(rates.get("two").over(rates.get("apart"))))
        .require(
            "a step in the barrier stage over one in a plain JVM, less 1",
            cost,
            "<= 0.05",
            cost <= 0.05)
        .finish();
  }
}
