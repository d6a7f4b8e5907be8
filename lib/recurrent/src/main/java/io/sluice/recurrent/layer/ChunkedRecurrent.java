package io.sluice.recurrent.layer;

import io.sluice.recurrent.dropout.DropoutMask;
import io.sluice.recurrent.dropout.ExampleDropout;
import io.sluice.recurrent.dropout.WeightDropout;
import io.sluice.recurrent.kernel.CellShape;
import io.sluice.recurrent.kernel.Direction;
import io.sluice.recurrent.kernel.Kernels;
import io.sluice.recurrent.kernel.NativeBuffer;
import io.sluice.recurrent.kernel.RecurrentKernel;
import io.sluice.recurrent.kernel.State;
import io.sluice.recurrent.pass.TrainingPass;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A recurrent layer over time chunks, each kept on a tape of its own, so that several batches may
 * be under way: the states pass from a chunk to the next, their gradients back. What comes out is
 * what the layer computes over the whole series, to float32 rounding; nothing is truncated.
 *
 * <p><b>Shapes</b> are those of {@link RecurrentKernel}: time-major float32, y (T, B, H), or (T, B,
 * 2H) of a bidirectional layer, which takes whole series only. A series may end before the others:
 * what x and y have from there on does not matter, and dy must be zero there.
 *
 * <p><b>Order.</b> Forward passes take the chunks of a batch in the order of time, and one batch
 * after the other; backward passes the batches in the same order, the chunks of each from the last.
 * Between, forward and backward may alternate.
 *
 * <p><b>Memory.</b> x of a training pass belongs to the layer until its way back is done: dropout
 * is applied to it in place. y is the caller's.
 */
public final class ChunkedRecurrent implements AutoCloseable {
  private final List<Half> halves = new ArrayList<>();
  private final CellShape shape;
  private final int outputs;
  private final SideBySide sides = new SideBySide();
  private final NativeBuffer left = new NativeBuffer();
  private final NativeBuffer right = new NativeBuffer();
  private final NativeBuffer xRight = new NativeBuffer();

  /** Copies of the input by tape, for a second direction that drops its own or moves series. */
  private final List<NativeBuffer> inputs = new ArrayList<>();

  /**
   * @param layer a {@link Recurrent} or {@link BidirectionalRecurrent} with its sizes set
   * @param seed of the network, which the weights that are dropped follow from
   */
  public ChunkedRecurrent(Layer layer, long seed) {
    if (layer instanceof BidirectionalRecurrent both) {
      halves.add(new Half((Recurrent) both.getFwd(), seed));
      halves.add(new Half((Recurrent) both.getBwd(), seed));
    } else if (layer instanceof Recurrent one) {
      halves.add(new Half(one, seed));
    } else {
      throw new IllegalArgumentException(
          "Layer %s is no recurrent layer of ours: %s".formatted(layer.getLayerName(), layer));
    }
    this.shape = halves.get(0).shape;
    this.outputs = halves.size() * shape.hiddenSize();
  }

  /** I, numbers in per time step. */
  public int inputs() {
    return shape.inputSize();
  }

  /** Numbers out per time step. */
  public int outputs() {
    return outputs;
  }

  /** Of both directions. */
  public long parameterCount() {
    return halves.size() * shape.parameterCount();
  }

  /**
   * Takes the parameters for all passes that follow; in a {@link TrainingPass} it drops weights for
   * all of them.
   *
   * @param parameters as they lie in the network; stay as they are until these passes are done
   */
  public void setParameters(Pointer parameters) {
    for (int half = 0; half < halves.size(); half++) {
      halves.get(half).setParameters(ofHalf(parameters, half));
    }
  }

  /**
   * Lets the gradients of the parameters be added up where {@link #takeGradients} will write them.
   *
   * @param gradient as that will be given it; what lies there may be lost
   */
  public void sumGradientsAt(Pointer gradient) {
    for (int half = 0; half < halves.size(); half++) {
      halves.get(half).kernel.sumGradientsAt(ofHalf(gradient, half));
    }
  }

