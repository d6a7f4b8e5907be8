package io.sluice.recurrent.kernel;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * A recurrent layer as matrix products with one pointwise pass per time step in Java: the kernel of
 * the layer-norm LSTM, which oneDNN lacks, and of every cell where oneDNN does not load.
 *
 * <pre>{@code
 * forward    a = x·Wᵀ                  one product over all T·B rows
 *            r = h⁻·RWᵀ                one per time step, then the cell's pointwise pass
 * backward   the pointwise pass, then dh⁻ += dr·RW, per time step
 *            dx = da·W, dW += daᵀ·x, dRW += drᵀ·h⁻    one product each over all T·B rows
 * }</pre>
 *
 * <p>Shapes and rules are those of {@link RecurrentKernel}; float32.
 *
 * <p><b>Memory.</b> Off-heap what a tape keeps, (2·G·H + E + 3·H) numbers per step and sequence; on
 * the heap one time step of it.
 *
 * <p><b>Native calls.</b> One product a time step and the copies of its rows into Java arrays and
 * back: a product in plain Java was measured at 13 GFLOP/s where oneDNN's with both copies did 104
 * (M=128, N=2048, K=512, one thread), so the call pays for itself 8 times.
 *
 * <p>Checked by {@code FusedKernelTest} against {@link ReferenceKernel}.
 */
final class FusedKernel implements RecurrentKernel {
  /** What one forward pass keeps. */
  private static final class Tape {
    final NativeBuffer a = new NativeBuffer();
    final NativeBuffer r = new NativeBuffer();
    final NativeBuffer extra = new NativeBuffer();
    final NativeBuffer c = new NativeBuffer();
    final NativeBuffer y = new NativeBuffer();
    final NativeBuffer first = new NativeBuffer();
    int T;
    int B;
    Pointer x;

    List<NativeBuffer> buffers() {
      return List.of(a, r, extra, c, y, first);
    }
  }

  private final CellShape shape;
  private final Direction direction;
  private final Gemm gemm;
  private final FusedCell cell;
  private final int rows;
  private final float[] parameters;
  private final float[] gradients;
  private final NativeBuffer weights = new NativeBuffer();
  private final NativeBuffer weightGradients = new NativeBuffer();
  private final NativeBuffer da = new NativeBuffer();
  private final NativeBuffer dr = new NativeBuffer();
  private final NativeBuffer dhStep = new NativeBuffer();
  private final Tape inference = new Tape();
  private final List<Tape> tapes = new ArrayList<>();

  // one time step
  private float[] aStep = new float[0];
  private float[] rStep = new float[0];
  private float[] extraStep = new float[0];
  private float[] daStep = new float[0];
  private float[] drStep = new float[0];
  private float[] h = new float[0];
  private float[] hBefore = new float[0];
  private float[] c = new float[0];
  private float[] cBefore = new float[0];
  private float[] dh = new float[0];
  private float[] dc = new float[0];
  private float[] arriving = new float[0];

  FusedKernel(CellShape shape, Direction direction, Gemm gemm) {
    this.shape = shape;
    this.direction = direction;
    this.gemm = gemm;
    this.rows = shape.cell().gates() * shape.hiddenSize();
    this.parameters = new float[Math.toIntExact(shape.parameterCount())];
    this.gradients = new float[parameters.length];
    this.cell = FusedCell.of(shape, parameters, gradients);
    weights.zeros((long) Float.BYTES * parameters.length);
    weightGradients.zeros((long) Float.BYTES * parameters.length);
  }

  @Override
  public CellShape shape() {
    return shape;
  }

  @Override
  public String name() {
    return "fused f32 over " + (gemm == Gemm.ONE_DNN ? "oneDNN" : "OpenBLAS");
  }

  @Override
  public void setParameters(Pointer from) {
    long bytes = (long) Float.BYTES * parameters.length;
    Pointer own = weights.atLeast(bytes);
    if (Pointer.memcmp(own, from, bytes) != 0) {
      Pointer.memcpy(own, from, bytes);
      new FloatPointer(own).get(parameters);
    }
  }

  @Override
  public void infer(int T, int B, Pointer x, State initial, Pointer y, State last) {
    run(false, inference, T, B, x, initial, y, last);
  }

  @Override
  public void forward(int tape, int T, int B, Pointer x, State initial, Pointer y, State last) {
    while (tapes.size() <= tape) {
      tapes.add(new Tape());
    }
    run(true, tapes.get(tape), T, B, x, initial, y, last);
  }

