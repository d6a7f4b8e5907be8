package io.sluice.recurrent.kernel;

import static org.bytedeco.dnnl.global.dnnl.*;

import java.util.HashMap;
import java.util.Map;
import org.bytedeco.dnnl.IntMemoryMap;
import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.lbr_gru_backward;
import org.bytedeco.dnnl.lbr_gru_forward;
import org.bytedeco.dnnl.lstm_backward;
import org.bytedeco.dnnl.lstm_forward;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.primitive;
import org.bytedeco.dnnl.primitive_attr;
import org.bytedeco.dnnl.primitive_desc;
import org.bytedeco.dnnl.stream;
import org.bytedeco.dnnl.vanilla_rnn_backward;
import org.bytedeco.dnnl.vanilla_rnn_forward;
import org.bytedeco.javacpp.Pointer;

/**
 * oneDNN's primitives for one layer at one T and B, with the memory objects they take. Creating one
 * compiles code (0.1 to 1 ms), so {@link OneDnnKernel} keeps the last ones used.
 *
 * <p>Source: oneDNN developer guide, "RNN". Weights are left in the order that the primitive likes
 * best ({@code format_tag.any}); all states are given, so that one primitive serves every call.
 */
final class OneDnnPlan implements AutoCloseable {
  /** Forward and backward of a training step, or forward alone. */
  enum Purpose {
    INFERENCE,
    TRAINING
  }

  private static final memory.data_type F32 = memory.data_type.f32;

  final int T;
  final int B;
  final Pass forward;

  /** Null unless for training. */
  final Pass backward;

  /** With bf16 only: the way of x and h in, of y and h out. */
  final OneDnnRounding roundX;

  final OneDnnRounding roundH;
  final OneDnnRounding widenY;
  final OneDnnRounding widenH;
  private final CellShape shape;

  /** A primitive and its arguments. */
  static final class Pass implements AutoCloseable {
    private final primitive_desc desc;
    private final primitive primitive;
    private final IntMemoryMap arguments = new IntMemoryMap();
    private final Map<Integer, memory> memories = new HashMap<>();
    private final Map<Integer, memory.desc> expected = new HashMap<>();
    private final Map<Integer, Long> sizes = new HashMap<>();

    /** By argument: weights in the order that this primitive wants; the kernel's. */
    final Map<Integer, OneDnnWeights> weights = new HashMap<>();

    private final engine engine;

    private Pass(primitive_desc desc, engine engine) {
      this.desc = desc;
      this.primitive = new primitive(desc);
      this.engine = engine;
    }

    /** What the primitive expects for an argument ({@code DNNL_ARG_…}). */
    memory.desc expects(int argument) {
      return expected.computeIfAbsent(argument, a -> desc.query_md(query.exec_arg_md, a));
    }

    long bytes(int argument) {
      return sizes.computeIfAbsent(argument, a -> expects(a).get_size());
    }

    /** Names the memory of an argument for the executions that follow. */
    void set(int argument, Pointer data) {
      memory known = memories.get(argument);
      if (known == null) {
        known = new memory(expects(argument), engine, data);
        memories.put(argument, known);
        arguments.put(argument, known);
      } else {
        known.set_data_handle(data);
      }
    }

    void execute(stream stream) {
      primitive.execute(stream, arguments);
    }

    @Override
    public void close() {
      memories.values().forEach(Pointer::deallocate);
      expected.values().forEach(Pointer::deallocate);
      arguments.deallocate();
      primitive.deallocate();
      desc.deallocate();
    }
  }

  OneDnnPlan(
      CellShape shape, Direction direction, Precision precision, int T, int B, Purpose purpose) {
    this.T = T;
    this.B = B;
    var build = new Builder(shape, direction, precision, T, B);
    primitive_desc hint = build.forward(purpose);
    this.forward = new Pass(hint, build.engine);
    this.backward =
        purpose == Purpose.TRAINING ? new Pass(build.backward(hint), build.engine) : null;
    build.attributes.deallocate();
    this.shape = shape;
    boolean rounds = precision == Precision.BF16;
    long steps = (long) T * B;
    this.roundX = rounds ? OneDnnRounding.toBf16(steps * shape.inputSize()) : null;
    this.roundH = rounds ? OneDnnRounding.toBf16(stateLength()) : null;
    this.widenY = rounds ? OneDnnRounding.toF32(steps * shape.hiddenSize()) : null;
    this.widenH = rounds ? OneDnnRounding.toF32(stateLength()) : null;
  }

  /** B·H. */
  long stateLength() {
    return (long) B * shape.hiddenSize();
  }

  boolean hasCellState() {
    return shape.cell().hasCellState();
  }

  /** Whether x, h and y are bfloat16 inside. */
  boolean rounds() {
    return roundX != null;
  }

  @Override
  public void close() {
    if (rounds()) {
      roundX.close();
      roundH.close();
      widenY.close();
      widenH.close();
    }
    if (backward != null) {
      backward.close();
    }
    forward.close();
  }