  /**
   * Forward, keeping on {@code tape} what {@link #backward} needs.
   *
   * @param x (T, B, I) in: overwritten by dropout
   * @param y (T, B, outputs) out
   */
  public void forward(int tape, TimeChunk chunk, Pointer x, Pointer y) {
    requireWhole(chunk);
    if (halves.size() == 1) {
      halves.get(0).forward(tape, chunk, x, y);
      return;
    }
    Pointer second = x;
    if (halves.get(1).dropout != null || chunk.lengths() != null) {
      while (inputs.size() <= tape) {
        inputs.add(new NativeBuffer());
      }
      long bytes = (long) chunk.rows() * inputs() * Float.BYTES;
      second = inputs.get(tape).atLeast(bytes);
      Pointer.memcpy(second, x, bytes);
    }
    halves.get(0).forward(tape, chunk, x, room(left, chunk));
    halves.get(1).forward(tape, chunk, second, room(right, chunk));
    join(chunk, y);
  }

  /**
   * Forward without a way back and without dropout.
   *
   * @param x (T, B, I) in
   * @param y (T, B, outputs) out
   */
  public void infer(TimeChunk chunk, Pointer x, Pointer y) {
    requireWhole(chunk);
    if (halves.size() == 1) {
      halves.get(0).infer(chunk, x, y);
      return;
    }
    Pointer second = x;
    if (chunk.lengths() != null) {
      long bytes = (long) chunk.rows() * inputs() * Float.BYTES;
      second = xRight.atLeast(bytes);
      Pointer.memcpy(second, x, bytes);
    }
    halves.get(0).infer(chunk, x, room(left, chunk));
    halves.get(1).infer(chunk, second, room(right, chunk));
    join(chunk, y);
  }

  /**
   * Backward over what {@code tape} holds; the gradients of the parameters are added up.
   *
   * @param dy (T, B, outputs) in: ∂L/∂y
   * @param dx (T, B, I) out: ∂L/∂x; null if nobody wants it
   */
  public void backward(int tape, TimeChunk chunk, Pointer dy, Pointer dx) {
    if (halves.size() == 1) {
      halves.get(0).backward(tape, chunk, dy, dx);
      return;
    }
    sides.split(dy, room(left, chunk), room(right, chunk), chunk.rows(), halfBytes());
    halves.get(0).backward(tape, chunk, room(left, chunk), dx);
    if (dx == null) {
      halves.get(1).backward(tape, chunk, room(right, chunk), null);
      return;
    }
    long n = (long) chunk.rows() * inputs();
    Pointer second = xRight.atLeast(n * Float.BYTES);
    halves.get(1).backward(tape, chunk, room(right, chunk), second);
    array(dx, n).addi(array(second, n));
  }

  /**
   * Writes the sum of the parameters' gradients since the last time, and starts a new one.
   *
   * @param gradient out: overwritten, laid out as the parameters
   */
  public void takeGradients(Pointer gradient) {
    for (int half = 0; half < halves.size(); half++) {
      halves.get(half).takeGradients(ofHalf(gradient, half));
    }
  }

  /**
   * From now on the first chunks of series begin with states that were carried, and the last ones
   * leave theirs beside them.
   *
   * @param states of a network; null is zeros, and nobody wants the last ones
   * @param layer which of its recurrent layers this is
   */
  public void carry(CarriedStates states, int layer) {
    halves.get(0).carried = states == null ? null : states.ofLayer(layer);
  }

  private void requireWhole(TimeChunk chunk) {
    if (halves.size() > 1 && !(chunk.isFirst() && chunk.isLast())) {
      throw new IllegalArgumentException(
          "A bidirectional layer reads whole series, not the %d time steps from step %d on"
              .formatted(chunk.steps(), chunk.firstStep()));
    }
  }

  private Pointer ofHalf(Pointer block, int half) {
    return half == 0 ? block : new FloatPointer(block).getPointer(shape.parameterCount());
  }

  private Pointer room(NativeBuffer side, TimeChunk chunk) {
    return side.atLeast((long) chunk.rows() * halfBytes());
  }

  private int halfBytes() {
    return shape.hiddenSize() * Float.BYTES;
  }

