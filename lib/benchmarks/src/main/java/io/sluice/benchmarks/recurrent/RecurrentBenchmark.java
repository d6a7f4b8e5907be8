package io.sluice.benchmarks.recurrent;

import io.sluice.benchmarks.Report;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Do our recurrent layers train and predict as fast as libtorch, and how much faster than stock
 * DL4J's?
 *
 * <pre>lib/benchmarks/run.sh recurrent [--record] [--shapes=1,2] [--threads=1] [--help]</pre>
 *
 * <p>All sides are given the same parameters and the same batch in memory. Before they are timed
 * they must predict the same and, where training is, have the same gradient of every parameter, to
 * 1e-4 in f32 and 2e-2 in bf16. A training step is forward, the last state, a linear head,
 * cross-entropy, backward, clipping and Adam ({@link Workload}); inference keeps nothing for a
 * gradient; latency is inference of one sequence. Contestants take turns, a block of steps each, in
 * fresh processes start by start; a ratio is that of two contestants' times in the same block, told
 * as the median of the blocks with the least and the most. The share of sgemm is against the
 * fastest 2048³ product of any contestant's process in the same turns. Memory is the most that lay
 * in RAM while training, less what lay there before the network was built.
 *
 * <p>With two threads, ours are two Java threads on halves of the batch, each with one native
 * thread ({@code train.threads}); DL4J and libtorch split each operation. What the second thread
 * brings is told against our network on one thread, which takes turns in the same run.
 *
 * <p>Cells that libtorch lacks (peephole, layer norm) are composed there from its operations.
 *
 * <p>libtorch takes part twice: as it comes, and with an allocator that keeps freed memory ({@link
 * Side#LIBTORCH_KEEPING}), which a user of libtorch can have by setting four variables. What is
 * asked of our network is asked against libtorch as it comes; the other is in the result. In bf16
 * both train on a bf16 copy of the parameters where that is faster than autocast, which PyTorch's
 * manual names and which takes part for itself ({@link Side#LIBTORCH_AUTOCAST}).
 *
 * <p>The batch is f32 for all, time-major where the side takes it so: ours, as the trainers'
 * batches are, and libtorch.
 */
@Command(
    name = "run.sh recurrent",
    sortOptions = false,
    usageHelpAutoWidth = false,
    usageHelpWidth = 100)
public final class RecurrentBenchmark implements Callable<Integer> {
  @Option(
      names = "--shapes",
      split = ",",
      paramLabel = "N",
      description =
          "1: B=32 T=50 I=16 H=64, 2: B=64 T=100 I=100 H=128, 3: B=128 T=100 I=64 H=512; two layers"
              + " each. Default: all for the lstm, 2 for other cells.")
  List<Integer> shapes = List.of();

  @Option(
      names = "--threads",
      split = ",",
      paramLabel = "N",
      description =
          "Threads of each side; ours split the batch, the others each operation. With more than 1,"
              + " ours takes part on one thread as well. Default: 1 and 2 for the lstm, 1 for other"
              + " cells.")
  List<Integer> threads = List.of();

  @Option(
      names = "--precision",
      split = ",",
      paramLabel = "NAME",
      description = "f32, bf16. Default: both for the lstm, f32 for other cells.")
  List<Precision> precisions = List.of();

  @Option(
      names = "--cells",
      split = ",",
      paramLabel = "NAME",
      defaultValue = "lstm,bidirectional-lstm,peephole-lstm,layernorm-lstm,gru,rnn",
      description = "Default: ${DEFAULT-VALUE}.")
  List<Cell> cells;

  @Option(
      names = "--contestants",
      split = ",",
      paramLabel = "NAME",
      defaultValue = "sluice,sluice-one-thread,dl4j,libtorch,libtorch-keeping,libtorch-autocast",
      description = "Default: ${DEFAULT-VALUE}.")
  List<Side> sides;

  @Option(
      names = "--parts",
      split = ",",
      paramLabel = "NAME",
      defaultValue = "train,inference,latency",
      description = "Default: ${DEFAULT-VALUE}.")
  List<Comparison.Part> parts;

  @Option(
      names = "--starts",
      defaultValue = "2",
      description =
          "Fresh processes of each contestant, one after another: a process keeps the speed that its"
              + " memory and threads happened to get. Default: ${DEFAULT-VALUE}.")
  int starts;

  @Option(
      names = "--blocks",
      defaultValue = "4",
      description = "Turns of each contestant and start. Default: ${DEFAULT-VALUE}.")
  int blocks;

  @Option(
      names = "--block-seconds",
      defaultValue = "0.5",
      description = "About as long as a turn takes; at least one step. Default: ${DEFAULT-VALUE}.")
  double blockSeconds;

  @Option(
      names = "--warm-up-seconds",
      defaultValue = "2.5",
      description =
          "Of each contestant and thread, before the turns. With two threads it takes some 5 s until"
              + " compiling no longer takes one of the cores. Default: ${DEFAULT-VALUE}.")
  double warmUpSeconds;

  @Option(names = "--help", usageHelp = true, description = "Shows this and stops.")
  boolean help;

  public static void main(String[] args) {
    System.exit(commandLine(new RecurrentBenchmark()).execute(args));
  }

  static CommandLine commandLine(RecurrentBenchmark benchmark) {
    return new CommandLine(benchmark)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .registerConverter(Cell.class, Cell::of)
        .registerConverter(Precision.class, Precision::of)
        .registerConverter(Side.class, Side::of);
  }

  /** What is compared, cell by cell; the rows of one shape and precision lie together. */
  List<ThreadedWorkload> plan() {
    var plan = new ArrayList<ThreadedWorkload>();
    for (Cell cell : cells) {
      boolean main = cell == Cell.LSTM;
      for (int shape : or(shapes, main ? List.of(1, 2, 3) : List.of(2))) {
        for (Precision precision :
            or(precisions, main ? List.of(Precision.values()) : List.of(Precision.F32))) {
          for (int count : or(threads, main ? List.of(1, 2) : List.of(1))) {
            plan.add(
                new ThreadedWorkload(new Workload(Shape.numbered(shape), cell, precision), count));
          }
        }
      }
    }
    return plan;
  }

  /** A workload and the threads that a contestant may use. */
  record ThreadedWorkload(Workload workload, int threads) {}

  private static <T> List<T> or(List<T> given, List<T> otherwise) {
    return given.isEmpty() ? otherwise : given;
  }

  @Override
  public Integer call() throws Exception {
    var report =
        new Report(
            "recurrent",
            "Do our recurrent layers train and predict as fast as libtorch, and how much faster"
                + " than stock DL4J's?");
    var effort = new Comparison.Effort(starts, blocks, blockSeconds, warmUpSeconds);
    report.put(
        "effort",
        "%d starts, each %d blocks of about %s s after %s s of warm-up for each thread"
            .formatted(starts, blocks, blockSeconds, warmUpSeconds));
    var results = new ArrayList<ComparisonResult>();
    for (ThreadedWorkload each : plan()) {
      ComparisonResult result =
          new Comparison(each.workload(), each.threads(), effort).run(sides, parts);
      results.add(result);
      report.put(result.title(), result.toJson());
    }
    System.out.println();
    new Requirements(report).tell(results);
    report.finish();
    return 0;
  }
}