  /** Describes the tensors and asks oneDNN for primitives. */
  private static final class Builder {
    final engine engine = OneDnn.engine();
    final primitive_attr attributes = new primitive_attr();
    private final Cell cell;
    private final rnn_direction direction;
    private final memory.desc none = new memory.desc();
    private final memory.desc x;
    private final memory.desc y;
    private final memory.desc h;
    private final memory.desc c;
    private final memory.desc inputWeights;
    private final memory.desc recurrentWeights;
    private final memory.desc peepholes;
    private final memory.desc bias;
    private final memory.desc dx;
    private final memory.desc dy;
    private final memory.desc dh;
    private final memory.desc dInputWeights;
    private final memory.desc dRecurrentWeights;

    Builder(CellShape shape, Direction direction, Precision precision, int T, int B) {
      this.cell = shape.cell();
      this.direction =
          direction == Direction.FORWARD
              ? rnn_direction.unidirectional_left2right
              : rnn_direction.unidirectional_right2left;
      attributes.set_scratchpad_mode(scratchpad_mode.user);
      memory.data_type type = precision == Precision.BF16 ? memory.data_type.bf16 : F32;
      int I = shape.inputSize();
      int H = shape.hiddenSize();
      int G = cell.gates();
      var any = memory.format_tag.any;
      var tnc = memory.format_tag.tnc;
      var ldnc = memory.format_tag.ldnc;
      var ldgo = memory.format_tag.ldgo;
      x = desc(type, tnc, T, B, I);
      y = desc(type, tnc, T, B, H);
      h = desc(type, ldnc, 1, 1, B, H);
      c = cell.hasCellState() ? desc(F32, ldnc, 1, 1, B, H) : none;
      inputWeights = desc(type, any, 1, 1, I, G, H);
      recurrentWeights = desc(type, any, 1, 1, H, G, H);
      peepholes = cell == Cell.PEEPHOLE_LSTM ? desc(F32, ldgo, 1, 1, 3, H) : none;
      bias = desc(F32, ldgo, 1, 1, cell == Cell.GRU ? G + 1 : G, H);
      dx = desc(F32, tnc, T, B, I);
      dy = desc(F32, tnc, T, B, H);
      dh = desc(F32, ldnc, 1, 1, B, H);
      dInputWeights = desc(F32, any, 1, 1, I, G, H);
      dRecurrentWeights = desc(F32, any, 1, 1, H, G, H);
    }

    primitive_desc forward(Purpose purpose) {
      prop_kind kind =
          purpose == Purpose.TRAINING ? prop_kind.forward_training : prop_kind.forward_inference;
      return switch (cell) {
        case LSTM, PEEPHOLE_LSTM ->
            new lstm_forward.primitive_desc(
                engine,
                kind,
                direction,
                x,
                h,
                c,
                inputWeights,
                recurrentWeights,
                peepholes,
                bias,
                y,
                h,
                c,
                attributes,
                false);
        case GRU ->
            new lbr_gru_forward.primitive_desc(
                engine,
                kind,
                direction,
                x,
                h,
                inputWeights,
                recurrentWeights,
                bias,
                y,
                h,
                attributes,
                false);
        case RNN ->
            new vanilla_rnn_forward.primitive_desc(
                engine,
                kind,
                algorithm.eltwise_tanh,
                direction,
                x,
                h,
                inputWeights,
                recurrentWeights,
                bias,
                y,
                h,
                attributes,
                false);
        case LAYERNORM_LSTM -> throw OneDnnKernel.unsupported(cell);
      };
    }

    primitive_desc backward(primitive_desc hint) {
      prop_kind kind = prop_kind.backward;
      return switch (cell) {
        case LSTM, PEEPHOLE_LSTM ->
            new lstm_backward.primitive_desc(
                engine,
                kind,
                direction,
                x,
                h,
                c,
                inputWeights,
                recurrentWeights,
                peepholes,
                bias,
                y,
                h,
                c,
                dx,
                dh,
                c,
                dInputWeights,
                dRecurrentWeights,
                peepholes,
                bias,
                dy,
                dh,
                c,
                (lstm_forward.primitive_desc) hint,
                attributes,
                false);
        case GRU ->
            new lbr_gru_backward.primitive_desc(
                engine,
                kind,
                direction,
                x,
                h,
                inputWeights,
                recurrentWeights,
                bias,
                y,
                h,
                dx,
                dh,
                dInputWeights,
                dRecurrentWeights,
                bias,
                dy,
                dh,
                (lbr_gru_forward.primitive_desc) hint,
                attributes,
                false);
        case RNN ->
            new vanilla_rnn_backward.primitive_desc(
                engine,
                kind,
                algorithm.eltwise_tanh,
                direction,
                x,
                h,
                inputWeights,
                recurrentWeights,
                bias,
                y,
                h,
                dx,
                dh,
                dInputWeights,
                dRecurrentWeights,
                bias,
                dy,
                dh,
                (vanilla_rnn_forward.primitive_desc) hint,
                attributes,
                false);
        case LAYERNORM_LSTM -> throw OneDnnKernel.unsupported(cell);
      };
    }

    private static memory.desc desc(memory.data_type type, memory.format_tag tag, long... sizes) {
      return new memory.desc(sizes, type, tag);
    }
  }
}