  private void run(
      boolean keeps, Tape tape, int T, int B, Pointer x, State initial, Pointer y, State last) {
    int H = shape.hiddenSize();
    int n = B * H;
    makeRoom(B);
    tape.T = T;
    tape.B = B;
    tape.x = x;
    FloatPointer a = floats(tape.a, (long) T * B * rows);
    // what is not kept needs room for one step
    long kept = keeps ? T : 1;
    FloatPointer r = floats(tape.r, cell.keepsSidesApart() ? kept * B * rows : 1);
    FloatPointer extra = floats(tape.extra, Math.max(1, kept * B * cell.extraPerRow()));
    FloatPointer cells = floats(tape.c, kept * n);
    FloatPointer first = floats(tape.first, 2L * n);
    gemm.multiply(
        false, true, T * B, rows, shape.inputSize(), new FloatPointer(x), weights("W"), 0, a);
    // backward reads y again; the caller's may have changed by then
    FloatPointer outputs = keeps ? floats(tape.y, (long) T * n) : new FloatPointer(y);
    load(initial == null ? null : initial.h(), hBefore, n);
    load(initial == null ? null : initial.c(), cBefore, n);
    first.put(hBefore, 0, n);
    at(first, n).put(cBefore, 0, n);
    FloatPointer previous = first;
    for (int s = 0; s < T; s++) {
      int t = timeOf(s, T);
      FloatPointer aNow = at(a, (long) t * B * rows);
      if (cell.keepsSidesApart()) {
        FloatPointer rNow = at(r, keeps ? (long) t * B * rows : 0);
        gemm.multiply(false, true, B, rows, H, previous, weights("RW"), 0, rNow);
        rNow.get(rStep, 0, B * rows);
      } else {
        gemm.multiply(false, true, B, rows, H, previous, weights("RW"), 1, aNow);
      }
      aNow.get(aStep, 0, B * rows);
      cell.forward(B, aStep, rStep, extraStep, hBefore, cBefore, h, c);
      if (keeps) {
        keepStep(B, t, aNow, r, extra, cells);
      }
      previous = at(outputs, (long) t * n);
      previous.put(h, 0, n);
      swapStates();
    }
    if (keeps) {
      Pointer.memcpy(y, outputs, (long) T * n * Float.BYTES);
    }
    if (last != null) {
      new FloatPointer(last.h()).put(hBefore, 0, n);
      if (shape.cell().hasCellState()) {
        new FloatPointer(last.c()).put(cBefore, 0, n);
      }
    }
  }

  private void keepStep(
      int B, int t, FloatPointer aNow, FloatPointer r, FloatPointer extra, FloatPointer cells) {
    aNow.put(aStep, 0, B * rows);
    if (cell.keepsSidesApart()) {
      at(r, (long) t * B * rows).put(rStep, 0, B * rows);
    }
    if (cell.extraPerRow() > 0) {
      at(extra, (long) t * B * cell.extraPerRow()).put(extraStep, 0, B * cell.extraPerRow());
    }
    at(cells, (long) t * B * shape.hiddenSize()).put(c, 0, B * shape.hiddenSize());
  }

  private void swapStates() {
    float[] used = hBefore;
    hBefore = h;
    h = used;
    used = cBefore;
    cBefore = c;
    c = used;
  }

  @Override
  public void backward(int tapeNumber, Pointer dyMemory, State dLast, Pointer dx, State dInitial) {
    Tape tape = tapeNumber < tapes.size() ? tapes.get(tapeNumber) : null;
    if (tape == null || tape.T == 0) {
      throw new IllegalStateException("Tape %d holds no forward pass".formatted(tapeNumber));
    }
    int T = tape.T;
    int B = tape.B;
    int H = shape.hiddenSize();
    int n = B * H;
    makeRoom(B);
    long all = (long) T * B * rows;
    boolean apart = cell.keepsSidesApart();
    FloatPointer dAll = floats(da, all);
    FloatPointer drAll = apart ? floats(dr, all) : dAll;
    FloatPointer dhNative = floats(dhStep, n);
    FloatPointer dy = new FloatPointer(dyMemory);
    load(dLast == null ? null : dLast.h(), dh, n);
    load(dLast == null ? null : dLast.c(), dc, n);
    for (int s = T - 1; s >= 0; s--) {
      int t = timeOf(s, T);
      at(dy, (long) t * n).get(arriving, 0, n);
      for (int k = 0; k < n; k++) {
        dh[k] += arriving[k];
      }
      Activations.flush(dh, n);
      loadStep(tape, s);
      float[] drNow = apart ? drStep : daStep;
      cell.backward(B, aStep, rStep, extraStep, hBefore, cBefore, c, dh, dc, daStep, drNow);
      at(dAll, (long) t * B * rows).put(daStep, 0, B * rows);
      FloatPointer drMemory = at(drAll, (long) t * B * rows);
      if (apart) {
        drMemory.put(drStep, 0, B * rows);
      }
      dhNative.put(dh, 0, n);
      gemm.multiply(false, false, B, H, rows, drMemory, weights("RW"), 1, dhNative);
      dhNative.get(dh, 0, n);
    }
    addWeightGradients(tape, dAll, drAll);
    if (dx != null) {
      gemm.multiply(
          false,
          false,
          T * B,
          shape.inputSize(),
          rows,
          dAll,
          weights("W"),
          0,
          new FloatPointer(dx));
    }
    if (dInitial != null) {
      new FloatPointer(dInitial.h()).put(dh, 0, n);
      if (shape.cell().hasCellState()) {
        new FloatPointer(dInitial.c()).put(dc, 0, n);
      }
    }
  }

