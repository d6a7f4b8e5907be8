package io.sluice.benchmarks.recurrent;

import io.sluice.benchmarks.Report;
import io.sluice.benchmarks.recurrent.Comparison.Part;
import java.util.List;

/** What is asked of our network's speed and memory; told for what was measured. */
final class Requirements {
  /**
   * For one shape.
   *
   * @param trainF32 times as fast as libtorch
   * @param trainBf16 the same in bf16
   * @param trainToStock times as fast as stock DL4J
   */
  private record Asked(double trainF32, double trainBf16, double trainToStock) {}

  /** In order of {@link Shape#ALL}. */
  private static final List<Asked> ASKED =
      List.of(new Asked(1.1, 1.6, 15), new Asked(1.45, 1.35, 4.5), new Asked(1.05, 1.1, 2.3));

  private static final double INFERENCE = 1;
  private static final double LATENCY_TO_STOCK = 4;
  private static final double SHARE_OF_SGEMM = 0.75;
  private static final double MEMORY_TO_STOCK = 0.6;
  private static final double TWO_THREADS = 1.85;

  private final Report report;

  Requirements(Report report) {
    this.report = report;
  }

  void tell(List<ComparisonResult> results) {
    results.forEach(this::tell);
  }

  private void tell(ComparisonResult result) {
    Workload workload = result.workload();
    if (result.threads() == 2) {
      ratio(
          result,
          Part.TRAIN,
          Side.SLUICE_ONE_THREAD,
          result.title() + ": training to one thread",
          TWO_THREADS);
    }
    if (workload.cell() != Cell.LSTM) {
      // nothing is asked of these but to be measured
      for (Part part : List.of(Part.TRAIN, Part.INFERENCE)) {
        result
            .ratio(part, Side.SLUICE, Side.LIBTORCH)
            .ifPresent(
                ratio ->
                    report.put(
                        "%s: %s to libtorch".formatted(result.title(), part.label()),
                        Report.rounded(ratio.median())));
      }
    }
    int shape = Shape.ALL.indexOf(workload.shape());
    if (workload.cell() != Cell.LSTM || shape < 0) {
      return;
    }
    Asked asked = ASKED.get(shape);
    boolean f32 = workload.precision() == Precision.F32;
    String where = result.title() + ": ";
    ratio(
        result,
        Part.TRAIN,
        Side.LIBTORCH,
        where + "training to libtorch",
        f32 ? asked.trainF32() : asked.trainBf16());
    ratio(result, Part.INFERENCE, Side.LIBTORCH, where + "inference to libtorch", INFERENCE);
    ratio(result, Part.TRAIN, Side.DL4J, where + "training to stock DL4J", asked.trainToStock());
    ratio(result, Part.LATENCY, Side.DL4J, where + "latency to stock DL4J", LATENCY_TO_STOCK);
    if (shape > 0 && f32) {
      result
          .shareOfSgemm(Side.SLUICE)
          .ifPresent(share -> atLeast(where + "share of sgemm", share, SHARE_OF_SGEMM));
    }
    if (shape == Shape.ALL.size() - 1) {
      result
          .memoryRatio(Side.SLUICE, Side.DL4J)
          .ifPresent(
              memory ->
                  report.require(
                      where + "memory to stock DL4J",
                      memory,
                      "at most " + MEMORY_TO_STOCK,
                      memory <= MEMORY_TO_STOCK));
    }
  }

  private void ratio(ComparisonResult result, Part part, Side peer, String what, double least) {
    result.ratio(part, Side.SLUICE, peer).ifPresent(r -> atLeast(what, r.median(), least));
  }

  private void atLeast(String what, double value, double least) {
    report.require(what, value, "at least " + least, value >= least);
  }
}
