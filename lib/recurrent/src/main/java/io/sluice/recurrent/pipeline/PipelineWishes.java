package io.sluice.recurrent.pipeline;

import java.io.Serializable;

/**
 * What somebody has decided about a pipeline, and what {@link PipelinePlan} shall choose.
 *
 * @param stages P
 * @param placement null to choose
 * @param chunkSteps time steps of a chunk; 0 to choose
 * @param microBatches of a replica's share of a batch; 0 to choose
 * @param memoryBytes that a rank has beside the Java heap and what ND4J takes; 0 is no limit
 * @param deviceBytes that a rank's GPU has for its layers; 0 is no GPU, or no limit
 */
public record PipelineWishes(
    int stages,
    Placement placement,
    int chunkSteps,
    int microBatches,
    long memoryBytes,
    long deviceBytes)
    implements Serializable {

  /** Everything else is to be chosen, whatever memory it takes. */
  public static PipelineWishes ofStages(int stages) {
    return new PipelineWishes(stages, null, 0, 0, 0, 0);
  }

  /** With a placement of somebody's own; null chooses. */
  public PipelineWishes placedAs(Placement wished) {
    return new PipelineWishes(stages, wished, chunkSteps, microBatches, memoryBytes, deviceBytes);
  }

  /** With time chunks of so many steps; 0 chooses. */
  public PipelineWishes withChunkSteps(int wished) {
    return new PipelineWishes(stages, placement, wished, microBatches, memoryBytes, deviceBytes);
  }

  /** With so many micro-batches; 0 chooses. */
  public PipelineWishes withMicroBatches(int wished) {
    return new PipelineWishes(stages, placement, chunkSteps, wished, memoryBytes, deviceBytes);
  }

  /** Within so much memory of a rank; 0 is no limit. */
  public PipelineWishes within(long bytes) {
    return new PipelineWishes(stages, placement, chunkSteps, microBatches, bytes, deviceBytes);
  }

  /** Within so much memory of a rank's GPU; 0 is no limit. */
  public PipelineWishes onDevicesOf(long bytes) {
    return new PipelineWishes(stages, placement, chunkSteps, microBatches, memoryBytes, bytes);
  }

  /** The same limits, with so many stages and all else but micro-batches to be chosen. */
  PipelineWishes withStages(int wished) {
    return new PipelineWishes(wished, null, 0, microBatches, memoryBytes, deviceBytes);
  }
}