  /** What the step read as number s kept, and the state before it. */
  private void loadStep(Tape tape, int s) {
    int B = tape.B;
    int n = B * shape.hiddenSize();
    long t = timeOf(s, tape.T);
    floats(tape.a, 1).getPointer(t * B * rows).get(aStep, 0, B * rows);
    if (cell.keepsSidesApart()) {
      floats(tape.r, 1).getPointer(t * B * rows).get(rStep, 0, B * rows);
    }
    if (cell.extraPerRow() > 0) {
      floats(tape.extra, 1)
          .getPointer(t * B * cell.extraPerRow())
          .get(extraStep, 0, B * cell.extraPerRow());
    }
    floats(tape.c, 1).getPointer(t * n).get(c, 0, n);
    if (s == 0) {
      floats(tape.first, 1).get(hBefore, 0, n);
      floats(tape.first, 1).getPointer(n).get(cBefore, 0, n);
    } else {
      long before = timeOf(s - 1, tape.T);
      floats(tape.y, 1).getPointer(before * n).get(hBefore, 0, n);
      floats(tape.c, 1).getPointer(before * n).get(cBefore, 0, n);
    }
  }

  /** dW += daᵀ·x and dRW += drᵀ·h⁻, where h⁻ is y one step earlier, and the first state before. */
  private void addWeightGradients(Tape tape, FloatPointer dAll, FloatPointer drAll) {
    int T = tape.T;
    int B = tape.B;
    int H = shape.hiddenSize();
    FloatPointer dW = floats(weightGradients, 1).getPointer(shape.parameter("W").offset());
    FloatPointer dRW = floats(weightGradients, 1).getPointer(shape.parameter("RW").offset());
    gemm.multiply(
        true, false, rows, shape.inputSize(), T * B, dAll, new FloatPointer(tape.x), 1, dW);
    boolean forward = direction == Direction.FORWARD;
    long step = (long) B * rows;
    long n = (long) B * H;
    if (T > 1) {
      gemm.multiply(
          true,
          false,
          rows,
          H,
          (T - 1) * B,
          forward ? at(drAll, step) : drAll,
          forward ? floats(tape.y, 1) : at(floats(tape.y, 1), n),
          1,
          dRW);
    }
    gemm.multiply(
        true,
        false,
        rows,
        H,
        B,
        forward ? drAll : at(drAll, (T - 1) * step),
        floats(tape.first, 1),
        1,
        dRW);
  }

  @Override
  public void takeGradients(Pointer dParameters) {
    long inWeights = shape.parameter("b").offset();
    FloatPointer target = new FloatPointer(dParameters);
    target.put(gradients);
    Pointer.memcpy(dParameters, weightGradients.atLeast(0), inWeights * Float.BYTES);
    Arrays.fill(gradients, 0);
    weightGradients.zeros((long) Float.BYTES * parameters.length);
  }

  @Override
  public long nativeBytes() {
    return buffers().stream().mapToLong(NativeBuffer::bytes).sum();
  }

  @Override
  public void close() {
    buffers().forEach(NativeBuffer::close);
    tapes.clear();
  }

  private List<NativeBuffer> buffers() {
    var buffers = new ArrayList<>(List.of(weights, weightGradients, da, dr, dhStep));
    buffers.addAll(inference.buffers());
    tapes.forEach(tape -> buffers.addAll(tape.buffers()));
    return buffers;
  }

  private FloatPointer weights(String name) {
    return floats(weights, 1).getPointer(shape.parameter(name).offset());
  }

  private static FloatPointer floats(NativeBuffer buffer, long length) {
    return new FloatPointer(buffer.atLeast(length * Float.BYTES));
  }

  private static FloatPointer at(FloatPointer start, long elements) {
    return start.getPointer(elements);
  }

  private static void load(Pointer memory, float[] values, int n) {
    if (memory == null) {
      Arrays.fill(values, 0, n, 0);
    } else {
      new FloatPointer(memory).get(values, 0, n);
    }
  }

  private int timeOf(int s, int T) {
    return direction == Direction.FORWARD ? s : T - 1 - s;
  }

  private void makeRoom(int B) {
    int n = B * shape.hiddenSize();
    if (h.length < n) {
      aStep = new float[B * rows];
      rStep = new float[B * rows];
      daStep = new float[B * rows];
      drStep = new float[B * rows];
      extraStep = new float[B * cell.extraPerRow()];
      h = new float[n];
      hBefore = new float[n];
      c = new float[n];
      cBefore = new float[n];
      dh = new float[n];
      dc = new float[n];
      arriving = new float[n];
    }
  }
}
