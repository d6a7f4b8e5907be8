package io.sluice.recurrent.pipeline;

import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.OptimizerSpec;

/** A way to cut a batch, and what blocks cost then. */
final class Cut implements PlacementSearch.Cost {
  /** One way, between two processes: {@code ring} in {@code all-reduce-sizes.json}. */
  private static final double HOP_SECONDS = 70e-6;

  private static final double BYTES_PER_SECOND = 1.1e9;

  final Chunks chunks;
  final Schedule schedule;
  final BlockMemory memory;
  private final ModelSpec spec;
  private final int windows;
  private final BlockSeconds seconds;
  private final int recurrent;

  /** Micro-batches that have one window more than the others. */
  private final int larger;

  private final double[] blockSeconds;

  /**
   * @param windows of a replica's share of a batch
   */
  Cut(
      ModelSpec spec,
      OptimizerSpec.Algorithm algorithm,
      int windows,
      int stages,
      int microBatches,
      Chunks chunks) {
    this.spec = spec;
    this.windows = windows;
    this.seconds = new BlockSeconds(spec);
    this.recurrent = spec.hiddenSizes().size();
    int blocks = recurrent + 1;
    this.chunks = chunks;
    this.schedule = new Schedule(stages, microBatches, chunks.count());
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
  public long bytes(int stage, int first, int end) {
    return memory.of(schedule, stage, first, end).total();
  }

  long bytes(Placement placement, int stage) {
    return bytes(stage, placement.first(stage), placement.end(stage));
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
