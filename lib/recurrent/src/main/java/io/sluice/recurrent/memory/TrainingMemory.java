package io.sluice.recurrent.memory;

import io.sluice.recurrent.kernel.CellShape;
import io.sluice.recurrent.kernel.Kernels;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.ModelSummary;
import io.sluice.recurrent.model.OptimizerSpec;
import java.util.List;

/**
 * Native memory of a process that trains a network, besides what a JVM with ND4J takes anyway:
 * where it runs in a container, what stands beside the Java heap ({@code
 * spark.executor.memoryOverhead}).
 *
 * <p>With P parameters, R threads that share a batch and b windows that one of them computes at
 * once:
 *
 * <pre>
 * parameters   P                          shared by all threads
 * optimizer    2·P Adam, AdamW; P Nesterov momentum, RMSProp; none of plain gradient descent
 * gradients    R·P                        and R·P where micro-batches add to them
 * kernels      R · what recurrent layers keep for backward, their weights and their scratch memory
 * activations  R · outputs of all layers, two gradients of the largest, what other layers keep;
 *              of a bidirectional layer also its halves and the input gradient of one of them
 * </pre>
 *
 * <p><b>Accuracy.</b> Plans of some 500 MiB were 6 to 13 % below the measured growth of the
 * process; what is missing is the allocator's share and the JVM's compiled code. What kernels and
 * DL4J's workspaces hold is planned to the MiB.
 *
 * @param parameters bytes, as all that follow
 * @param optimizer its state
 * @param gradients of all threads
 * @param kernels of all threads
 * @param activations of all threads
 */
public record TrainingMemory(
    long parameters, long optimizer, long gradients, long kernels, long activations) {

  /**
   * @param batchSize windows of a step, in this process
   * @param threads that share them
   * @param microBatches that each thread cuts its share into
   */
  public static TrainingMemory of(
      ModelSpec spec,
      OptimizerSpec.Algorithm algorithm,
      int batchSize,
      int threads,
      int microBatches) {
    long P = Float.BYTES * ModelSummary.of(spec).parameters();
    int share = (batchSize + threads - 1) / threads;
    int b = (share + microBatches - 1) / microBatches;
    int momentsPerParameter =
        switch (algorithm) {
          case ADAM, ADAMW -> 2;
          case NESTEROVS, RMSPROP -> 1;
          case SGD -> 0;
        };
    return new TrainingMemory(
        P,
        momentsPerParameter * P,
        (microBatches > 1 ? 2L : 1L) * threads * P,
        threads * kernels(spec, b),
        threads * activations(spec, b));
  }

  private static long kernels(ModelSpec spec, int b) {
    long bytes = 0;
    int inputs = spec.inputSize();
    int directions = spec.bidirectional() ? 2 : 1;
    for (int units : spec.hiddenSizes()) {
      bytes +=
          directions
              * Kernels.trainingBytes(
                  new CellShape(spec.cell(), inputs, units),
                  spec.precision(),
                  spec.recurrentDropout() > 0,
                  spec.lookBack(),
                  b);
      inputs = directions * units;
    }
    return bytes;
  }

  private static long activations(ModelSpec spec, int b) {
    long T = spec.lookBack();
    int directions = spec.bidirectional() ? 2 : 1;
    List<Integer> sizes = spec.hiddenSizes();
    long outputs = 0;
    long largest = 0;
    int layer = 0;
    for (int units : sizes) {
      long output = Float.BYTES * T * b * directions * units;
      // DL4J's mask of what enters the next layer, one for each direction
      boolean isDropped = spec.dropout() > 0 && layer++ < sizes.size() - 1;
      outputs += isDropped ? directions * output : 0;
      outputs += (spec.layerNorm() ? 2 : 1) * output;
      largest = Math.max(largest, output);
    }
    long others =
        b
            * ModelSummary.of(spec).layers().stream()
                .skip(sizes.size())
                .mapToLong(ModelSummary.LayerSummary::keptBytes)
                .sum();
    // both halves' outputs or their gradients; the lowest layer gives no gradient of its input
    long halves = spec.bidirectional() ? (sizes.size() > 1 ? 2 : 1) * largest : 0;
    return outputs + 2 * largest + halves + others;
  }

  /** All of it. */
  public long total() {
    return parameters + optimizer + gradients + kernels + activations;
  }

  /** As a person reads it in a log. */
  public String text() {
    return "%,d MiB: parameters %,d, optimizer %,d, gradients %,d, recurrent layers %,d, activations %,d"
        .formatted(
            mebibytes(total()),
            mebibytes(parameters),
            mebibytes(optimizer),
            mebibytes(gradients),
            mebibytes(kernels),
            mebibytes(activations));
  }

  private static long mebibytes(long bytes) {
    return (bytes + (1 << 20) - 1) >> 20;
  }
}
