package io.sluice.recurrent.pipeline;

import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.OptimizerSpec;

/** A way to cut a batch, and what blocks cost then. */
final class Cut implements PlacementSearch.Cost {
  /** One way, between two processes: {@code ring} in {@code all-reduce-sizes.json}. */
  private static final double HOP_SECONDS = 70e-6;

  private static final double BYTES_PER_SECOND = 1.1e9;

  /** Where there is no limit: of two stages that fit, the fuller one is still the fuller one. */
  private static final double UNLIMITED_BYTES = 1L << 60;

  final Chunks chunks;
  final Schedule schedule;
  final BlockMemory memory;
  private final ModelSpec spec;
  private final int windows;
  private final PipelineWishes wishes;
  private final BlockSeconds seconds;
  private final int recurrent;

  /** Micro-batches that have one window more than the others. */
  private final int larger;

  private final double[] blockSeconds;

  /**
   * @param windows of a replica's share of a batch
   * @param wishes whose stages and limits hold
   */
  Cut(
      ModelSpec spec,
      OptimizerSpec.Algorithm algorithm,
      int windows,
      PipelineWishes wishes,
      int microBatches,
      Chunks chunks) {
    this.spec = spec;
    this.windows = windows;
    this.wishes = wishes;
    this.seconds = new BlockSeconds(spec);
    this.recurrent = spec.hiddenSizes().size();
    int blocks = recurrent + 1;
    this.chunks = chunks;
    this.schedule = new Schedule(wishes.stages(), microBatches, chunks.count());
    this.memory = new BlockMemory(spec, algorithm, chunks, largest());
    this.larger = windows % microBatches;
    this.blockSeconds = new double[blocks];
    for (int block = 0; block < blocks; block++) {
      blockSeconds[block] =
          larger * microBatch(block, smallest() + 1)
              + (microBatches - larger) * microBatch(block, smallest());
    }
  }

  private int smallest() {
    return windows / schedule.microBatches();
  }

  /** Windows of the largest micro-batch. */
  int largest() {
    return (windows + schedule.microBatches() - 1) / schedule.microBatches();
  }

  private double microBatch(int block, int b) {
    if (block == recurrent) {
      return seconds.head(b);
    }
    double sum = 0;
    for (int chunk = 0; chunk < chunks.count(); chunk++) {
      int steps = chunks.length(chunk);
      sum += seconds.forward(block, steps, b) + seconds.backward(block, steps, b);
    }
    return sum;
  }

  @Override
  public double seconds(int stage, int first, int end) {
    double sum = 0;
    for (int block = first; block < end; block++) {
      sum += blockSeconds[block];
    }
    return sum;
  }

  @Override
  public double load(int stage, int first, int end) {
    return Math.max(hostLoad(stage, first, end), deviceLoad(stage, first, end));
  }

  private double hostLoad(int stage, int first, int end) {
    return share(memory.of(schedule, stage, first, end).total(), wishes.memoryBytes());
  }

  private double deviceLoad(int stage, int first, int end) {
    return wishes.deviceBytes() == 0
        ? 0
        : share(memory.ofDevice(schedule, stage, first, end), wishes.deviceBytes());
  }

  private static double share(long bytes, long limit) {
    return bytes / (limit == 0 ? UNLIMITED_BYTES : limit);
  }

  double load(Placement placement, int stage) {
    return load(stage, placement.first(stage), placement.end(stage));
  }

  /** Whether a stage's GPU is fuller than its rank. */
  boolean isFullerOnDevice(Placement placement, int stage) {
    int first = placement.first(stage);
    int end = placement.end(stage);
    return deviceLoad(stage, first, end) > hostLoad(stage, first, end);
  }

  /** The step played through. */
  Schedule.Timing timing(Placement placement) {
    // by stage, direction, whether it is the last chunk, whether the micro-batch is a larger one
    var costs = new double[placement.count()][2][2][2];
    for (int stage = 0; stage < placement.count(); stage++) {
      for (int last = 0; last < 2; last++) {
        int steps = last == 0 ? chunks.chunkSteps() : chunks.length(chunks.count() - 1);
        for (int large = 0; large < 2; large++) {
          int b = smallest() + large;
          for (int block = placement.first(stage); block < placement.end(stage); block++) {
            if (block < recurrent) {
              costs[stage][0][last][large] += seconds.forward(block, steps, b);
              costs[stage][1][last][large] += seconds.backward(block, steps, b);
            } else if (last == 1) {
              costs[stage][0][last][large] += seconds.head(b);
            }
          }
        }
      }
    }
    return schedule.timing(
        (stage, isForward, microBatch, chunk) ->
            costs[stage][isForward ? 0 : 1][chunk == chunks.count() - 1 ? 1 : 0][
                microBatch < larger ? 1 : 0],
        transferSeconds(placement));
  }

  /** Of the widest border between two stages. */
  private double transferSeconds(Placement placement) {
    long widest = 0;
    for (int stage = 1; stage < placement.count(); stage++) {
      widest = Math.max(widest, BlockSeconds.inputs(spec, placement.first(stage)));
    }
    double bytes = (double) Float.BYTES * widest * chunks.chunkSteps() * largest();
    return HOP_SECONDS + bytes / BYTES_PER_SECOND;
  }
}
