package io.sluice.recurrent.pipeline;

import io.sluice.recurrent.head.LayerNormalization;
import io.sluice.recurrent.kernel.NativeBuffer;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.layer.CarriedStates;
import io.sluice.recurrent.layer.ChunkedRecurrent;
import io.sluice.recurrent.layer.TimeChunk;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.ModelSummary;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.model.WordEmbedding;
import io.sluice.recurrent.optim.FlatGradient;
import io.sluice.recurrent.optim.GlobalNormClipping;
import io.sluice.recurrent.optim.GradientExchange;
import io.sluice.recurrent.pass.TrainingPass;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * The layers of one pipeline stage: their parameters, and their passes over one time chunk of one
 * micro-batch at a time.
 *
 * <p>It holds the stage's part of the network and nothing of the rest. {@link #network} is that
 * part as DL4J has it, for its parameters, gradient and optimizer; the passes run on the layers'
 * kernels, chunk by chunk ({@link ChunkedRecurrent}), and what is above the recurrent layers as a
 * network of its own.
 *
 * <p><b>Shapes.</b> Time-major float32: a chunk comes in as (T, B, {@link #inputs}) and goes out as
 * (T, B, {@link #outputs}). Of a network over words the first stage takes ids (T, B, 1).
 */
public final class StageNetwork implements AutoCloseable {
  private final MultiLayerNetwork network;
  private final FlatGradient flat;

  /** Null in a stage without an embedding. */
  private final WordPart words;

  private final List<RecurrentPart> blocks = new ArrayList<>();
  private final HeadPart head;

  /** First number above the stage's recurrent layers. */
  private final long headFrom;

  private final boolean isFirst;
  private final boolean halfPrecision;
  private final int passes;
  private final int inputs;
  private final long tiedNumbers;
  private final List<NativeBuffer> chunks = new ArrayList<>();
  private final NativeBuffer[] scratch = {new NativeBuffer(), new NativeBuffer()};
  private int step;
  private float lossScale = 1;
  private double lossSum;

  /**
   * @param spec of the whole network
   * @param stage which part of it
   * @param seed of the whole network
   */
  public StageNetwork(
      ModelSpec spec, OptimizerSpec optimizer, Placement placement, int stage, long seed) {
    int below = Networks.layersBelowRecurrent(spec);
    int layers = Networks.layersOfRecurrent(spec);
    int recurrent = placement.recurrentLayers();
    int first = placement.first(stage);
    int end = Math.min(placement.end(stage), recurrent);
    boolean hasHead = placement.end(stage) > recurrent;
    int all = Networks.layers(spec);
    int from = first == 0 ? 0 : below + first * layers;
    int to = hasHead ? all : below + end * layers;
    this.network = Networks.part(spec, optimizer, seed, from, to, null, null);
    this.flat = FlatGradient.of(network);
    this.isFirst = stage == 0;
    this.halfPrecision = spec.precision() == Precision.F16;
    this.passes = spec.embedding().passes();
    this.tiedNumbers =
        spec.embedding().tied() ? (long) spec.embedding().words() * spec.embedding().size() : 0;
    this.words = isFirst && below > 0 ? new WordPart(conf(0), flat) : null;
    long offset = words == null ? 0 : words.parameters();
    for (int block = first; block < end; block++) {
      int index = below + block * layers - from;
      var added =
          new RecurrentPart(
              conf(index),
              layers == 2 ? (LayerNormalization) conf(index + 1) : null,
              network,
              flat,
              offset,
              network.getLayerWiseConfigurations().getConf(index).getSeed());
      blocks.add(added);
      offset += added.parameters();
    }
    int units = spec.bidirectional() ? 2 : 1;
    this.inputs =
        first == 0
            ? spec.inputSize()
            : units * spec.hiddenSizes().get(Math.min(first, recurrent) - 1);
    this.headFrom = offset;
    this.head =
        hasHead ? head(spec, optimizer, seed, below + recurrent * layers, all, offset) : null;
  }

  /**
   * Where each stage's parameters begin in those of the whole network.
   *
   * @return (P + 1): the last is their number
   */
  public static long[] starts(ModelSpec spec, Placement placement) {
    int below = Networks.layersBelowRecurrent(spec);
    int perBlock = Networks.layersOfRecurrent(spec);
    List<ModelSummary.LayerSummary> layers = ModelSummary.of(spec).layers();
    long[] starts = new long[placement.count() + 1];
    for (int layer = 0; layer < layers.size(); layer++) {
      int block = Math.min(Math.max(0, layer - below) / perBlock, placement.recurrentLayers());
      int stage = placement.stages().get(block);
      starts[stage + 1] += layers.get(layer).parameters();
    }
    for (int stage = 0; stage < placement.count(); stage++) {
      starts[stage + 1] += starts[stage];
    }
    return starts;
  }

  /**
   * Where each stage's numbers begin in what a sequence carries through the whole network, see
   * {@link CarriedStates}.
   *
   * @return (P + 1): the last is N
   */
  public static long[] stateStarts(ModelSpec spec, Placement placement) {
    int perUnit = spec.cell().hasCellState() ? 2 : 1;
    long[] starts = new long[placement.count() + 1];
    for (int block = 0; block < placement.recurrentLayers(); block++) {
      starts[placement.stages().get(block) + 1] += (long) perUnit * spec.hiddenSizes().get(block);
    }
    for (int stage = 0; stage < placement.count(); stage++) {
      starts[stage + 1] += starts[stage];
    }
    return starts;
  }

  private Layer conf(int index) {
    return network.getLayerWiseConfigurations().getConf(index).getLayer();
  }

  private HeadPart head(
      ModelSpec spec, OptimizerSpec optimizer, long seed, int from, int to, long offset) {
    INDArray parameters = range(network.params().reshape(network.numParams()), offset);
    return new HeadPart(
        (inlet, own) ->
            Networks.part(spec, optimizer, seed, from, to, inlet, own.reshape(1, own.length())),
        spec.recurrentOutputs(),
        parameters,
        spec.embedding().tied() ? spec.embedding() : WordEmbedding.NONE);
  }

  private static INDArray range(INDArray flat, long offset) {
    return offset == 0 ? flat : flat.get(NDArrayIndex.interval(offset, flat.length()));
  }

  /** The stage's part of the network: parameters, gradient, optimizer. It cannot predict. */
  public MultiLayerNetwork network() {
    return network;
  }

  /** Numbers per time step that come in. */
  public int inputs() {
    return inputs;
  }

  /** Numbers per time step that go out; of the last stage none do. */
  public int outputs() {
    return blocks.isEmpty() ? inputs : blocks.get(blocks.size() - 1).outputs();
  }

  /** Whether the network computes gradients in half precision, here or on other stages. */
  boolean isInHalfPrecision() {
    return halfPrecision;
  }

  /** Whether the loss is computed here. */
  public boolean isLast() {
    return head != null;
  }

  /**
   * Before the units of a training step: takes the parameters as they are, less the weights that
   * are dropped.
   *
   * @param lossScale what gradients are multiplied by inside of layers in half precision
   */
  public void begin(float lossScale) {
    this.lossScale = lossScale;
    step = network.getIterationCount();
    if (words != null) {
      words.begin(GlobalNormClipping.frozen(network, step) == 0);
    }
    try (var ignored = TrainingPass.begin(step, new long[0], null, lossScale)) {
      takeParameters();
    }
    blocks.forEach(RecurrentPart::beginGradient);
  }

  /**
   * Before a pass of a training step over the replica's part of the batch.
   *
   * @param moved whether rows of an embedding are moved in it, to where the step's pass before left
   * @param examples of that part
   * @param timeSteps T of their series
   */
  public void beginPass(boolean moved, int examples, int timeSteps) {
    if (words != null) {
      words.beginPass(moved, examples, timeSteps);
    }
  }

  /** Passes of a training step over its examples, here and on other stages. */
  int passes() {
    return passes;
  }

  /**
   * Lets passes begin with the states of their batch, and leave their last beside them.
   *
   * @param states of {@link #network}; null lets series begin with zeros
   */
  void carry(CarriedStates states) {
    for (int block = 0; block < blocks.size(); block++) {
      blocks.get(block).carry(states, block);
    }
  }

  /** Before a batch of a validation: takes the parameters as they are. */
  public void beginValidation() {
    step = network.getIterationCount();
    takeParameters();
  }

  private void takeParameters() {
    lossSum = 0;
    for (RecurrentPart block : blocks) {
      block.takeParameters();
    }
    if (head != null) {
      head.begin(step);
    }
  }

  /** Where the input of a unit is to be written before it is computed, (T, B, inputs). */
  public Pointer input(int tape, TimeChunk chunk) {
    if (blocks.isEmpty()) {
      return head.room(chunk);
    }
    while (chunks.size() <= tape) {
      chunks.add(new NativeBuffer());
    }
    return chunks.get(tape).atLeast((long) chunk.rows() * inputs * Float.BYTES);
  }

  /**
   * Forward over what was written to {@link #input}; on the last stage, at the last chunk, also the
   * loss and the first of the way back.
   *
   * @return (T, B, outputs), which stays until the tape's backward pass; null on the last stage
   */
  public Pointer forward(int tape, TimeChunk chunk, Examples examples) {
    Pointer x = blocks.isEmpty() ? null : chunks.get(tape).atLeast(0);
    try (var ignored = TrainingPass.begin(step, examples.keys(), null, lossScale)) {
      if (words != null) {
        x = words.forward(tape, chunk, x, network.params());
      }
      for (int b = 0; b < blocks.size(); b++) {
        x = blocks.get(b).forward(tape, chunk, x, destination(b, chunk));
      }
    }
    if (head == null) {
      return x;
    }
    if (chunk.isLast()) {
      lossSum += head.learn(examples) * examples.size();
    }
    return null;
  }

  /** Where a block's outputs go: to the head, or, null, to memory of its own. */
  private Pointer destination(int block, TimeChunk chunk) {
    return block == blocks.size() - 1 && head != null ? head.room(chunk) : null;
  }

  /**
   * Backward over what a tape holds; the gradients of the parameters are added up.
   *
   * @param dy (T, B, outputs) in: the gradient of what {@link #forward} put out; null on the last
   *     stage, which has it
   * @param last told when a block's gradient is final; null where the step has further units
   * @return (T, B, inputs), valid until the next pass but one; null on the first stage
   */
  public Pointer backward(int tape, TimeChunk chunk, Examples examples, Pointer dy, Finished last) {
    Pointer arriving = head != null ? head.gradient(chunk) : dy;
    try (var ignored = TrainingPass.begin(step, examples.keys(), null, lossScale)) {
      for (int b = blocks.size() - 1; b >= 0; b--) {
        RecurrentPart block = blocks.get(b);
        Pointer dx =
            b == 0 && isFirst && (words == null || words.isFrozen())
                ? null
                : scratch[b % 2].atLeast((long) chunk.rows() * block.inputs() * Float.BYTES);
        block.backward(tape, chunk, arriving, dx);
        arriving = dx;
        if (last != null) {
          last.block(b);
        }
      }
    }
    if (words == null) {
      return arriving;
    }
    words.backward(tape, chunk, arriving);
    if (last != null) {
      last.words();
    }
    return null;
  }

  /** Told in a step's last backward pass. */
  public interface Finished {
    /**
     * All of a block's gradient is in {@link #takeGradient}.
     *
     * @param block of the stage, from 0 at the bottom
     */
    void block(int block);

    /** The same of the rows of the embedding, after block 0. */
    void words();
  }

  /**
   * Forward without dropout and a way back, over what was written to {@link #input}.
   *
   * @param tape whose memory it may use
   * @return (T, B, outputs), which stays until the tape is used again; null on the last stage
   */
  public Pointer infer(int tape, TimeChunk chunk, Examples examples) {
    Pointer x = blocks.isEmpty() ? null : chunks.get(tape).atLeast(0);
    if (words != null) {
      x = words.infer(tape, chunk, x, network.params());
    }
    for (int b = 0; b < blocks.size(); b++) {
      x = blocks.get(b).infer(tape, chunk, x, destination(b, chunk));
    }
    if (head == null) {
      return x;
    }
    if (chunk.isLast()) {
      lossSum += head.score(examples) * examples.size();
    }
    return null;
  }

  /** Sum of the losses of the examples since {@link #begin}; 0 on all stages but the last. */
  public double lossSum() {
    return lossSum;
  }

  /** Blocks of the stage, the head not among them. */
  int blocks() {
    return blocks.size();
  }

  /**
   * Writes what is above the stage's recurrent layers of the step's gradient.
   *
   * @return its first number in the stage's flat gradient; their count if there is nothing
   */
  long takeHeadGradient() {
    if (head != null && headFrom < flat.whole().length()) {
      head.takeGradients(range(flat.whole(), headFrom));
    }
    return headFrom;
  }

  /**
   * Writes a block's part of the step's gradient.
   *
   * @return its first number in the stage's flat gradient
   */
  long takeGradient(int block) {
    return blocks.get(block).takeGradient();
  }

  /** The stage's flat gradient (P), as {@link GradientExchange} wants it. */
  FlatGradient gradient() {
    return flat;
  }

  /** Whether it begins with an embedding. */
  boolean hasWords() {
    return words != null;
  }

  /**
   * Numbers of the embedding's rows where the head is tied to them, here or elsewhere; 0 untied.
   */
  long tiedNumbers() {
    return tiedNumbers;
  }

  /** The rows of the embedding of a first stage. */
  Pointer rows() {
    return new FloatPointer(network.params().data().addressPointer());
  }

  /** Where a last stage takes the rows that its head is tied to. */
  Pointer tiedRows() {
    return head.rows();
  }

  /** What a last stage's head gives to these rows, once it has seen all of a step's examples. */
  Pointer tiedRowGradients() {
    return head.rowGradients();
  }

  /**
   * Adds what the head gives to the rows to a first stage's gradient.
   *
   * @param gradients ({@link #tiedNumbers})
   */
  void addTied(Pointer gradients) {
    var floats = new FloatPointer(gradients).capacity(tiedNumbers);
    words.addToGradient(
        Nd4j.create(Nd4j.createBuffer(floats, tiedNumbers, DataType.FLOAT), tiedNumbers));
  }

  /** Native memory that its kernels and activations hold now, in bytes. */
  public long nativeBytes() {
    long bytes = scratch[0].bytes() + scratch[1].bytes() + (head == null ? 0 : head.nativeBytes());
    for (NativeBuffer each : chunks) {
      bytes += each.bytes();
    }
    for (RecurrentPart block : blocks) {
      bytes += block.nativeBytes();
    }
    if (words != null) {
      bytes += words.nativeBytes();
    }
    return bytes;
  }

  @Override
  public void close() {
    blocks.forEach(RecurrentPart::close);
    chunks.forEach(NativeBuffer::close);
    scratch[0].close();
    scratch[1].close();
    if (words != null) {
      words.close();
    }
    if (head != null) {
      head.close();
    }
  }
}
