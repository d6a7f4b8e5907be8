package io.sluice.recurrent.memory;

import io.sluice.recurrent.head.VocabularyOutput;
import io.sluice.recurrent.kernel.CellShape;
import io.sluice.recurrent.kernel.Kernels;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.ModelSummary;
import io.sluice.recurrent.model.Networks;
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
 * gradients    R·P                        and R·P where micro-batches or adversarial passes add to
 *                                         them, without the rows of an embedding
 * kernels      R · what recurrent layers keep for backward, their weights (with weight dropout a
 *              copy besides) and their scratch memory; of documents, which differ in length, also
 *              inputs, outputs and the gradients of both without the padding
 * activations  R · outputs of all layers, how far an adversarial pass moves rows of words, two
 *              gradients of the largest, what other layers keep;
 *              of a bidirectional layer also its halves and the input gradient of one of them; a
 *              chunk of logits, and in bf16 what products round of it and of its weights
 * besides      the allocator's share and compiled code
 * </pre>
 *
 * <p><b>Accuracy.</b> What kernels and DL4J's workspaces reserve is planned to the MiB; of what
 * oneDNN reserves in bf16 it touches 0.56 to 0.61, and that share is planned. The process grew by
 * 228 to 636 MiB with two LSTM layers of 128, 256 and 512 units in f32 and bf16, in one piece and
 * in micro-batches; nine of ten plans were between 6 % below that and 8 % above, one, of 307 to 326
 * MiB, 14 to 19 % below.
 */
public final class TrainingMemory {

  /** The allocator's share and compiled code, of any process. */
  public static final long BESIDES_BYTES = 48L << 20;

  /** Of what oneDNN reserves, what it touches. */
  public static final double TOUCHED_IN_BF16 = 0.58;

  private static final int KEPT_MEBIBYTES = 128;
  private static final long KEPT_BYTES = (long) KEPT_MEBIBYTES << 20;

  /** In a micro-batch that is cut to save memory: products of fewer rows run slower. */
  private static final int WINDOWS = 32;

  /** Beyond which speed counts less, and fewer windows are taken at once, down to one. */
  private static final int MOST_MEBIBYTES = 2048;

  private static final long MOST_BYTES = (long) MOST_MEBIBYTES << 20;

  private TrainingMemory() {}

  /**
   * @param batchSize windows of a step, in this process
   * @param threads that share them
   * @param microBatches that each thread cuts its share into
   */
  public static NativeMemory of(
      ModelSpec spec,
      OptimizerSpec.Algorithm algorithm,
      int batchSize,
      int threads,
      int microBatches) {
    long P = Float.BYTES * ModelSummary.of(spec).parameters();
    boolean addsUp = microBatches > 1 || spec.embedding().adversarialEpsilon() > 0;
    // passes add to rows of an embedding where they lie
    long rows =
        spec.embedding().tied()
            ? 0
            : (long) Float.BYTES * spec.embedding().words() * spec.embedding().size();
    int b = windows(batchSize, threads, microBatches);
    return new NativeMemory(
        P,
        algorithm.momentsPerParameter() * P,
        threads * (addsUp ? 2 * P - rows : P),
        threads * kernels(spec, b),
        threads * (activations(spec, b) + softmax(spec, b)),
        BESIDES_BYTES);
  }

  /**
   * Micro-batches that a thread's share of a batch is best cut into: as many as bring what is kept
   * for the way back to {@value #KEPT_MEBIBYTES} MiB, but with {@value #WINDOWS} windows in each
   * unless these keep more than {@value #MOST_MEBIBYTES} MiB, as documents of many thousand tokens
   * do. The step is the same to rounding, and about as fast: with B=128, T=100, I=64, two layers of
   * H=512, in float32, steps in 1, 2, 4 and 8 pieces took 2554, 2550, 2584 and 2678 ms, and the
   * process grew by 548, 363, 326 and 228 MiB. With 128 units two pieces of 32 windows took 3 %
   * longer than one of 64. In bf16 four pieces took a quarter longer than one, so that is cut for
   * the sake of the {@value #MOST_MEBIBYTES} MiB only.
   *
   * @param batchSize windows of a step, in this process
   * @param threads that share them
   */
  public static int microBatches(ModelSpec spec, int batchSize, int threads) {
    int share = share(batchSize, threads);
    long kept = kernels(spec, share) + activations(spec, share);
    long needed = Math.min(share, (kept + MOST_BYTES - 1) / MOST_BYTES);
    if (computesInBf16(spec, new CellShape(spec.cell(), 1, 1))) {
      return (int) needed;
    }
    long wanted = (kept + KEPT_BYTES - 1) / KEPT_BYTES;
    return (int) Math.max(needed, Math.min(wanted, share / WINDOWS));
  }

  /**
   * The same within a limit: into more pieces, down to one window, until a process fits into it.
   *
   * @param limit bytes of native memory that the process may hold
   */
  public static int microBatches(
      ModelSpec spec, OptimizerSpec.Algorithm algorithm, int batchSize, int threads, long limit) {
    int share = share(batchSize, threads);
    int pieces = microBatches(spec, batchSize, threads);
    while (pieces < share
        && Math.max(
                of(spec, algorithm, batchSize, threads, pieces).total(),
                reserved(spec, batchSize, threads, pieces))
            > limit) {
      pieces++;
    }
    return pieces;
  }

  /**
   * What recurrent layers, attention and softmax of a process reserve, whether they touch it or
   * not, and what stands besides: what counts against JavaCPP's {@code
   * org.bytedeco.javacpp.maxbytes}, which ND4J's arrays do not, in bytes. Its parameters are those
   * of {@link #of}.
   */
  public static long reserved(ModelSpec spec, int batchSize, int threads, int microBatches) {
    int b = windows(batchSize, threads, microBatches);
    long ofThread =
        kernels(spec, b, TrainingMemory::reservedByKernel) + attention(spec, b) + softmax(spec, b);
    return threads * ofThread + BESIDES_BYTES;
  }