  private void join(TimeChunk chunk, Pointer y) {
    sides.join(room(left, chunk), room(right, chunk), y, chunk.rows(), halfBytes());
  }

  private static INDArray array(Pointer memory, long n) {
    var floats = new FloatPointer(memory).capacity(n);
    return Nd4j.create(Nd4j.createBuffer(floats, n, DataType.FLOAT), n);
  }

  /** Native memory that it holds now, in bytes. */
  public long nativeBytes() {
    long bytes = left.bytes() + right.bytes() + xRight.bytes();
    for (NativeBuffer each : inputs) {
      bytes += each.bytes();
    }
    for (Half half : halves) {
      bytes += half.nativeBytes();
    }
    return bytes;
  }

  @Override
  public void close() {
    halves.forEach(Half::close);
    inputs.forEach(NativeBuffer::close);
    left.close();
    right.close();
    xRight.close();
  }

  /** One direction. */
  private static final class Half implements AutoCloseable {
    private final CellShape shape;
    private final RecurrentKernel kernel;

    /** Of the input; null drops nothing. */
    private final DropoutMask dropout;

    private final boolean oncePerSeries;

    /** Of the recurrent state; null drops nothing. */
    private final DropoutMask stateDropout;

    /** Factors (B, H) of the batches under way, the oldest first. */
    private final Deque<INDArray> factors = new ArrayDeque<>();

    /** Those of batches that are done. */
    private final Deque<INDArray> spare = new ArrayDeque<>();

    private final Carried states = new Carried();
    private final Carried gradients = new Carried();

    /** Of the recurrent weights; null drops none. */
    private final WeightDropout weightDropout;

    private final NativeBuffer weights = new NativeBuffer();

    /** Of the mask of the parameters taken last. */
    private long weightKey;

    /** Of the network's batches; null where series begin. */
    private CarriedStates.OfLayer carried;

    /** Null where the first step is read first. */
    private final SeriesEnds ends;

    Half(Recurrent layer, long seed) {
      this.shape = layer.shape();
      this.ends = layer.getDirection() == Direction.BACKWARD ? new SeriesEnds() : null;
      this.weightDropout =
          layer.getWeightDropout() > 0 ? layer.weightMasks(layer.getLayerName(), seed) : null;
      boolean dropsState = layer.getRecurrentDropout() > 0;
      this.kernel = Kernels.create(shape, layer.getDirection(), layer.getPrecision(), dropsState);
      if (layer.getIDropout() instanceof ExampleDropout example) {
        this.dropout = example.newMasks();
        this.oncePerSeries = example.isOncePerSeries();
      } else if (layer.getIDropout() == null) {
        this.dropout = null;
        this.oncePerSeries = false;
      } else {
        throw new IllegalArgumentException(
            "Layer %s has DL4J's own dropout, which follows no example: train it in one piece"
                .formatted(layer.getLayerName()));
      }
      this.stateDropout = dropsState ? layer.stateMasks(layer.getLayerName()) : null;
    }

    void setParameters(Pointer parameters) {
      if (weightDropout == null || TrainingPass.current() == null) {
        kernel.setParameters(parameters);
        return;
      }
      long bytes = shape.parameterCount() * Float.BYTES;
      Pointer dropped = weights.atLeast(bytes);
      Pointer.memcpy(dropped, parameters, bytes);
      weightKey = weightDropout.key();
      dropWeights(dropped);
      kernel.setParameters(dropped);
    }

    void takeGradients(Pointer gradient) {
      kernel.takeGradients(gradient);
      if (weightDropout != null) {
        dropWeights(gradient);
      }
    }

    /** Of parameters, or their gradients. */
    private void dropWeights(Pointer flat) {
      CellShape.Parameter RW = shape.parameter("RW");
      weightDropout.multiply(
          new FloatPointer(flat).getPointer(RW.offset()),
          Math.toIntExact(RW.length()),
          Float.BYTES,
          weightKey);
    }

    /** Whether series must end together, because it reads their ends first. */
    private boolean movesSeries(TimeChunk chunk) {
      return ends != null && chunk.lengths() != null;
    }

