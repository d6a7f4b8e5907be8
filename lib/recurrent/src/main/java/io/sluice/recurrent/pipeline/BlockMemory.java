package io.sluice.recurrent.pipeline;

import io.sluice.recurrent.kernel.CellShape;
import io.sluice.recurrent.memory.NativeMemory;
import io.sluice.recurrent.memory.TrainingMemory;
import io.sluice.recurrent.model.Attention;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.ModelSummary;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** {@link StageMemory} of any consecutive blocks of a network on any stage. */
final class BlockMemory {
  /** What DL4J's workspaces reserve of what they are asked for. */
  private static final double WORKSPACE = 1.05;

  /**
   * A layer's kernels, both directions.
   *
   * @param once weights and scratch memory
   * @param perTape what is kept of a chunk
   */
  private record Kernel(long once, long perTape) {}

  private final ModelSpec spec;
  private final OptimizerSpec.Algorithm algorithm;
  private final Chunks chunks;
  private final int windows;
  private final List<Integer> sizes;
  private final int directions;
  private final List<ModelSummary.LayerSummary> layers;

  /** By recurrent layer: making oneDNN's primitives takes a millisecond. */
  private final Map<Integer, Kernel> kernels = new HashMap<>();

  /**
   * @param windows b, of the largest micro-batch
   */
  BlockMemory(ModelSpec spec, OptimizerSpec.Algorithm algorithm, Chunks chunks, int windows) {
    this.spec = spec;
    this.algorithm = algorithm;
    this.chunks = chunks;
    this.windows = windows;
    this.sizes = spec.hiddenSizes();
    this.directions = spec.bidirectional() ? 2 : 1;
    this.layers = ModelSummary.of(spec).layers();
  }

  /**
   * @param first block
   * @param end after the last block
   */
  NativeMemory of(Schedule schedule, int stage, int first, int end) {
    long P = Float.BYTES * parameters(first, end);
    long tied =
        spec.embedding().tied()
            ? (long) Float.BYTES * spec.embedding().words() * spec.embedding().size()
            : 0;
    long head = hasHead(end) ? Float.BYTES * parameters(sizes.size(), end) + tied : 0;
    long arriving = first == 0 && !hasHead(end) ? tied : 0;
    double tapes = tapes(schedule, stage);
    long factors =
        spec.recurrentDropout() > 0
            ? (long) schedule.microBatchesUnderWay(stage) * directions * windows * units(first, end)
            : 0;
    return new NativeMemory(
        P + (hasHead(end) ? tied : 0),
        algorithm.momentsPerParameter() * P,
        P + 2 * head + arriving,
        kernels(tapes, first, end),
        activations(tapes, first, end)
            + headLayers(end)
            + moves(schedule, first)
            + Float.BYTES * (step(first, end) + factors),
        TrainingMemory.BESIDES_BYTES);
  }

  /** Of its GPU, if it has one: what recurrent layers take there, in bytes. */
  long ofDevice(Schedule schedule, int stage, int first, int end) {
    double tapes = tapes(schedule, stage);
    long rows = (long) chunks.chunkSteps() * windows;
    long bytes = 0;
    for (int block = first; block < top(end); block++) {
      bytes += DeviceMemory.ofLayer(spec, block, rows, windows, tapes);
    }
    return bytes;
  }

  /**
   * Whole chunks that a stage keeps: where it keeps all of a step, the last of a series is short.
   */
  double tapes(Schedule schedule, int stage) {
    double all = schedule.microBatches() * (double) chunks.timeSteps() / chunks.chunkSteps();
    return Math.min(schedule.lead(stage), all);
  }

  /** Of blocks, in numbers. */
  long parameters(int first, int end) {
    int from = first == 0 ? 0 : layersBelow(first);
    int to = hasHead(end) ? layers.size() : layersBelow(end);
    return layers.subList(from, to).stream().mapToLong(ModelSummary.LayerSummary::parameters).sum();
  }

  /** DL4J's layers below a block other than the lowest. */
  private int layersBelow(int block) {
    return Networks.layersBelowRecurrent(spec)
        + Math.min(block, sizes.size()) * Networks.layersOfRecurrent(spec);
  }

  private boolean hasHead(int end) {
    return end > sizes.size();
  }

  private int top(int end) {
    return Math.min(end, sizes.size());
  }

  private long units(int first, int end) {
    long units = 0;
    for (int block = first; block < top(end); block++) {
      units += sizes.get(block);
    }
    return units;
  }