  /**
   * What a thread's pass reserves and touches for each time step of a window, in bytes: no less
   * than a pass that predicts, which keeps nothing for a way back.
   */
  public static long perStep(ModelSpec spec) {
    int b = 16; // what does not grow with windows cancels out
    return (ofPass(spec, 2 * b) - ofPass(spec, b)) / ((long) b * spec.lookBack());
  }

  private static long ofPass(ModelSpec spec, int b) {
    return kernels(spec, b, TrainingMemory::reservedByKernel) + activations(spec, b);
  }

  /** What attention over time keeps and computes in, of one thread. */
  private static long attention(ModelSpec spec, int b) {
    return b
        * ModelSummary.of(spec).layers().stream()
            .filter(layer -> layer.name().contains("attention"))
            .mapToLong(ModelSummary.LayerSummary::keptBytes)
            .sum();
  }

  /**
   * What a softmax over classes computes in, of one thread, in bytes; 0 where there is none.
   *
   * @param b windows of a pass
   */
  public static long softmax(ModelSpec spec, int b) {
    if (spec.head().kind() != Head.Kind.CLASSES) {
      return 0;
    }
    List<ModelSummary.LayerSummary> layers = ModelSummary.of(spec).layers();
    long steps = spec.output() == ModelSpec.Output.SEQUENCE ? spec.lookBack() : 1;
    return VocabularyOutput.trainingBytes(
        spec.outputSize(),
        layers.get(layers.size() - 1).inputs(),
        spec.head().adaptive(),
        spec.precision(),
        b * steps);
  }

  private static int share(int batchSize, int threads) {
    return (batchSize + threads - 1) / threads;
  }

  /** That one thread computes at once. */
  private static int windows(int batchSize, int threads, int microBatches) {
    return (share(batchSize, threads) + microBatches - 1) / microBatches;
  }

  private static long kernels(ModelSpec spec, int b) {
    return kernels(
        spec,
        b,
        (ofSpec, inputs, units, steps, windows) ->
            kernelBytes(ofSpec, inputs, units, steps, windows, 1));
  }

  /** Bytes of one direction of a recurrent layer. */
  private interface KernelBytes {
    long of(ModelSpec spec, int inputs, int units, int steps, int b);
  }

  private static long kernels(ModelSpec spec, int b, KernelBytes kernel) {
    long bytes = 0;
    int inputs = spec.recurrentInputs();
    int directions = spec.bidirectional() ? 2 : 1;
    int T = spec.lookBack();
    for (int units : spec.hiddenSizes()) {
      long numbers = 0;
      if (spec.regularizers().weightDropout() > 0) {
        numbers += new CellShape(spec.cell(), inputs, units).parameterCount();
      }
      if (readsDocuments(spec)) {
        numbers += 2L * T * b * (inputs + units);
      }
      bytes += directions * (kernel.of(spec, inputs, units, T, b) + Float.BYTES * numbers);
      inputs = directions * units;
    }
    return bytes;
  }

  /** Which differ in length; windows and streams have as many steps each. */
  private static boolean readsDocuments(ModelSpec spec) {
    return spec.hasEmbedding() && spec.output() != ModelSpec.Output.SEQUENCE;
  }

  private static long reservedByKernel(ModelSpec spec, int inputs, int units, int steps, int b) {
    return Kernels.trainingBytes(
        new CellShape(spec.cell(), inputs, units),
        spec.precision(),
        spec.recurrentDropout() > 0,
        steps,
        b,
        1);
  }

  /**
   * What one direction of a recurrent layer keeps for the way back, its weights and its scratch
   * memory, in bytes.
   *
   * @param inputs I of the layer
   * @param units H
   * @param steps T of a pass
   * @param b windows of a pass
   * @param tapes passes that are kept for their way back at a time
   */
  public static long kernelBytes(
      ModelSpec spec, int inputs, int units, int steps, int b, int tapes) {
    var shape = new CellShape(spec.cell(), inputs, units);
    long reserved =
        Kernels.trainingBytes(
            shape, spec.precision(), spec.recurrentDropout() > 0, steps, b, tapes);
    return computesInBf16(spec, shape) ? (long) (TOUCHED_IN_BF16 * reserved) : reserved;
  }

  private static boolean computesInBf16(ModelSpec spec, CellShape shape) {
    return Kernels.computesInBf16(shape, spec.precision(), spec.recurrentDropout() > 0);
  }

  private static long activations(ModelSpec spec, int b) {
    long T = spec.lookBack();
    int directions = spec.bidirectional() ? 2 : 1;
    List<Integer> sizes = spec.hiddenSizes();
    long rows = Float.BYTES * T * b * (spec.hasEmbedding() ? spec.embedding().size() : 0);
    long largest = rows;
    // an adversarial pass keeps how far each row is moved
    long outputs = spec.embedding().adversarialEpsilon() > 0 ? 2 * rows : rows;
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
                .skip(
                    Networks.layersBelowRecurrent(spec)
                        + (long) sizes.size() * Networks.layersOfRecurrent(spec))
                .mapToLong(ModelSummary.LayerSummary::keptBytes)
                .sum();
    // both halves' outputs or their gradients; the lowest layer gives no gradient of its input
    long halves = spec.bidirectional() ? (sizes.size() > 1 ? 2 : 1) * largest : 0;
    return outputs + 2 * largest + halves + others;
  }
}
