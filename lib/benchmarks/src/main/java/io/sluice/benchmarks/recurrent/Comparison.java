package io.sluice.benchmarks.recurrent;

import io.sluice.benchmarks.Turns;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntToDoubleFunction;

/**
 * One workload, all contestants: opens them, holds their predictions and gradients against each
 * other, and times them in turns.
 */
final class Comparison {
  /** n of the n³ product whose rate training is measured against. */
  private static final int PRODUCT = 2048;

  private static final double PRODUCT_FLOPS = 2.0 * PRODUCT * PRODUCT * PRODUCT;

  /**
   * Before each turn: the second thread of an OpenMP product goes on spinning for some 100 ms, in
   * whose time the next contestant would have one core less.
   */
  private static final Duration REST = Duration.ofMillis(200);

  /** The first of these that takes part judges the others. */
  private static final List<Side> JUDGES_FIRST =
      List.of(
          Side.LIBTORCH,
          Side.LIBTORCH_KEEPING,
          Side.LIBTORCH_AUTOCAST,
          Side.DL4J,
          Side.SLUICE,
          Side.SLUICE_ONE_THREAD);

  /**
   * How long and how often.
   *
   * @param starts fresh processes of each contestant, one after another: a process keeps the speed
   *     that its memory and threads happened to get
   * @param blocks turns of each contestant that count, for each start
   * @param blockSeconds about as long as one contestant's turn takes
   * @param warmUpSeconds each contestant's work before the first turn, for each thread: while the
   *     compiler takes a core, two threads are slower than one
   */
  record Effort(int starts, int blocks, double blockSeconds, double warmUpSeconds) {}

  /** What is measured. */
  enum Part {
    TRAIN,
    INFERENCE,
    LATENCY;

    String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** After so many a process has what it needs: DL4J sizes its workspaces in the first. */
  private static final int STEPS_TO_PEAK = 4;

  private final Workload workload;
  private final int threads;
  private final Effort effort;
  private final Map<Side, ContestantProcess> contestants = new EnumMap<>(Side.class);
  private final Map<Side, Long> residentBefore = new EnumMap<>(Side.class);
  private final ComparisonResult result;

  Comparison(Workload workload, int threads, Effort effort) {
    this.workload = workload;
    this.threads = threads;
    this.effort = effort;
    this.result = new ComparisonResult(workload, threads);
  }

  /**
   * @throws IllegalStateException if predictions or gradients disagree: then times mean nothing
   */
  ComparisonResult run(List<Side> sides, List<Part> parts) throws Exception {
    for (int start = 1; start <= effort.starts(); start++) {
      System.out.printf("%n== %s, start %d of %d%n", result.title(), start, effort.starts());
      runOnce(sides, parts);
    }
    parts.forEach(result::tell);
    return result;
  }

  private void runOnce(List<Side> sides, List<Part> parts) throws Exception {
    contestants.clear();
    var started = new ArrayList<ContestantProcess>();
    try {
      for (Side side : sides) {
        if (!side.takesPart(workload.precision(), threads)) {
          continue;
        }
        var process = new ContestantProcess(side, threads);
        started.add(process);
        enter(side, process);
      }
      if (parts.contains(Part.TRAIN)) {
        measureMemory();
      }
      requireAgreement(workload);
      if (parts.contains(Part.TRAIN)) {
        requireGradientsAgree();
        train();
      }
      if (parts.contains(Part.INFERENCE)) {
        infer(Part.INFERENCE, "batches");
      }
      if (parts.contains(Part.LATENCY)) {
        contestants.values().forEach(process -> process.open(workload.ofOneSequence()));
        requireAgreement(workload.ofOneSequence());
        infer(Part.LATENCY, "sequences");
      }
    } finally {
      for (ContestantProcess process : started) {
        process.close();
      }
    }
  }

  private void enter(Side side, ContestantProcess process) throws IOException {
    long before = process.residentKibibytes();
    Optional<String> reason = process.open(workload);
    if (reason.isPresent()) {
      System.out.printf("%s sits out: %s%n", side, reason.get());
      result.sitsOut(side, reason.get());
      return;
    }
    contestants.put(side, process);
    residentBefore.put(side, before);
  }

  /**
   * The peak of a few training steps, before anything else is asked: gradients to compare are those
   * of the whole batch at once, whatever pieces a step takes it in. What the steps moved is made
   * anew.
   */
  private void measureMemory() {
    contestants.forEach(
        (side, process) -> {
          process.train(STEPS_TO_PEAK);
          result.memory(side, process.peakKibibytes() - residentBefore.get(side));
          process.open(workload);
        });
  }

