package io.sluice.recurrent.kernel;

import static org.bytedeco.dnnl.global.dnnl.*;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * A recurrent layer by oneDNN: the whole time loop in one native call, forward and backward.
 *
 * <p>Equations and shapes are those of {@link RecurrentKernel}; there is no layer-norm LSTM.
 *
 * <p><b>Gate order.</b> LSTM i f g o, as here. oneDNN's GRU has z r n, ours r z n: rows are swapped
 * on the way in and out.
 *
 * <p><b>Weights</b> are reordered for the primitives once per {@link #setParameters} that changes
 * them (a comparison of the bytes tells), weight gradients once per {@link #takeGradients}.
 *
 * <p><b>Memory.</b> Per tape what backward needs (about T·B·(G + 2)·H numbers), one scratch area,
 * two copies of the weights and one of their gradients, of a GRU two; all of it grows to the
 * largest call and stays until {@link #close}.
 *
 * <p><b>Accuracy.</b> Against the float64 reference: float32 sums over I + H terms and T steps, see
 * {@code OneDnnKernelTest}. NaN stays in its sequence, but parameter gradients are sums over all.
 *
 * <p><b>Threads.</b> oneDNN takes OpenMP's number of threads of the calling thread when a primitive
 * is made.
 */
final class OneDnnKernel implements RecurrentKernel {
  /**
   * Shapes whose primitives are kept; a tail batch and a validation batch are the usual company.
   */
  private static final int PLANS = 32;

  private record PlanKey(int T, int B, OneDnnPlan.Purpose purpose) {}

  /** {@code length} floats from {@code from} in our block to {@code to} in oneDNN's. */
  private record Move(long from, long to, long length) {}

  private final CellShape shape;
  private final Direction direction;
  private final Precision precision;
  private final stream stream = new stream(OneDnn.engine());
  private final List<Move> moves;

  /** From here to the block's end gradients come by {@link #gradients}; before, straight. */
  private final long gradientsFrom;

  private final Map<PlanKey, OneDnnPlan> plans = new LinkedHashMap<>(PLANS, 0.75f, true);
  private final List<OneDnnWeights> packed = new ArrayList<>();
  private final List<OneDnnTape> tapes = new ArrayList<>();
  private final OneDnnTape inference = new OneDnnTape();
  private final NativeBuffer parameters = new NativeBuffer();
  private final NativeBuffer gradients = new NativeBuffer();
  private final NativeBuffer scratch = new NativeBuffer();
  private final NativeBuffer unwantedDx = new NativeBuffer();
  private final NativeBuffer dStates = new NativeBuffer();

  /** What training needs of it; a pass without a way back may need more. */
  private long trainingScratch;

  private long version;

  OneDnnKernel(CellShape shape, Direction direction, Precision precision) {
    if (shape.cell() == Cell.LAYERNORM_LSTM) {
      throw unsupported(shape.cell());
    }
    this.shape = shape;
    this.direction = direction;
    this.precision = precision;
    this.moves = moves(shape);
    this.gradientsFrom = gradientsFrom(shape);
  }

  /** A GRU's rows of gates must be swapped; else weights come as they are wanted. */
  private static long gradientsFrom(CellShape shape) {
    return shape.cell() == Cell.GRU ? 0 : shape.parameter("b").offset();
  }

  static IllegalArgumentException unsupported(Cell cell) {
    return new IllegalArgumentException("oneDNN has no " + cell.label());
  }

  @Override
  public CellShape shape() {
    return shape;
  }

  @Override
  public String name() {
    return precision == Precision.BF16 ? "oneDNN bf16" : "oneDNN f32";
  }

  @Override
  public void setParameters(Pointer from) {
    Pointer own = parameters.atLeast(blockBytes());
    for (Move move : moves) {
      Pointer source = at(from, move.from);
      Pointer target = at(own, move.to);
      if (version == 0 || Pointer.memcmp(source, target, move.length * Float.BYTES) != 0) {
        Pointer.memcpy(target, source, move.length * Float.BYTES);
        version++;
      }
    }
  }

  @Override
  public void setStateFactors(Pointer factors) {
    if (factors != null) {
      throw new UnsupportedOperationException("oneDNN drops nothing of the recurrent state");
    }
  }

  @Override
  public void infer(int T, int B, Pointer x, State initial, Pointer y, State last) {
    run(plan(T, B, OneDnnPlan.Purpose.INFERENCE), inference, x, initial, y, last);
  }

  @Override
  public void forward(int tape, int T, int B, Pointer x, State initial, Pointer y, State last) {
    while (tapes.size() <= tape) {
      tapes.add(new OneDnnTape());
    }
    OneDnnPlan plan = plan(T, B, OneDnnPlan.Purpose.TRAINING);
    OneDnnTape kept = tapes.get(tape);
    plan.forward.set(
        DNNL_ARG_WORKSPACE, kept.workspace.atLeast(plan.forward.bytes(DNNL_ARG_WORKSPACE)));
    run(plan, kept, x, initial, y, last);
  }

  private void run(
      OneDnnPlan plan, OneDnnTape tape, Pointer x, State initial, Pointer y, State last) {
    tape.write(plan, x, initial, y, stream);
    setWeights(plan.forward);
    tape.setStates(plan.forward);
    setScratch(plan.forward, plan.backward != null);
    plan.forward.execute(stream);
    tape.read(y, last, stream);
  }

  @Override
  public void backward(int tape, Pointer dy, State dLast, Pointer dx, State dInitial) {
    OneDnnTape kept = tape < tapes.size() ? tapes.get(tape) : null;
    if (kept == null || kept.plan == null) {
      throw new IllegalStateException("Tape %d holds no forward pass".formatted(tape));
    }
    OneDnnPlan plan = plan(kept.plan.T, kept.plan.B, OneDnnPlan.Purpose.TRAINING);
    OneDnnPlan.Pass pass = plan.backward;
    setWeights(pass);
    setGradients(pass);
    kept.setStates(pass);
    pass.set(DNNL_ARG_WORKSPACE, kept.workspace.atLeast(0));
    pass.set(DNNL_ARG_DIFF_DST_LAYER, dy);
    pass.set(
        DNNL_ARG_DIFF_SRC_LAYER,
        dx != null ? dx : unwantedDx.atLeast(pass.bytes(DNNL_ARG_DIFF_SRC_LAYER)));
    setStateGradients(pass, (long) plan.B * shape.hiddenSize(), dLast, dInitial);
    setScratch(pass, true);
    pass.execute(stream);
  }

  @Override
  public void freeTapes() {
    tapes.forEach(OneDnnTape::close);
    inference.close();
    if (scratch.bytes() > trainingScratch) {
      scratch.close();
    }
  }

  @Override
  public void takeGradients(Pointer dParameters) {
    Pointer own = gradients();
    boolean hasWeights = false;
    for (OneDnnWeights gradient : packed) {
      if (gradient.unpacks()) {
        long offset = shape.parameter(gradient.name()).offset();
        boolean isStraight = offset < gradientsFrom;
        gradient.unpackAndClear(at(isStraight ? dParameters : own, offset), stream);
        hasWeights = true;
      }
    }
    if (!hasWeights) {
      Pointer.memset(dParameters, 0, gradientsFrom * Float.BYTES);
    }
    for (Move move : moves) {
      long skipped = Math.max(0, gradientsFrom - move.from);
      Pointer.memcpy(
          at(dParameters, move.from + skipped),
          at(own, move.to + skipped - gradientsFrom),
          (move.length - skipped) * Float.BYTES);
    }
    Pointer.memset(own, 0, gradients.bytes());
  }

  /**
   * What {@link #nativeBytes} will be once batches of this size have gone forward, one on each of
   * {@code tapes}, and backward.
   */
  static long trainingBytes(CellShape shape, Precision precision, int T, int B, int tapes) {
    try (var plan =
        new OneDnnPlan(shape, Direction.FORWARD, precision, T, B, OneDnnPlan.Purpose.TRAINING)) {
      OneDnnPlan.Pass forward = plan.forward;
      OneDnnPlan.Pass backward = plan.backward;
      long states = 4L * B * shape.hiddenSize() * Float.BYTES;
      long tape =
          forward.bytes(DNNL_ARG_WORKSPACE)
              + forward.bytes(DNNL_ARG_DST_LAYER)
              + (plan.rounds() ? forward.bytes(DNNL_ARG_SRC_LAYER) : 0)
              + states;
      long packed =
          forward.bytes(DNNL_ARG_WEIGHTS_LAYER)
              + forward.bytes(DNNL_ARG_WEIGHTS_ITER)
              + backward.bytes(DNNL_ARG_WEIGHTS_LAYER)
              + backward.bytes(DNNL_ARG_WEIGHTS_ITER)
              + backward.bytes(DNNL_ARG_DIFF_WEIGHTS_LAYER)
              + backward.bytes(DNNL_ARG_DIFF_WEIGHTS_ITER);
      return tapes * tape
          + Math.max(forward.bytes(DNNL_ARG_SCRATCHPAD), backward.bytes(DNNL_ARG_SCRATCHPAD))
          + packed
          + (2 * shape.parameterCount() - gradientsFrom(shape)) * Float.BYTES
          + states;
    }
  }

  @Override
  public long nativeBytes() {
    long bytes = inference.bytes();
    for (OneDnnTape tape : tapes) {
      bytes += tape.bytes();
    }
    for (OneDnnWeights weights : packed) {
      bytes += weights.bytes();
    }
    for (NativeBuffer buffer : buffers()) {
      bytes += buffer.bytes();
    }
    return bytes;
  }

  /** Frees all that it holds and knows; the next pass takes it again. */
  void forget() {
    plans.values().forEach(OneDnnPlan::close);
    plans.clear();
    packed.forEach(OneDnnWeights::close);
    packed.clear();
    tapes.forEach(OneDnnTape::close);
    tapes.clear();
    inference.close();
    buffers().forEach(NativeBuffer::close);
    trainingScratch = 0;
    version = 0;
  }

  @Override
  public void close() {
    forget();
    stream.deallocate();
  }

  private List<NativeBuffer> buffers() {
    return List.of(parameters, gradients, scratch, unwantedDx, dStates);
  }

  private OneDnnPlan plan(int T, int B, OneDnnPlan.Purpose purpose) {
    var key = new PlanKey(T, B, purpose);
    OneDnnPlan plan = plans.get(key);
    if (plan == null) {
      if (plans.size() == PLANS) {
        Iterator<OneDnnPlan> oldest = plans.values().iterator();
        oldest.next().close();
        oldest.remove();
      }
      plan = new OneDnnPlan(shape, direction, precision, T, B, purpose);
      plans.put(key, plan);
    }
    return plan;
  }

  private void setWeights(OneDnnPlan.Pass pass) {
    pass.set(DNNL_ARG_WEIGHTS_LAYER, packed(pass, DNNL_ARG_WEIGHTS_LAYER, "W", false));
    pass.set(DNNL_ARG_WEIGHTS_ITER, packed(pass, DNNL_ARG_WEIGHTS_ITER, "RW", false));
    pass.set(DNNL_ARG_BIAS, parameter("b"));
    if (shape.cell() == Cell.PEEPHOLE_LSTM) {
      pass.set(DNNL_ARG_WEIGHTS_PEEPHOLE, parameter("P"));
    }
  }

  private void setGradients(OneDnnPlan.Pass pass) {
    pass.set(DNNL_ARG_DIFF_WEIGHTS_LAYER, packed(pass, DNNL_ARG_DIFF_WEIGHTS_LAYER, "W", true));
    pass.set(DNNL_ARG_DIFF_WEIGHTS_ITER, packed(pass, DNNL_ARG_DIFF_WEIGHTS_ITER, "RW", true));
    pass.set(DNNL_ARG_DIFF_BIAS, gradient("b"));
    if (shape.cell() == Cell.PEEPHOLE_LSTM) {
      pass.set(DNNL_ARG_DIFF_WEIGHTS_PEEPHOLE, gradient("P"));
    }
  }

  private Pointer parameter(String name) {
    return at(parameters.atLeast(blockBytes()), shape.parameter(name).offset());
  }

  private Pointer gradient(String name) {
    return at(gradients(), shape.parameter(name).offset() - gradientsFrom);
  }

  /** Sums of gradients, made when a first one comes: inference has none. */
  private Pointer gradients() {
    long bytes = blockBytes() - gradientsFrom * Float.BYTES;
    return gradients.bytes() == 0 ? gradients.zeros(bytes) : gradients.atLeast(0);
  }

  /** The weights, or the sum of their gradients, in the order that {@code pass} wants. */
  private Pointer packed(OneDnnPlan.Pass pass, int argument, String name, boolean isGradient) {
    OneDnnWeights weights =
        pass.weights.computeIfAbsent(argument, a -> shared(pass.expects(a), name, isGradient));
    if (!isGradient) {
      weights.pack(parameter(name), version, stream);
    }
    return weights.pointer();
  }

  /** Primitives for several T and B mostly want the same order: one copy serves them all. */
  private OneDnnWeights shared(memory.desc wanted, String name, boolean isGradient) {
    for (OneDnnWeights known : packed) {
      if (known.unpacks() == isGradient && known.name().equals(name) && known.isFor(wanted)) {
        return known;
      }
    }
    var added = new OneDnnWeights(wanted, shape, name, isGradient);
    packed.add(added);
    return added;
  }

  private void setScratch(OneDnnPlan.Pass pass, boolean training) {
    long bytes = pass.bytes(DNNL_ARG_SCRATCHPAD);
    if (training) {
      trainingScratch = Math.max(trainingScratch, bytes);
    }
    if (bytes > 0) {
      pass.set(DNNL_ARG_SCRATCHPAD, scratch.atLeast(bytes));
    }
  }

  private void setStateGradients(OneDnnPlan.Pass pass, long n, State dLast, State dInitial) {
    // dh and dc of the last state, then of the initial one, for those that the caller lacks
    Pointer own = dStates.zeros(4 * n * Float.BYTES);
    pass.set(DNNL_ARG_DIFF_DST_ITER, dLast != null ? dLast.h() : at(own, 0));
    pass.set(DNNL_ARG_DIFF_SRC_ITER, dInitial != null ? dInitial.h() : at(own, 2 * n));
    if (shape.cell().hasCellState()) {
      pass.set(DNNL_ARG_DIFF_DST_ITER_C, dLast != null ? dLast.c() : at(own, n));
      pass.set(DNNL_ARG_DIFF_SRC_ITER_C, dInitial != null ? dInitial.c() : at(own, 3 * n));
    }
  }

  private long blockBytes() {
    return shape.parameterCount() * Float.BYTES;
  }

  /** The address {@code elements} floats behind {@code start}. */
  static Pointer at(Pointer start, long elements) {
    return elements == 0 ? start : new FloatPointer(start).getPointer(elements);
  }

  private static List<Move> moves(CellShape shape) {
    if (shape.cell() != Cell.GRU) {
      return List.of(new Move(0, 0, shape.parameterCount()));
    }
    var moves = new ArrayList<Move>();
    for (CellShape.Parameter block : shape.parameters()) {
      long gate = (long) shape.hiddenSize() * block.columns();
      long start = block.offset();
      moves.add(new Move(start, start + gate, gate));
      moves.add(new Move(start + gate, start, gate));
      moves.add(new Move(start + 2 * gate, start + 2 * gate, block.length() - 2 * gate));
    }
    return List.copyOf(moves);
  }
}