    void forward(int tape, TimeChunk chunk, Pointer x, Pointer y) {
      if (chunk.isFirst() && stateDropout != null) {
        drawFactors(chunk.examples());
      }
      if (dropout != null) {
        drop(chunk, x);
      }
      if (movesSeries(chunk)) {
        ends.toEnd(x, chunk, shape.inputSize());
      }
      kernel.setStateFactors(stateDropout == null ? null : TimeMajor.memory(factors.getLast()));
      State before = before(chunk);
      kernel.forward(tape, chunk.steps(), chunk.examples(), x, before, y, after(chunk));
      if (movesSeries(chunk)) {
        ends.toBegin(y, chunk, shape.hiddenSize());
      }
    }

    void infer(TimeChunk chunk, Pointer x, Pointer y) {
      if (movesSeries(chunk)) {
        ends.toEnd(x, chunk, shape.inputSize());
      }
      kernel.setStateFactors(null);
      State before = before(chunk);
      kernel.infer(chunk.steps(), chunk.examples(), x, before, y, after(chunk));
      if (movesSeries(chunk)) {
        ends.toBegin(y, chunk, shape.hiddenSize());
      }
    }

    void backward(int tape, TimeChunk chunk, Pointer dy, Pointer dx) {
      if (movesSeries(chunk)) {
        ends.toEnd(dy, chunk, shape.hiddenSize());
      }
      State arriving = chunk.isLast() ? null : gradients.now();
      State leaving = chunk.isFirst() ? null : gradients.next(chunk.examples(), shape);
      kernel.setLossScale(TrainingPass.lossScale());
      kernel.backward(tape, dy, arriving, dx, leaving);
      if (chunk.isFirst() && stateDropout != null) {
        spare.addLast(factors.removeFirst());
      }
      if (dx != null && movesSeries(chunk)) {
        ends.toBegin(dx, chunk, shape.inputSize());
      }
      if (dx != null && dropout != null) {
        drop(chunk, dx);
      }
    }

    private State before(TimeChunk chunk) {
      if (!chunk.isFirst()) {
        return states.now();
      }
      return carried == null ? null : carried.first(chunk.firstExample());
    }

    private State after(TimeChunk chunk) {
      if (!chunk.isLast()) {
        return states.next(chunk.examples(), shape);
      }
      return carried == null ? null : carried.last(chunk.firstExample());
    }

    private void drop(TimeChunk chunk, Pointer rows) {
      dropout.multiply(
          rows,
          chunk.steps(),
          chunk.examples(),
          shape.inputSize(),
          chunk.firstStep(),
          oncePerSeries);
    }

    private void drawFactors(int B) {
      INDArray drawn = spare.pollFirst();
      if (drawn == null || drawn.size(0) != B) {
        drawn = Nd4j.createUninitialized(DataType.FLOAT, B, shape.hiddenSize());
      }
      stateDropout.draw(drawn, B);
      factors.addLast(drawn);
    }

    long nativeBytes() {
      return kernel.nativeBytes() + weights.bytes() + states.bytes() + gradients.bytes();
    }

    @Override
    public void close() {
      kernel.close();
      weights.close();
      states.close();
      gradients.close();
    }
  }

  /** States, or their gradients, between two chunks: one that is read, one that is written. */
  private static final class Carried implements AutoCloseable {
    private final NativeBuffer[] buffers = {new NativeBuffer(), new NativeBuffer()};
    private State current;
    private int written;

    /** What was written last. */
    State now() {
      return current;
    }

    /** Room for the next one, beside the last one. */
    State next(int B, CellShape shape) {
      written = 1 - written;
      long n = (long) B * shape.hiddenSize();
      FloatPointer memory = new FloatPointer(buffers[written].atLeast(2 * n * Float.BYTES));
      current = new State(memory, shape.cell().hasCellState() ? memory.getPointer(n) : null);
      return current;
    }

    long bytes() {
      return buffers[0].bytes() + buffers[1].bytes();
    }

    @Override
    public void close() {
      buffers[0].close();
      buffers[1].close();
    }
  }
}
