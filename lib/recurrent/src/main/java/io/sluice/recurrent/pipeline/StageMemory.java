package io.sluice.recurrent.pipeline;

import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.OptimizerSpec;
import java.io.Serializable;

/**
 * Native memory of a rank that trains one pipeline stage, besides what a JVM with ND4J takes
 * anyway: what {@link io.sluice.recurrent.memory.TrainingMemory} is of a whole network.
 *
 * <p>With P parameters of the stage, Q of them above the recurrent layers, b windows in the largest
 * micro-batch and n = {@link Schedule#lead} time chunks under way:
 *
 * <pre>
 * parameters   P
 * optimizer    2·P Adam, AdamW; P Nesterov momentum, RMSProp; none of plain gradient descent
 * gradients    P, and 2·Q where the head's are added up
 * kernels      n · what recurrent layers keep of a chunk, their weights and their scratch memory
 * activations  n · the input and the outputs of the layers of a chunk, and gradients of one; of the
 *              last stage also outputs and gradients of the last recurrent layer over whole series,
 *              twice, and what layers above it keep; of the first, features of whole series
 * besides      the allocator's share and compiled code
 * </pre>
 *
 * <p>What is on its way between stages is not counted.
 *
 * <p><b>Accuracy.</b> Of 39 stages with five cells, both precisions, both directions and layer
 * normalisation, {@link StageNetwork#nativeBytes} was what is planned of it, to 1 % ({@code
 * StageMemoryTest}); of what oneDNN reserves in bf16 it touches the share that {@code
 * TrainingMemory} plans. DL4J's workspaces above the recurrent layers reserved 2.1 arrays of whole
 * series with the last step, a mean and additive attention, and 4.1 to 4.3 with self-attention and
 * an output at every step; 2.1 and 4.2 are planned. The growth of a process was not measured.
 *
 * @param parameters bytes, as all that follow
 * @param optimizer its state
 * @param gradients of all parameters
 * @param kernels of all recurrent layers
 * @param activations of all chunks under way
 * @param besides what no array accounts for
 */
public record StageMemory(
    long parameters, long optimizer, long gradients, long kernels, long activations, long besides)
    implements Serializable {

  /**
   * @param spec of the whole network
   * @param stage which part of it
   * @param windows of a replica's share of a batch
   * @param microBatches that they are cut into
   */
  public static StageMemory of(
      ModelSpec spec,
      OptimizerSpec.Algorithm algorithm,
      Placement placement,
      int stage,
      Chunks chunks,
      int windows,
      int microBatches) {
    var schedule = new Schedule(placement.count(), microBatches, chunks.count());
    int largest = (windows + microBatches - 1) / microBatches;
    return new BlockMemory(spec, algorithm, chunks, largest)
        .of(schedule, stage, placement.first(stage), placement.end(stage));
  }

  /** All of it. */
  public long total() {
    return parameters + optimizer + gradients + kernels + activations + besides;
  }

  /** As a person reads it in a message. */
  public String text() {
    return "%,d MiB: parameters %,d, optimizer %,d, gradients %,d, recurrent layers %,d, activations %,d, besides %,d"
        .formatted(
            mebibytes(total()),
            mebibytes(parameters),
            mebibytes(optimizer),
            mebibytes(gradients),
            mebibytes(kernels),
            mebibytes(activations),
            mebibytes(besides));
  }

  /** Rounded up. */
  static long mebibytes(long bytes) {
    return (bytes + (1 << 20) - 1) >> 20;
  }
}
