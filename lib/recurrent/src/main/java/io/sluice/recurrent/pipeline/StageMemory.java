package io.sluice.recurrent.pipeline;

import io.sluice.recurrent.memory.NativeMemory;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.OptimizerSpec;

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
 * gradients    P, and 2·Q where the head's are added up; the last stage of a head that is tied to
 *              an embedding has the rows and twice their gradient besides, the first one its gradient
 * kernels      n · what recurrent layers keep of a chunk, their weights (with weight dropout a
 *              copy besides) and their scratch memory
 * activations  n · the input and the outputs of the layers of a chunk, and gradients of one; of the
 *              last stage also outputs and gradients of the last recurrent layer over whole series,
 *              twice, and what layers above it keep; of the first, features of whole series, or
 *              ids, and how far an adversarial pass moves the rows of all micro-batches
 * besides      the allocator's share and compiled code
 * </pre>
 *
 * <p>What is on its way between stages is not counted, nor are the states that streams carry from
 * batch to batch, twice 2·H numbers of each stream and layer.
 *
 * <p><b>Accuracy.</b> Of 43 stages with five cells, both precisions, both directions, layer
 * normalisation and embeddings, {@link StageNetwork#nativeBytes} was what is planned of it, to 1 %
 * ({@code StageMemoryTest}); of what oneDNN reserves in bf16 it touches the share that {@code
 * TrainingMemory} plans. DL4J's workspaces above the recurrent layers reserved 2.1 arrays of whole
 * series with the last step, a mean and additive attention, and 4.1 to 4.3 with self-attention and
 * an output at every step; 2.1 and 4.2 are planned. The growth of a process was not measured.
 */
public final class StageMemory {
  private StageMemory() {}

  /**
   * @param spec of the whole network
   * @param stage which part of it
   * @param windows of a replica's share of a batch
   * @param microBatches that they are cut into
   */
  public static NativeMemory of(
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
}
