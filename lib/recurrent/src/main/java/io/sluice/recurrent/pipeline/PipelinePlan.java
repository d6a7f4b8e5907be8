package io.sluice.recurrent.pipeline;

import io.sluice.recurrent.memory.NativeMemory;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.OptimizerSpec;
import java.io.Serializable;
import java.util.List;

/**
 * How a network is spread over pipeline stages and its batches are cut, with what that is expected
 * to cost: modelled for one core a rank, not measured.
 *
 * @param placement of the layers
 * @param timeSteps T of a series
 * @param chunkSteps of a time chunk
 * @param microBatches M of a replica's share of a batch
 * @param windows of that share
 * @param isBidirectional whether layers read whole series
 * @param stages what each holds and costs, lowest first
 * @param stepSeconds of a training step, the update and sums over replicas not among it
 * @param bubble share of the stages' time in which they wait for others, in [0, 1)
 * @param oneProcessSeconds of the same step in one process
 */
public record PipelinePlan(
    Placement placement,
    int timeSteps,
    int chunkSteps,
    int microBatches,
    int windows,
    boolean isBidirectional,
    List<Stage> stages,
    double stepSeconds,
    double bubble,
    double oneProcessSeconds)
    implements Serializable {

  private static final int LAYERS_WIDTH = 32;

  /**
   * One pipeline stage.
   *
   * @param layers as a person reads it
   * @param parameters of the stage
   * @param memory of its rank
   * @param deviceBytes of its GPU's memory, if it has one
   * @param busySeconds in which it computes, of a step
   * @param bytesUp to stages above, of a step
   * @param bytesDown to stages below, of a step
   */
  public record Stage(
      String layers,
      long parameters,
      NativeMemory memory,
      long deviceBytes,
      double busySeconds,
      long bytesUp,
      long bytesDown)
      implements Serializable {}

  public PipelinePlan {
    stages = List.copyOf(stages);
  }

  /**
   * Chooses what is left open: the placement whose slowest stage is the fastest, and of the ways to
   * cut a batch the one whose step is; as few units as take no more than 1 % longer.
   *
   * @param windows of a replica's share of a batch
   * @throws PipelineRefusal if no pipeline is as it is wished, or none within its memory
   */
  public static PipelinePlan of(
      ModelSpec spec, OptimizerSpec.Algorithm algorithm, int windows, PipelineWishes wishes) {
    return new PipelinePlanner(spec, algorithm, windows, wishes).plan();
  }

  /** The time chunks of a series. */
  public Chunks chunks() {
    return new Chunks(timeSteps, chunkSteps);
  }

  /** The order of the step's units. */
  public Schedule schedule() {
    return new Schedule(placement.count(), microBatches, chunks().count());
  }

  /** Of a replica. */
  public double windowsPerSecond() {
    return windows / stepSeconds;
  }

  /** How often as fast as one process it is. */
  public double speedUp() {
    return oneProcessSeconds / stepSeconds;
  }

  /** A table for a person, one stage a line, what is expected below. */
  public String text() {
    double busy = stages.stream().mapToDouble(Stage::busySeconds).sum();
    var text = new StringBuilder();
    int width =
        Math.max(
            LAYERS_WIDTH,
            stages.stream().mapToInt(stage -> stage.layers().length()).max().orElse(0));
    text.append(
        "%-5s  %s %12s %11s %17s %10s%n"
            .formatted(
                "stage",
                padded("layers", width),
                "parameters",
                "MiB memory",
                "share of compute",
                "MiB sent"));
    for (int stage = 0; stage < stages.size(); stage++) {
      Stage each = stages.get(stage);
      text.append(
          "%-5d  %s %,12d %,11d %15.1f %% %,10.1f%n"
              .formatted(
                  stage,
                  padded(each.layers(), width),
                  each.parameters(),
                  NativeMemory.mebibytes(each.memory().total()),
                  100 * each.busySeconds() / busy,
                  (double) (each.bytesUp() + each.bytesDown()) / (1 << 20)));
    }
    return text.append(
            "expected: %,.0f windows/s, %.2f times one process's %,.0f; stages wait %.1f %% of the time; %s"
                .formatted(
                    windowsPerSecond(),
                    speedUp(),
                    windows / oneProcessSeconds,
                    100 * bubble,
                    units()))
        .toString();
  }

  private static String padded(String text, int width) {
    return text + " ".repeat(width - text.length());
  }

  private String units() {
    int K = chunks().count();
    String cut =
        K > 1
            ? "%d time chunks of %d steps".formatted(K, chunkSteps)
            : isBidirectional
                ? "the whole series of %d steps, as bidirectional layers read it"
                    .formatted(timeSteps)
                : "the whole series of %d steps".formatted(timeSteps);
    return "%s a step: %s of up to %s × %s"
        .formatted(
            count(schedule().units(), "unit"),
            count(microBatches, "micro-batch"),
            count((windows + microBatches - 1) / microBatches, "window"),
            cut);
  }

  /** "1 micro-batch", "2 micro-batches". */
  static String count(int n, String what) {
    return "%,d %s%s".formatted(n, what, n == 1 ? "" : what.endsWith("ch") ? "es" : "s");
  }
}