  /** The loss and every probability, relative to the largest probability. */
  private void requireAgreement(Workload read) {
    float[] expected = null;
    Side judge = null;
    double tolerance = read.precision().tolerance();
    for (Side side : JUDGES_FIRST) {
      if (!contestants.containsKey(side)) {
        continue;
      }
      float[] actual = contestants.get(side).probabilities();
      if (expected == null) {
        expected = actual;
        judge = side;
        continue;
      }
      double apart = Agreement.distance(expected, actual);
      double expectedLoss = Agreement.loss(expected, read.labels());
      double loss = Agreement.loss(actual, read.labels());
      double lossApart = Math.abs(loss - expectedLoss) / expectedLoss;
      System.out.printf(
          Locale.ROOT,
          "%s agrees with %s? loss %.6f and %.6f, probabilities %.1e apart%n",
          side,
          judge,
          loss,
          expectedLoss,
          apart);
      if (!(Math.max(apart, lossApart) <= tolerance)) {
        throw new IllegalStateException(
            ("%s and %s disagree with the same parameters and input (%s): losses %s and %s, "
                    + "probabilities %.2e apart, allowed %.0e. Their times mean nothing.")
                .formatted(side, judge, result.title(), loss, expectedLoss, apart, tolerance));
      }
      result.agrees(side, judge, Math.max(apart, lossApart));
    }
  }

  /** Each parameter's gradient, before the first step. */
  private void requireGradientsAgree() throws IOException {
    Map<String, float[]> expected = null;
    Side judge = null;
    double tolerance = workload.precision().tolerance();
    for (Side side : JUDGES_FIRST) {
      if (!contestants.containsKey(side)) {
        continue;
      }
      Map<String, float[]> actual = contestants.get(side).gradients(workload.parameters());
      if (expected == null) {
        expected = actual;
        judge = side;
        continue;
      }
      double apart = Agreement.gradientDistance(expected, actual);
      System.out.printf(
          Locale.ROOT, "%s agrees with %s? gradients %.1e apart%n", side, judge, apart);
      if (!(apart <= tolerance)) {
        throw new IllegalStateException(
            ("%s and %s disagree with the same parameters and input (%s): a parameter's gradients "
                    + "are %.2e apart, allowed %.0e. Their times mean nothing.")
                .formatted(side, judge, result.title(), apart, tolerance));
      }
      result.gradientsAgree(side, judge, apart);
    }
  }

  private void train() throws Exception {
    Turns turns = turns();
    for (var entry : contestants.entrySet()) {
      ContestantProcess process = entry.getValue();
      double before = Agreement.loss(process.probabilities(), workload.labels());
      int steps = warmUp(process::train);
      double after = Agreement.loss(process.probabilities(), workload.labels());
      if (!(after < before)) {
        throw new IllegalStateException(
            "%s does not learn its one batch (%s): loss %s before training, %s after"
                .formatted(entry.getKey(), result.title(), before, after));
      }
      process.multiply(PRODUCT);
      turns.add(entry.getKey().toString(), steps, "steps", () -> process.train(steps));
      turns.add(sgemm(entry.getKey()), 1, "products", () -> process.multiply(PRODUCT));
    }
    Map<String, Turns.Times> times = turns.run(0, effort.blocks());
    result.times(Part.TRAIN, contestants.keySet(), times);
    for (Side side : contestants.keySet()) {
      result.sgemm(PRODUCT_FLOPS / times.get(sgemm(side)).fastest());
    }
  }

  private void infer(Part part, String unit) throws Exception {
    Turns turns = turns();
    for (var entry : contestants.entrySet()) {
      ContestantProcess process = entry.getValue();
      int calls = warmUp(process::infer);
      turns.add(entry.getKey().toString(), calls, unit, () -> process.infer(calls));
    }
    result.times(part, contestants.keySet(), turns.run(0, effort.blocks()));
  }

  /** Works for the time that warming up takes; how many of it fill a block. */
  private int warmUp(IntToDoubleFunction work) {
    double spent = work.applyAsDouble(1);
    int times = 1;
    double last = spent;
    while (spent < effort.warmUpSeconds() * threads || times < 2) {
      last = work.applyAsDouble(times) / times;
      spent += last * times;
      times = Math.max(2, Math.min(2 * times, fitting(last)));
    }
    return fitting(last);
  }

  private int fitting(double seconds) {
    return (int) Math.max(1, Math.min(100_000, Math.round(effort.blockSeconds() / seconds)));
  }

  private Turns turns() {
    return new Turns(threads == 1 ? Duration.ZERO : REST);
  }

  private static String sgemm(Side side) {
    return side + " sgemm";
  }
}