  /** What kernels touch, in bytes. */
  long kernels(double tapes, int first, int end) {
    long bytes = 0;
    for (int block = first; block < top(end); block++) {
      Kernel kernel = kernels.computeIfAbsent(block, this::kernel);
      bytes += kernel.once + (long) (tapes * kernel.perTape);
    }
    return bytes;
  }

  private Kernel kernel(int block) {
    long one = kernelBytes(block, 1);
    long perTape = kernelBytes(block, 2) - one;
    long dropped =
        spec.regularizers().weightDropout() > 0
            ? Float.BYTES
                * new CellShape(spec.cell(), BlockSeconds.inputs(spec, block), sizes.get(block))
                    .parameterCount()
            : 0;
    return new Kernel(directions * (one - perTape + dropped), directions * perTape);
  }

  private long kernelBytes(int block, int tapes) {
    return TrainingMemory.kernelBytes(
        spec,
        BlockSeconds.inputs(spec, block),
        sizes.get(block),
        chunks.chunkSteps(),
        windows,
        tapes);
  }

  /** What {@link StageNetwork} holds besides kernels, in bytes. */
  long activations(double tapes, int first, int end) {
    long rows = (long) chunks.chunkSteps() * windows;
    int top = top(end);
    double numbers = first < top ? tapes * rows * BlockSeconds.inputs(spec, first) : 0;
    boolean hasWords = first == 0 && spec.hasEmbedding();
    numbers += hasWords ? tapes * rows : 0; // ids
    long[] scratch = new long[2];
    for (int block = first; block < top; block++) {
      boolean goesToHead = hasHead(end) && block == top - 1;
      long inputs = rows * BlockSeconds.inputs(spec, block);
      long outputs = rows * directions * sizes.get(block);
      numbers += ((spec.layerNorm() ? 2 : 1) - (goesToHead ? 1 : 0)) * tapes * outputs;
      numbers += spec.layerNorm() ? outputs : 0;
      if (spec.bidirectional()) {
        // both halves; the second one's input gradient; its input where it is one of its own
        numbers += outputs;
        numbers += givesInputGradient(block) ? inputs : 0;
        numbers += copiesInput(block) ? tapes * inputs : 0;
      }
      if (chunks.count() > 1) {
        // h and c between chunks and their gradients, twice each
        numbers += 8L * directions * windows * sizes.get(block);
      }
      if (givesInputGradient(block)) {
        int parity = (block - first) % 2;
        scratch[parity] = Math.max(scratch[parity], inputs);
      }
    }
    long series = hasHead(end) ? 2 * series() : 0;
    return Float.BYTES * (Math.round(numbers) + scratch[0] + scratch[1] + series);
  }

  /** What rows of an embedding are moved by between two passes over a batch, in bytes. */
  long moves(Schedule schedule, int first) {
    return first == 0 && spec.embedding().passes() > 1
        ? (long) Float.BYTES
            * schedule.microBatches()
            * windows
            * chunks.timeSteps()
            * spec.embedding().size()
        : 0;
  }

  private boolean givesInputGradient(int block) {
    return block > 0 || spec.hasEmbedding() && !spec.embedding().frozen();
  }

  /**
   * Whether the direction that reads the end first has an input of its own: to drop of, or, of
   * documents, to have all series end together.
   */
  private boolean copiesInput(int block) {
    return spec.hasEmbedding()
        || (block > 0 ? spec.dropout() : spec.regularizers().inputDropout()) > 0;
  }

  /** Numbers that come into the head. */
  private long series() {
    return (long) chunks.timeSteps() * windows * spec.recurrentOutputs();
  }

  /** What the layers above the recurrent ones hold, in bytes. */
  private long headLayers(int end) {
    if (!hasHead(end)) {
      return 0;
    }
    long kept =
        layers.stream()
            .skip(layersBelow(sizes.size()))
            .mapToLong(ModelSummary.LayerSummary::keptBytes)
            .sum();
    // its input and the gradient of that; once more where every step goes further up
    boolean goFurther =
        spec.attention().kind() == Attention.Kind.SELF_ATTENTION
            || spec.output() == ModelSpec.Output.SEQUENCE;
    int arrays = goFurther ? 4 : 2;
    return (long) (WORKSPACE * arrays * Float.BYTES * series())
        + windows * kept
        + TrainingMemory.softmax(spec, windows);
  }

  /** What {@link StageStep} holds, in numbers. */
  private long step(int first, int end) {
    long rows = (long) chunks.chunkSteps() * windows;
    long features = first == 0 ? (long) chunks.timeSteps() * windows * spec.inputSize() : 0;
    long arriving = hasHead(end) ? 0 : rows * directions * sizes.get(end - 1);
    return features + arriving;
  }
}
