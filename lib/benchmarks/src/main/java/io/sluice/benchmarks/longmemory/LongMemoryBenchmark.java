package io.sluice.benchmarks.longmemory;

import io.sluice.benchmarks.Report;
import io.sluice.benchmarks.longmemory.Lesson.Budget;
import io.sluice.benchmarks.longmemory.Lesson.Outcome;
import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.kernel.Cell;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Does the LSTM learn what lies long back, where a tanh RNN does not?
 *
 * <pre>lib/benchmarks/run.sh long-memory [--record] [--delays=10,200] [--seeds=1] [--help]</pre>
 *
 * <p>Two tasks ({@link MemoryTask}), four delays, both cells through the layers, the kernel and the
 * training step of every job, one thread. Both get the same units, sequences, steps and learning
 * rates ({@link Lesson}); the better rate by the mean error of its seeds counts, each cell's own. A
 * task is learnt, decided before it was run, where adding ends at most at a tenth of the error of
 * who remembers nothing and where recall is wrong in at most 5 of 100 unseen sequences, with every
 * seed.
 *
 * <p>Why is told by {@link GradientFlow}: how long the gradient of the state is so many time steps
 * before the end, at initialisation and after training. Nothing is timed.
 *
 * <p>Result: results/long-memory.json (2026-11-25, 9 minutes of one core): the LSTM learns both
 * tasks at all delays with every seed, the RNN at 10 only. Over 100 and 200 steps an RNN's gradient
 * of the first state is below 1e-3 of the last one's at initialisation and below 1e-10 after
 * training; an LSTM's keeps more than a tenth of it, with both tasks and at both times.
 */
@Command(
    name = "run.sh long-memory",
    sortOptions = false,
    usageHelpAutoWidth = false,
    usageHelpWidth = 100)
public final class LongMemoryBenchmark implements Callable<Integer> {
  /** A tanh RNN is expected to fail from here on. */
  private static final int LONG_DELAY = 100;

  @Option(
      names = "--tasks",
      split = ",",
      paramLabel = "NAME",
      defaultValue = "adding,recall",
      description = "Default: ${DEFAULT-VALUE}.")
  List<MemoryTask> tasks;

  @Option(
      names = "--delays",
      split = ",",
      paramLabel = "N",
      defaultValue = "10,50,100,200",
      description = "Time steps to remember over. Default: ${DEFAULT-VALUE}.")
  List<Integer> delays;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      defaultValue = "3",
      description = "Networks of each cell and learning rate. Default: ${DEFAULT-VALUE}.")
  int seeds;

  @Option(
      names = "--learning-rates",
      split = ",",
      paramLabel = "RATE",
      defaultValue = "0.01,0.001",
      description = "The better one counts. Default: ${DEFAULT-VALUE}.")
  List<Double> learningRates;

  @Option(
      names = "--hidden-size",
      paramLabel = "H",
      defaultValue = "32",
      description = "Units of either cell. Default: ${DEFAULT-VALUE}.")
  int hiddenSize;

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "2000",
      description = "Of the optimizer, at least 20. Default: ${DEFAULT-VALUE}.")
  int steps;

  @Option(
      names = "--batch",
      paramLabel = "B",
      defaultValue = "32",
      description = "Fresh sequences a step. Default: ${DEFAULT-VALUE}.")
  int batch;

  @Option(names = "--help", usageHelp = true, description = "Shows this and stops.")
  boolean help;

  public static void main(String[] args) {
    System.exit(
        new CommandLine(new LongMemoryBenchmark())
            .registerConverter(MemoryTask.class, MemoryTask::of)
            .execute(args));
  }

  @Override
  public Integer call() throws Exception {
    NativeThreads.set(1);
    var budget = new Budget(hiddenSize, batch, steps);
    var report =
        new Report(
            "long-memory", "Does the LSTM learn what lies long back, where a tanh RNN does not?");
    report.put("command", command());
    report.put(
        "network",
        "one layer of %d units and a linear head on its last step; %d steps of %d fresh sequences, Adam, gradient norm at most 1"
            .formatted(hiddenSize, steps, batch));
    report.put(
        "errors",
        "mean over %d seeds on %,d unseen sequences, at the better of the learning rates %s"
            .formatted(seeds, Lesson.TEST_SEQUENCES, learningRates));
    report.put(
        "gradientNorms",
        "of the loss by the state ((h, c), or h), so many time steps before the end; mean over %d sequences, median of the seeds"
            .formatted(Lesson.GRADIENT_SEQUENCES));
    for (MemoryTask task : tasks) {
      report.put(
          task.toString(),
          "error is the %s, %s without memory; learnt at most %s with every seed"
              .formatted(
                  task.errorName(),
                  Report.rounded(task.withoutMemory()),
                  Report.rounded(task.learnt())));
      for (int delay : delays) {
        tell(report, task, learner(task, delay, Cell.LSTM, budget), delay, true);
        tell(report, task, learner(task, delay, Cell.RNN, budget), delay, false);
      }
    }
    report.finish();
    return 0;
  }

  private String command() {
    return String.join(
        " ",
        "lib/benchmarks/run.sh long-memory",
        "--tasks=" + joined(tasks),
        "--delays=" + joined(delays),
        "--seeds=" + seeds,
        "--learning-rates=" + joined(learningRates),
        "--hidden-size=" + hiddenSize,
        "--steps=" + steps,
        "--batch=" + batch);
  }

  private static String joined(List<?> values) {
    return values.stream().map(Object::toString).collect(Collectors.joining(","));
  }

  private Learner learner(MemoryTask task, int delay, Cell cell, Budget budget) {
    var outcomes = new ArrayList<Outcome>();
    for (double rate : learningRates) {
      for (int seed = 1; seed <= seeds; seed++) {
        outcomes.add(new Lesson(task, delay, cell, rate, seed, budget).run());
      }
    }
    return new Learner(outcomes);
  }

  private void tell(Report report, MemoryTask task, Learner learner, int delay, boolean mustLearn) {
    report.put(learner.title(), learner.toJson());
    System.out.printf(
        Locale.ROOT,
        "%s: error %.4g, learnt by %d of %d; gradient norms back in time %s at first, %s at the end%n",
        learner.title(),
        learner.error(),
        learner.seedsLearnt(),
        seeds,
        learner.norms(Outcome::before),
        learner.norms(Outcome::after));
    if (mustLearn) {
      report.require(
          learner.title() + ": seeds that learnt",
          learner.seedsLearnt(),
          "all " + seeds,
          learner.seedsLearnt() == seeds);
    } else if (delay >= LONG_DELAY) {
      report.require(
          learner.title() + ": seeds that learnt",
          learner.seedsLearnt(),
          "none",
          learner.seedsLearnt() == 0);
    }
  }
}
