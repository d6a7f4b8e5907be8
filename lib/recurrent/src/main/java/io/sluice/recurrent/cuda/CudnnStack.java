package io.sluice.recurrent.cuda;

import static org.bytedeco.cuda.global.cudnn.*;

import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.State;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Alike recurrent layers on top of each other by cuDNN, the whole stack in one call.
 *
 * <p>Equations are those of {@code ReferenceKernel}, for LSTM, GRU and tanh RNN, each in one
 * direction or both; see {@link StackShape}.
 *
 * <p><b>Shapes.</b> T time steps, B sequences, D directions, L layers; time-major, row-major,
 * dense, float32 in the host's memory:
 *
 * <pre>
 * x         (T, B, I)       in
 * lengths   (B)             in: steps that each sequence has, 1 to T; null: T each
 * y         (T, B, D·H)     out: the last layer's; zero where a sequence has no step
 * initial   (L·D, B, H)     in: h and c of each layer and direction; null is zeros
 * last      (L·D, B, H)     out: after each sequence's own last step; null if nobody wants it
 * </pre>
 *
 * and in {@link #backward} their gradients; what dy holds where a sequence has no step counts for
 * nothing, and dx is zero there.
 *
 * <p><b>What crosses the bus</b>: x, y and states forward; dy, dx and their states backward; the
 * parameters when they change; their gradients when they are taken. What layers hand each other
 * stays on the device.
 *
 * <p><b>Tapes</b> as in {@code RecurrentKernel}, but a tape's backward pass uses it up.
 *
 * <p><b>Memory.</b> On the device per tape x, y, states and cuDNN's reserve (about T·B·L·D·(G +
 * 2)·H elements), the weights, their gradients and one work space; on the host staging for one
 * call. All of it grows to the largest call and stays until {@link #close}.
 *
 * <p><b>Accuracy</b> against the float64 reference: {@link GpuCheck} states and measures it for
 * each precision. Repeatable bit for bit where the environment has {@code
 * CUBLAS_WORKSPACE_CONFIG=:4096:2}.
 *
 * <p><b>Threads.</b> One at a time, and one at a time for all that share a context.
 */
public final class CudnnStack implements AutoCloseable {
  private static final IntPointer LENGTHS_ARE_IN_THE_DESCRIPTORS = null;

  private final CudaContext context;
  private final StackShape shape;
  private final CudaPrecision precision;
  private final boolean reversed;
  private final RnnDescriptor fast;
  private final RnnDescriptor standard;

  /** The fast way, until it turns out that cuDNN has none for a size. */
  private RnnDescriptor descriptor;

  private final boolean mustBeFast;
  private final List<RnnDescriptor.Move> moves;
  private final Bus bus;
  private final DeviceBuffer weights = new DeviceBuffer();
  private final DeviceBuffer gradients = new DeviceBuffer();
  private final DeviceBuffer sums = new DeviceBuffer();
  private final PinnedBuffer parametersOut = new PinnedBuffer();
  private final PinnedBuffer gradientsIn = new PinnedBuffer();
  private final List<StackTape> tapes = new ArrayList<>();
  private final StackTape inference;
  final DeviceBuffer dy = new DeviceBuffer();
  final DeviceBuffer dx = new DeviceBuffer();
  private final DeviceBuffer states = new DeviceBuffer();
  private boolean replays = true;
  private boolean hasParameters;
  private boolean copiesParameters;
  private float lossScale = 1;
  private boolean overflowed;
  private boolean closed;

  /**
   * @param context of the GPU; several stacks may share it; the caller closes it after them
   * @throws IllegalArgumentException if cuDNN has no such cell
   */
  public CudnnStack(CudaContext context, StackShape shape, CudaPrecision precision) {
    this(context, shape, precision, false, null);
  }

  /**
   * @param reversed whether time runs from the last step to the first
   * @param algorithm null: what is fastest as measured
   */
  CudnnStack(
      CudaContext context,
      StackShape shape,
      CudaPrecision precision,
      boolean reversed,
      RnnAlgorithm algorithm) {
    switch (shape.cell()) {
      case LSTM, GRU, RNN -> {}
      case PEEPHOLE_LSTM, LAYERNORM_LSTM -> throw RnnDescriptor.unsupported(shape.cell());
    }
    context.enter();
    this.context = context;
    this.shape = shape;
    this.precision = precision;
    this.reversed = reversed;
    this.bus = new Bus(context, precision);
    this.mustBeFast = algorithm != null;
    RnnAlgorithm wanted = mustBeFast ? algorithm : fastest(shape, precision);
    this.standard = new RnnDescriptor(context, shape, precision, RnnAlgorithm.STANDARD);
    Pointer memory = weights.atLeast(standard.weightBytes(), "the weights");
    this.moves = standard.moves(context, memory);
    this.fast =
        wanted == RnnAlgorithm.STANDARD
            ? standard
            : new RnnDescriptor(context, shape, precision, wanted);
    // a layout of its own would want weights of its own; none has been seen
    boolean alike =
        fast.weightBytes() == standard.weightBytes() && fast.moves(context, memory).equals(moves);
    this.descriptor = alike ? fast : standard;
    this.inference = new StackTape(context);
  }

  /**
   * The algorithm that was fastest where it was measured (an H200; lib/benchmarks,
   * gpu-kernel.json). For more units and in bfloat16 cuDNN has no persistent kernel of this kind; a
   * tanh RNN's is not accurate enough for float32: gradients were off by four times what is
   * allowed.
   */
  static RnnAlgorithm fastest(StackShape shape, CudaPrecision precision) {
    boolean small = shape.hiddenSize() <= 128 && precision != CudaPrecision.BF16;
    return small && shape.cell() != Cell.RNN ? RnnAlgorithm.PERSISTENT : RnnAlgorithm.STANDARD;
  }

  public StackShape shape() {
    return shape;
  }

  public CudaPrecision precision() {
    return precision;
  }

  /** The GPU's number. */
  public int device() {
    return context.device();
  }

  /**
   * What gradients are multiplied by inside, a power of two; 1 until it is set. Needed in {@link
   * CudaPrecision#F16} alone.
   */
  public void setLossScale(float scale) {
    if (!(scale > 0) || Float.isInfinite(scale)) {
      throw new IllegalArgumentException(
          "A loss scale must be positive and finite, but is %s".formatted(scale));
    }
    lossScale = precision == CudaPrecision.F16 ? scale : 1;
  }

  /**
   * Whether a gradient of those last taken, or of an input or state on the way to them, was not
   * finite in 16 bits: with half precision the step must be left out and the loss scale told. Of
   * stacks that share a context the one whose gradients are taken first tells for all.
   */
  public boolean overflowed() {
    return overflowed;
  }

  /**
   * Takes the parameters for all calls that follow; copies nothing if they equal the last ones.
   *
   * @param parameters {@link StackShape#parameterCount()} floats; may change after the call
   */
  public void setParameters(Pointer parameters) {
    context.enter();
    long count = standard.weightCount();
    Pointer own = parametersOut.atLeast(count * Float.BYTES);
    if (!hasParameters) {
      Pointer.memset(own, 0, count * Float.BYTES); // the biases that are zero
    }
    boolean changed = false;
    for (RnnDescriptor.Move move : moves) {
      Pointer from = Bus.at(parameters, move.from() * Float.BYTES);
      Pointer to = parametersOut.at(move.to() * Float.BYTES);
      long bytes = move.length() * Float.BYTES;
      if (!hasParameters || changed || Pointer.memcmp(from, to, bytes) != 0) {
        if (copiesParameters) {
          awaitAll();
        }
        HostCopy.copy(to, from, bytes);
        changed = true;
      }
    }
    if (changed) {
      hasParameters = true;
      copiesParameters = true;
      bus.up(own, count, weights.pointer(), 1);
    }
  }

  /** Forward without a way back. */
  public void infer(int T, int B, int[] lengths, Pointer x, State initial, Pointer y, State last) {
    context.enter();
    run(inference, false, T, B, lengths, x, initial, y, last);
  }

  /** Forward, keeping on {@code tape} what {@link #backward} needs. */
  public void forward(
      int tape, int T, int B, int[] lengths, Pointer x, State initial, Pointer y, State last) {
    context.enter();
    run(tapeFor(tape), true, T, B, lengths, x, initial, y, last);
  }

  private StackTape tapeFor(int number) {
    while (tapes.size() <= number) {
      tapes.add(new StackTape(context));
    }
    return tapes.get(number);
  }

  private void run(
      StackTape tape,
      boolean training,
      int T,
      int B,
      int[] lengths,
      Pointer x,
      State initial,
      Pointer y,
      State last) {
    take(tape, training, T, B, lengths);
    int I = shape.inputSize();
    int width = shape.outputSize();
    long state = stateLength(B);
    int perState = shape.cell().hasCellState() ? 2 : 1;
    long steps = (long) T * B;
    bus.begin(
        steps * I + (initial == null ? 0 : perState * state),
        steps * width + (last == null ? 0 : perState * state));
    bus.up(x, T, (long) B * I, reversed, tape.x.pointer(), 1);
    tape.hasInitial = initial != null;
    if (initial != null) {
      bus.up(initial.h(), 1, state, false, tape.h.pointer(), 1);
      if (perState == 2) {
        bus.up(initial.c(), 1, state, false, tape.c.pointer(), 1);
      }
    }
    forwardOnDevice(tape, last != null);
    bus.down(tape.y.pointer(), y, T, (long) B * width, reversed, 1, false);
    if (last != null) {
      bus.down(stateAt(0, B), last.h(), 1, state, false, 1, false);
      if (perState == 2) {
        bus.down(stateAt(1, B), last.c(), 1, state, false, 1, false);
      }
    }
    finish();
    tape.hasForward = training;
  }

  /** Room for a pass on the device. */
  private void take(StackTape tape, boolean training, int T, int B, int[] lengths) {
    if (!hasParameters) {
      throw new IllegalStateException("The stack has no parameters yet: set them first");
    }
    int[] all = lengths == null ? new int[B] : lengths;
    if (lengths == null) {
      Arrays.fill(all, T);
    }
    requireLengths(all, T, B);
    if (reversed && lengths != null) {
      throw new IllegalArgumentException("A stack that reads backward takes no lengths");
    }
    RnnDescriptor rnn = lengths == null ? descriptor : standard;
    try {
      tape.take(context, rnn, shape, precision, T, B, all, training);
    } catch (CudaException e) {
      if (rnn == standard || !fallsBack(e)) {
        throw e;
      }
      tape.take(context, standard, shape, precision, T, B, all, training);
    }
    // h and c at the end, and gradients of h and c at the end and at the start
    states.atLeast(6 * stateLength(B) * precision.elementBytes(), "states");
  }

  private static void requireLengths(int[] lengths, int T, int B) {
    if (lengths.length != B) {
      throw new IllegalArgumentException(
          "lengths has %d numbers, expected one for each of B=%d sequences"
              .formatted(lengths.length, B));
    }
    for (int b = 0; b < B; b++) {
      if (lengths[b] < 1 || lengths[b] > T) {
        throw new IllegalArgumentException(
            "lengths[%d] is %d, must be from 1 to T=%d".formatted(b, lengths[b], T));
      }
    }
  }

  /** The pass itself, on what lies on the device; only queued. */
  void forwardOnDevice(StackTape tape, boolean wantsLast) {
    context.workspace(tape.workspaceBytes); // before its address is asked for
    if (replays && tape.isFull) {
      tape.forward.run(forwardSignature(tape, wantsLast), () -> queueForward(tape, wantsLast));
    } else {
      queueForward(tape, wantsLast);
    }
  }

  /** All that a forward pass over a tape depends on: see {@link Replay}. */
  private long[] forwardSignature(StackTape tape, boolean wantsLast) {
    return new long[] {
      tape.T,
      tape.B,
      tape.mode(),
      tape.workspaceBytes,
      tape.reserveBytes,
      tape.descriptor.algorithm().ordinal(),
      (tape.hasInitial ? 1 : 0) + (wantsLast ? 2 : 0),
      context.workspace(tape.workspaceBytes).address(),
      tape.x.address(),
      tape.y.address(),
      tape.h.address(),
      tape.c.address(),
      tape.reserve.address(),
      weights.address(),
      states.address()
    };
  }

  /** The same of a backward pass. */
  private long[] backwardSignature(StackTape tape, boolean hasLast, boolean wantsInitial) {
    long[] forward = forwardSignature(tape, hasLast);
    long[] signature = Arrays.copyOf(forward, forward.length + 6);
    signature[forward.length] = wantsInitial ? 1 : 0;
    signature[forward.length + 1] = Float.floatToRawIntBits(lossScale);
    signature[forward.length + 2] = gradients.address();
    signature[forward.length + 3] = sums.address();
    signature[forward.length + 4] = dy.address();
    signature[forward.length + 5] = dx.address();
    return signature;
  }

  private void queueForward(StackTape tape, boolean wantsLast) {
    RnnDescriptor rnn = tape.descriptor;
    boolean hasC = shape.cell().hasCellState();
    boolean trains = tape.mode() == CUDNN_FWD_MODE_TRAINING;
    Pointer scratch = context.workspace(tape.workspaceBytes);
    Cuda.checkCudnn(
        cudnnRNNForward(
            context.cudnn(),
            rnn.pointer(),
            tape.mode(),
            LENGTHS_ARE_IN_THE_DESCRIPTORS,
            tape.xDescriptor,
            tape.x.pointer(),
            tape.yDescriptor,
            tape.y.pointer(),
            tape.stateDescriptor,
            tape.initialH(),
            wantsLast ? stateAt(0, tape.B) : null,
            tape.stateDescriptor,
            hasC ? tape.initialC() : null,
            wantsLast && hasC ? stateAt(1, tape.B) : null,
            standard.weightBytes(),
            weights.pointer(),
            tape.workspaceBytes,
            scratch,
            tape.reserveBytes,
            trains ? tape.reserve.pointer() : null),
        "cudnnRNNForward",
        tape);
  }

  /**
   * Backward over what {@code tape} holds; parameter gradients are added to the stack's sum.
   *
   * @param dy (T, B, D·H) in: ∂L/∂y
   * @param dLast (L·D, B, H) in: ∂L/∂last; null is zeros
   * @param dx (T, B, I) out: ∂L/∂x; null if nobody wants it
   * @param dInitial (L·D, B, H) out: ∂L/∂initial; null if nobody wants it
   */
  public void backward(int tape, Pointer dy, State dLast, Pointer dx, State dInitial) {
    StackTape kept = tape < tapes.size() ? tapes.get(tape) : null;
    if (kept == null || !kept.hasForward) {
      throw new IllegalStateException("Tape %d holds no forward pass".formatted(tape));
    }
    context.enter();
    int T = kept.T;
    int B = kept.B;
    int I = shape.inputSize();
    int width = shape.outputSize();
    long state = stateLength(B);
    int perState = shape.cell().hasCellState() ? 2 : 1;
    long steps = (long) T * B;
    long bytes = precision.elementBytes();
    bus.begin(
        steps * width + (dLast == null ? 0 : perState * state),
        (dx == null ? 0 : steps * I) + (dInitial == null ? 0 : perState * state));
    takeGradientRoom(kept);
    states.atLeast(6 * state * bytes, "states");
    bus.up(dy, T, (long) B * width, reversed, this.dy.pointer(), lossScale);
    if (dLast != null) {
      bus.up(dLast.h(), 1, state, false, stateAt(2, B), lossScale);
      if (perState == 2) {
        bus.up(dLast.c(), 1, state, false, stateAt(3, B), lossScale);
      }
    }
    backwardOnDevice(kept, dLast != null, dInitial != null);
    kept.hasForward = false; // the reserve is no longer what forward left
    if (dx != null) {
      bus.down(this.dx.pointer(), dx, T, (long) B * I, reversed, 1 / lossScale, true);
    }
    if (dInitial != null) {
      bus.down(stateAt(4, B), dInitial.h(), 1, state, false, 1 / lossScale, true);
      if (perState == 2) {
        bus.down(stateAt(5, B), dInitial.c(), 1, state, false, 1 / lossScale, true);
      }
    }
    finish();
  }

  private void takeGradientRoom(StackTape tape) {
    long steps = (long) tape.T * tape.B * precision.elementBytes();
    dy.atLeast(steps * shape.outputSize(), "the output's gradient");
    dx.atLeast(steps * shape.inputSize(), "the input's gradient");
    if (gradients.pointer() == null) {
      zero(
          gradients.atLeast(standard.weightBytes(), "the weights' gradients"),
          standard.weightBytes());
      if (precision.isHalf()) {
        long wide = standard.weightCount() * Float.BYTES;
        zero(sums.atLeast(wide, "the sum of the weights' gradients"), wide);
      }
    }
  }

  /** The pass itself, on what lies on the device; only queued. */
  void backwardOnDevice(StackTape tape, boolean hasLast, boolean wantsInitial) {
    context.workspace(tape.workspaceBytes);
    if (replays && tape.isFull) {
      if (precision.isHalf()) {
        context.conversions(precision); // compiled before anything is recorded
      }
      tape.backward.run(
          backwardSignature(tape, hasLast, wantsInitial),
          () -> queueBackward(tape, hasLast, wantsInitial));
    } else {
      queueBackward(tape, hasLast, wantsInitial);
    }
  }

  private void queueBackward(StackTape tape, boolean hasLast, boolean wantsInitial) {
    RnnDescriptor rnn = tape.descriptor;
    boolean hasC = shape.cell().hasCellState();
    int B = tape.B;
    Pointer scratch = context.workspace(tape.workspaceBytes);
    Cuda.checkCudnn(
        cudnnRNNBackwardData_v8(
            context.cudnn(),
            rnn.pointer(),
            LENGTHS_ARE_IN_THE_DESCRIPTORS,
            tape.yDescriptor,
            tape.y.pointer(),
            dy.pointer(),
            tape.xDescriptor,
            dx.pointer(),
            tape.stateDescriptor,
            tape.initialH(),
            hasLast ? stateAt(2, B) : null,
            wantsInitial ? stateAt(4, B) : null,
            tape.stateDescriptor,
            hasC ? tape.initialC() : null,
            hasLast && hasC ? stateAt(3, B) : null,
            wantsInitial && hasC ? stateAt(5, B) : null,
            standard.weightBytes(),
            weights.pointer(),
            tape.workspaceBytes,
            scratch,
            tape.reserveBytes,
            tape.reserve.pointer()),
        "cudnnRNNBackwardData_v8",
        tape);
    boolean half = precision.isHalf();
    if (half) {
      zero(
          gradients.pointer(),
          standard.weightBytes()); // 16 bits hold one batch's, not a sum of many
    }
    Cuda.checkCudnn(
        cudnnRNNBackwardWeights_v8(
            context.cudnn(),
            rnn.pointer(),
            CUDNN_WGRAD_MODE_ADD,
            LENGTHS_ARE_IN_THE_DESCRIPTORS,
            tape.xDescriptor,
            tape.x.pointer(),
            tape.stateDescriptor,
            tape.initialH(),
            tape.yDescriptor,
            tape.y.pointer(),
            standard.weightBytes(),
            gradients.pointer(),
            tape.workspaceBytes,
            scratch,
            tape.reserveBytes,
            tape.reserve.pointer()),
        "cudnnRNNBackwardWeights_v8",
        tape);
    if (half) {
      context
          .conversions(precision)
          .add(standard.weightCount(), gradients.pointer(), sums.pointer(), 1 / lossScale);
    }
  }

  /** Forward and backward again over what lies on the device, into a new sum; only queued. */
  void stepOnDevice(int tape) {
    StackTape kept = tapes.get(tape);
    if (!precision.isHalf()) {
      zero(gradients.pointer(), standard.weightBytes());
    }
    forwardOnDevice(kept, false);
    backwardOnDevice(kept, false, false);
  }

  /**
   * Writes the sum of the parameter gradients of all backward calls since the last time, and starts
   * a new sum.
   *
   * @param dParameters out: overwritten, laid out as the parameters
   */
  public void takeGradients(Pointer dParameters) {
    context.enter();
    overflowed = false;
    if (gradients.pointer() == null) {
      Pointer.memset(dParameters, 0, shape.parameterCount() * Float.BYTES);
      return;
    }
    long bytes = standard.weightCount() * Float.BYTES;
    Pointer sum = precision.isHalf() ? sums.pointer() : gradients.pointer();
    bus.copy(gradientsIn.atLeast(bytes), sum, bytes, cudart.cudaMemcpyDeviceToHost);
    zero(sum, bytes);
    if (precision.isHalf()) {
      overflowed = context.conversions(precision).takeSpoiled();
    }
    awaitAll();
    for (RnnDescriptor.Move move : moves) {
      HostCopy.copy(
          Bus.at(dParameters, move.from() * Float.BYTES),
          gradientsIn.at(move.to() * Float.BYTES),
          move.length() * Float.BYTES);
    }
  }

  /** From here on every pass is queued step by step: to see what replaying gains. */
  void neverReplay() {
    replays = false;
  }

  /** How the tape's passes go, for a person: which algorithm, replayed or not. */
  String waysOf(int tape) {
    StackTape kept = tapes.get(tape);
    return "%s, %s forward, %s backward"
        .formatted(kept.descriptor.algorithm(), kept.forward.way(), kept.backward.way());
  }

  /**
   * What {@link #deviceBytes} will be, with its context's work space, once a batch of B sequences
   * of T time steps has gone forward and backward.
   */
  public long trainingBytes(int T, int B) {
    context.enter();
    int[] lengths = new int[B];
    Arrays.fill(lengths, T);
    long elementBytes = precision.elementBytes();
    long steps = (long) T * B;
    long sides = (long) shape.inputSize() + shape.outputSize();
    long state = stateLength(B);
    int statesOfATape = shape.cell().hasCellState() ? 2 : 1;
    long wide =
        precision.isHalf()
            ? Float.BYTES
                * Math.max(
                    Math.max(standard.weightCount(), state),
                    steps * Math.max(shape.inputSize(), shape.outputSize()))
            : 0;
    long sum = precision.isHalf() ? standard.weightCount() * Float.BYTES : 0;
    long[] temporary = temporaryBytes(T, B, lengths);
    return 2 * standard.weightBytes()
        + sum
        + wide
        + elementBytes * (2 * steps * sides + (6 + statesOfATape) * state)
        + temporary[0]
        + temporary[1];
  }

  private long[] temporaryBytes(int T, int B, int[] lengths) {
    try (var tape = new StackTape(context)) {
      return tape.temporaryBytes(context, descriptor, shape, precision, T, B, lengths);
    } catch (CudaException e) {
      if (!fallsBack(e)) {
        throw e;
      }
      return temporaryBytes(T, B, lengths);
    }
  }

  /** Whether the fast way is given up from here on, because cuDNN has none for a size. */
  private boolean fallsBack(CudaException e) {
    if (descriptor == standard || mustBeFast || !e.getMessage().contains("NOT_SUPPORTED")) {
      return false;
    }
    descriptor = standard;
    return true;
  }

  /** Bytes of the host's memory that it holds for staging. */
  public long hostBytes() {
    return bus.hostBytes() + parametersOut.bytes() + gradientsIn.bytes();
  }

  /** Bytes of the device's memory that it holds, without what its context does. */
  public long deviceBytes() {
    long bytes =
        bus.deviceBytes()
            + weights.bytes()
            + gradients.bytes()
            + sums.bytes()
            + dy.bytes()
            + dx.bytes()
            + states.bytes()
            + inference.deviceBytes();
    for (StackTape tape : tapes) {
      bytes += tape.deviceBytes();
    }
    return bytes;
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    context.enter();
    context.await();
    tapes.forEach(StackTape::close);
    tapes.clear();
    inference.close();
    fast.close();
    standard.close();
    bus.close();
    for (DeviceBuffer buffer : List.of(weights, gradients, sums, dy, dx, states)) {
      buffer.close();
    }
    parametersOut.close();
    gradientsIn.close();
  }

  private void finish() {
    bus.finish();
    copiesParameters = false;
  }

  private void awaitAll() {
    context.await();
    copiesParameters = false;
  }

  private void zero(Pointer memory, long bytes) {
    Cuda.check(cudart.cudaMemsetAsync(memory, 0, bytes, context.stream()), "cudaMemsetAsync");
  }

  /** Elements of h of all layers and directions. */
  private long stateLength(int B) {
    return (long) shape.layers() * shape.directions() * B * shape.hiddenSize();
  }

  /** One of the six states that do not belong to a tape. */
  private Pointer stateAt(int number, int B) {
    return states.at(number * stateLength(B) * precision.elementBytes());
  }
}
