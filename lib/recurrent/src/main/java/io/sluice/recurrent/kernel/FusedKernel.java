package io.sluice.recurrent.kernel;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * A recurrent layer as matrix products with one pointwise pass per time step in Java.
 *
 * <pre>{@code
 * forward    a = x·Wᵀ                  one product for a chunk of time steps
 *            a += h⁻·RWᵀ               one per time step, then the cell's pointwise pass
 * backward   the pointwise pass, then dh⁻ = dr·RW, per time step
 *            dx = da·W, dW += daᵀ·x, dRW += drᵀ·h⁻    one product each for a chunk
 * }</pre>
 *
 * <p>Shapes and rules are those of {@link RecurrentKernel}. All is float32 but, over products in
 * bfloat16, their factors: inputs, weights, hidden states, gradients of gates.
 *
 * <p><b>Memory.</b> Off-heap, what a {@link FusedTape} keeps (6·H numbers per step and sequence of
 * an LSTM, of which oneDNN's primitive keeps 15), and gradients of gates and the like for one chunk
 * of time steps, {@value #CHUNK_ROWS} rows or one step. On the heap the state and one block of
 * rows.
 *
 * <p><b>Native calls.</b> One product a time step, and no object made; everything else reads and
 * writes native memory from Java. The product of 32 rows with 64 units runs at 106 GFLOP/s, the
 * call among it, where the best form found in plain Java did 61, and 50 at 512 units (one thread).
 *
 * <p>Checked by {@code FusedKernelTest} against {@link ReferenceKernel}.
 */
final class FusedKernel implements RecurrentKernel {
  /** Rows of a product that are enough for it to run at full speed. */
  private static final int CHUNK_ROWS = 1024;

  private final CellShape shape;
  private final Direction direction;
  private final MatrixProducts products;
  private final FusedCell cell;
  private final FusedRows rows;
  private final int I;
  private final int H;

  /** G·H. */
  private final int gates;

  private final FusedWeights weights;

  /** Whether forward multiplies by W and RW as they are. */
  private final boolean transposesB;

  private final StateFactors stateFactors;
  private final FloatMemory chunkA = new FloatMemory();
  private final FloatMemory chunkR = new FloatMemory();
  private final FloatMemory stepR = new FloatMemory();
  private final FloatMemory stepDh = new FloatMemory();

  private final FloatMemory outputs = new FloatMemory();
  private final FloatMemory arriving = new FloatMemory();
  private final FusedTape inference = new FusedTape();
  private final List<FusedTape> tapes = new ArrayList<>();

  private final float[] joined;
  private final float[] fromAfter;
  private FusedRows.State[] states = new FusedRows.State[0];
  private Pointer factors;

  /**
   * @param products its own, closed with it
   */
  FusedKernel(CellShape shape, Direction direction, MatrixProducts products) {
    this.shape = shape;
    this.direction = direction;
    this.products = products;
    this.I = shape.inputSize();
    this.H = shape.hiddenSize();
    this.gates = shape.cell().gates() * H;
    this.cell = FusedCell.of(shape);
    this.rows =
        new FusedRows(
            H, shape.cell().gates(), cell.keepsSidesApart(), cell.extras(), cell.scales());
    this.joined = new float[rows.capacity * gates];
    this.fromAfter = new float[rows.capacity * H];
    this.transposesB = products.takesTransposedWell();
    this.weights = new FusedWeights(shape, cell, !transposesB);
    this.stateFactors = new StateFactors(H, rows.capacity);
  }

  @Override
  public CellShape shape() {
    return shape;
  }

  @Override
  public String name() {
    return "fused " + products.label();
  }

  @Override
  public void setParameters(Pointer from) {
    weights.set(from);
  }

  /** The parameters it has, laid out as {@link CellShape} says. */
  Pointer parameters() {
    return weights.input();
  }

  @Override
  public void setStateFactors(Pointer factors) {
    this.factors = factors;
  }

  @Override
  public void infer(int T, int B, Pointer x, State initial, Pointer y, State last) {
    run(false, inference, T, B, x, initial, y, last);
  }

  @Override
  public void forward(int tape, int T, int B, Pointer x, State initial, Pointer y, State last) {
    while (tapes.size() <= tape) {
      tapes.add(new FusedTape());
    }
    run(true, tapes.get(tape), T, B, x, initial, y, last);
  }

  private void run(
      boolean keeps,
      FusedTape tape,
      int T,
      int B,
      Pointer x,
      State initial,
      Pointer y,
      State last) {
    if (weights.prepare()) {
      products.weightsChanged();
    }
    long n = (long) B * H;
    int chunk = chunkSteps(T, B);
    tape.T = T;
    tape.B = B;
    tape.x = x;
    tape.a.room((keeps ? T : chunk) * (long) B * gates);
    if (keeps) {
      tape.extra.room(T * n * cell.extras());
      tape.scales.room((long) T * B * cell.scales());
      tape.c.room(shape.cell().hasCellState() ? T * n : 0);
      tape.y.room(T * n);
    }
    if (cell.keepsSidesApart()) {
      stepR.room((long) B * gates);
    }
    outputs.at(y, T * n);
    tape.factors = factors;
    if (factors != null) {
      stateFactors.of(factors, B);
    }
    begin(tape, initial);
    FloatPointer inputs = new FloatPointer(x);
    for (int first = 0; first < T; first += chunk) {
      int end = Math.min(T, first + chunk);
      int low = direction == Direction.FORWARD ? first : T - end;
      long start = keeps ? (long) low * B * gates : 0;
      inputs.position((long) low * B * I);
      products.multiply(
          false,
          transposesB,
          (end - first) * B,
          gates,
          I,
          inputs,
          weights.inputForward(),
          0,
          tape.a.from(start));
      for (int s = first; s < end; s++) {
        step(keeps, tape, s, start + (long) (timeOf(s, T) - low) * B * gates);
      }
    }
    if (last != null) {
      outputs.copyTo(last.h(), timeOf(T - 1, T) * n, n);
      if (shape.cell().hasCellState()) {
        FloatPointer c = new FloatPointer(last.c());
        eachBlock(
            B, (state, row, length) -> c.position((long) row * H).put(state.cBefore, 0, length));
      }
    }
  }

  /** States before the first step. */
  private void begin(FusedTape tape, State initial) {
    int B = tape.B;
    long n = (long) B * H;
    makeStates(B);
    tape.fromZero = initial == null;
    tape.first.room(2 * n);
    if (initial == null) {
      tape.first.zero(2 * n);
    } else {
      tape.first.copyFrom(initial.h(), 0, n);
      if (shape.cell().hasCellState()) {
        tape.first.copyFrom(initial.c(), n, n);
      }
    }
    eachBlock(
        B,
        (state, row, length) -> {
          tape.first.get((long) row * H, state.h, length);
          tape.first.get(n + (long) row * H, state.cBefore, length);
          if (tape.factors != null) {
            stateFactors.keep(row, state.h, length);
          }
        });
  }

  /**
   * @param aStep where the gates of the step lie in the tape's a
   */
  private void step(boolean keeps, FusedTape tape, int s, long aStep) {
    int B = tape.B;
    long n = (long) B * H;
    int t = timeOf(s, tape.T);
    boolean apart = cell.keepsSidesApart();
    FloatPointer before =
        tape.factors != null
            ? stateFactors.kept()
            : s == 0 ? tape.first.from(0) : outputs.from(timeOf(s - 1, tape.T) * n);
    if (apart) {
      products.multiplyByWeights(
          transposesB, B, gates, H, before, weights.recurrentForward(), 0, stepR.from(0));
    } else if (s > 0 || !tape.fromZero) {
      products.multiplyByWeights(
          transposesB, B, gates, H, before, weights.recurrentForward(), 1, tape.a.from(aStep));
    }
    for (int block = 0, row = 0; row < B; block++, row += rows.capacity) {
      FusedRows.State state = states[block];
      int count = Math.min(rows.capacity, B - row);
      int length = count * H;
      long a = aStep + (long) row * gates;
      tape.a.get(a, joined, count * gates);
      rows.split(joined, rows.a, count);
      if (apart) {
        stepR.get((long) row * gates, joined, count * gates);
        rows.split(joined, rows.r, count);
      }
      cell.forward(rows, state, length);
      outputs.put(t * n + (long) row * H, rows.h, length);
      if (keeps) {
        keep(tape, state, a, (long) t * B + row, count);
      }
      if (cell.readsHidden()) {
        System.arraycopy(rows.h, 0, state.h, 0, length);
      }
      if (tape.factors != null) {
        stateFactors.keep(row, rows.h, length);
      }
      state.swapCellStates();
    }
  }

  /**
   * @param a where the block's gates lie
   * @param row its first, of T·B
   */
  private void keep(FusedTape tape, FusedRows.State state, long a, long row, int count) {
    int length = count * H;
    putEach(tape.a, a, rows.a, length);
    putEach(tape.extra, row * H * rows.extra.length, rows.extra, length);
    putEach(tape.scales, row * rows.scales.length, rows.scales, count);
    if (shape.cell().hasCellState()) {
      tape.c.put(row * H, state.c, length);
    }
    tape.y.put(row * H, rows.h, length);
  }

  private static void putEach(FloatMemory memory, long from, float[][] arrays, int length) {
    for (int k = 0; k < arrays.length; k++) {
      memory.put(from + (long) k * length, arrays[k], length);
    }
  }

  private static void getEach(FloatMemory memory, long from, float[][] arrays, int length) {
    for (int k = 0; k < arrays.length; k++) {
      memory.get(from + (long) k * length, arrays[k], length);
    }
  }

  @Override
  public void backward(int tapeNumber, Pointer dy, State dLast, Pointer dx, State dInitial) {
    FusedTape tape = tapeNumber < tapes.size() ? tapes.get(tapeNumber) : null;
    if (tape == null || tape.T == 0) {
      throw new IllegalStateException("Tape %d holds no forward pass".formatted(tapeNumber));
    }
    int T = tape.T;
    int B = tape.B;
    long n = (long) B * H;
    int chunk = chunkSteps(T, B);
    chunkA.room((long) chunk * B * gates);
    FloatMemory dr = chunkA;
    if (cell.keepsSidesApart()) {
      dr = chunkR.room((long) chunk * B * gates);
    }
    arriving.at(dy, T * n);
    if (tape.factors != null) {
      stateFactors.of(tape.factors, B);
    }
    beginBack(tape, dLast);
    for (int end = T; end > 0; end -= chunk) {
      int first = Math.max(0, end - chunk);
      int low = direction == Direction.FORWARD ? first : T - end;
      for (int s = end - 1; s >= first; s--) {
        long step = (long) (timeOf(s, T) - low) * B * gates;
        stepBack(tape, s, step);
        if (s > 0 || dInitial != null) {
          products.multiplyByWeights(
              false, B, H, gates, dr.from(step), weights.recurrent(), 0, stepDh.from(0));
        }
      }
      int m = (end - first) * B;
      try (MatrixProducts.Held ignored = products.hold(chunkA.from(0), (long) m * gates)) {
        addWeightGradients(tape, low, low + end - first, dr);
        if (dx != null) {
          FloatPointer inputs = new FloatPointer(dx).position((long) low * B * I);
          products.multiply(false, false, m, I, gates, chunkA.from(0), weights.input(), 0, inputs);
        }
      }
    }
    if (dInitial != null) {
      giveInitialGradients(tape, dInitial);
    }
  }

  private void beginBack(FusedTape tape, State dLast) {
    int B = tape.B;
    long n = (long) B * H;
    makeStates(B);
    stepDh.room(n);
    if (dLast == null) {
      stepDh.zero(n);
    } else {
      stepDh.copyFrom(dLast.h(), 0, n);
    }
    boolean hasCellState = shape.cell().hasCellState();
    FloatPointer dc = dLast == null || !hasCellState ? null : new FloatPointer(dLast.c());
    long end = timeOf(tape.T - 1, tape.T) * n;
    eachBlock(
        B,
        (state, row, length) -> {
          Arrays.fill(state.dhPast, 0);
          if (dc == null) {
            Arrays.fill(state.dc, 0);
          } else {
            dc.position((long) row * H).get(state.dc, 0, length);
          }
          if (hasCellState) {
            // each step takes it as the state after it
            tape.c.get(end + (long) row * H, state.cBefore, length);
          }
        });
  }

  /**
   * Leaves ∂L/∂a and ∂L/∂r of a step in their chunks.
   *
   * @param step where the step lies in them
   */
  private void stepBack(FusedTape tape, int s, long step) {
    int B = tape.B;
    long n = (long) B * H;
    int t = timeOf(s, tape.T);
    for (int block = 0, row = 0; row < B; block++, row += rows.capacity) {
      FusedRows.State state = states[block];
      int count = Math.min(rows.capacity, B - row);
      int length = count * H;
      long of = (long) t * B + row;
      getEach(tape.a, of * gates, rows.a, length);
      getEach(tape.extra, of * H * rows.extra.length, rows.extra, length);
      getEach(tape.scales, of * rows.scales.length, rows.scales, count);
      takeStatesBefore(tape, state, s, row, length);
      arriving.get(of * H, rows.dh, length);
      addFromAfter(tape, s < tape.T - 1, row, rows.dh, length);
      if (cell.readsHidden()) {
        FusedCell.add(rows.dh, state.dhPast, length);
      }
      Activations.flush(rows.dh, length);
      cell.backward(rows, state, length);
      rows.join(rows.da, joined, count);
      chunkA.put(step + (long) row * gates, joined, count * gates);
      if (cell.keepsSidesApart()) {
        rows.join(rows.dr, joined, count);
        chunkR.put(step + (long) row * gates, joined, count * gates);
      }
    }
  }

  /**
   * Adds ∂L/∂h as it comes from the step read after this one.
   *
   * @param throughProduct false where it is the gradient of the last state
   */
  private void addFromAfter(
      FusedTape tape, boolean throughProduct, int row, float[] dh, int length) {
    long from = (long) row * H;
    stepDh.get(from, fromAfter, length);
    if (throughProduct && tape.factors != null) {
      stateFactors.multiply(row, fromAfter, length);
    }
    FusedCell.add(dh, fromAfter, length);
  }

  /** The state before step s, which the step handled before this one had after it. */
  private void takeStatesBefore(FusedTape tape, FusedRows.State state, int s, int row, int length) {
    long n = (long) tape.B * H;
    long from = (long) row * H;
    long before = s == 0 ? 0 : timeOf(s - 1, tape.T) * n + from;
    if (shape.cell().hasCellState()) {
      state.swapCellStates();
      if (s == 0) {
        tape.first.get(n + from, state.cBefore, length);
      } else {
        tape.c.get(before, state.cBefore, length);
      }
    }
    if (cell.readsHidden()) {
      if (s == 0) {
        tape.first.get(from, state.h, length);
      } else {
        tape.y.get(before, state.h, length);
      }
    }
  }

  /**
   * dW += daᵀ·x and dRW += drᵀ·h⁻ of the time steps [low, high), where h⁻ is y one step earlier,
   * and the first state before that.
   */
  private void addWeightGradients(FusedTape tape, int low, int high, FloatMemory dr) {
    int B = tape.B;
    long n = (long) B * H;
    FloatPointer inputs = new FloatPointer(tape.x).position((long) low * B * I);
    weights.addInputGradient(products, (high - low) * B, chunkA.from(0), inputs);
    boolean forward = direction == Direction.FORWARD;
    int firstTime = timeOf(0, tape.T);
    boolean hasFirst = low <= firstTime && firstTime < high;
    int from = hasFirst && forward ? low + 1 : low;
    int to = hasFirst && !forward ? high - 1 : high;
    if (from < to) {
      long firstRow = (forward ? from - 1 : from + 1) * n;
      FloatPointer before =
          tape.factors == null
              ? tape.y.from(firstRow)
              : stateFactors.dropped(tape.y, firstRow, to - from);
      weights.addRecurrentGradient(
          products, (to - from) * B, dr.from((long) (from - low) * B * gates), before);
    }
    if (hasFirst && !tape.fromZero) {
      weights.addRecurrentGradient(
          products,
          B,
          dr.from((long) (firstTime - low) * B * gates),
          tape.factors == null ? tape.first.from(0) : stateFactors.dropped(tape.first, 0, 1));
    }
  }

  private void giveInitialGradients(FusedTape tape, State dInitial) {
    FloatPointer h = new FloatPointer(dInitial.h());
    FloatPointer c = shape.cell().hasCellState() ? new FloatPointer(dInitial.c()) : null;
    eachBlock(
        tape.B,
        (state, row, length) -> {
          long from = (long) row * H;
          addFromAfter(tape, true, row, state.dhPast, length);
          h.position(from).put(state.dhPast, 0, length);
          if (c != null) {
            c.position(from).put(state.dc, 0, length);
          }
        });
  }

  @Override
  public void freeTapes() {
    tapes.forEach(FusedTape::close);
    inference.close();
  }

  @Override
  public void sumGradientsAt(Pointer dParameters) {
    weights.sumGradientsAt(dParameters);
  }

  @Override
  public void takeGradients(Pointer dParameters) {
    weights.takeGradients(dParameters);
  }

  /**
   * What {@link #nativeBytes} will be once batches of this size have gone forward, one on each of
   * {@code tapes}, and backward.
   */
  static long trainingBytes(CellShape shape, int T, int B, int tapes, boolean dropsState) {
    return trainingBytes(shape, T, B, tapes, dropsState, true);
  }

  private static long trainingBytes(
      CellShape shape, int T, int B, int tapes, boolean dropsState, boolean transposes) {
    FusedCell cell = FusedCell.of(shape);
    long H = shape.hiddenSize();
    long gates = shape.cell().gates() * H;
    long rows = (long) T * B;
    long chunkRows = (long) chunkSteps(T, B) * B;
    // the first state of all goes by itself
    long dropped = Math.max(1L, Math.min(chunkSteps(T, B), T - 1)) * B;
    int sides = cell.keepsSidesApart() ? 2 : 1;
    int states = shape.cell().hasCellState() ? 2 : 1;
    long numbers =
        tapes * (rows * (gates + cell.extras() * H + cell.scales() + states * H) + 2L * B * H)
            + FusedWeights.trainingNumbers(shape, transposes)
            + sides * chunkRows * gates // gradients of gates
            + (sides - 1L) * B * gates
            + B * H // one step
            + (dropsState ? StateFactors.trainingNumbers(dropped, B, shape.hiddenSize()) : 0);
    return Float.BYTES * numbers;
  }

  /**
   * The same in bfloat16. Batches of other numbers of sequences read the packed weights of this one
   * where they want the same order; those that want another, as of one sequence, are not counted.
   */
  static long bf16TrainingBytes(CellShape shape, int T, int B, int tapes) {
    int H = shape.hiddenSize();
    int gates = shape.cell().gates() * H;
    int inputs = shape.inputSize();
    long rows = (long) chunkSteps(T, B) * B;
    long held = rows * gates;
    long left = Math.max(rows * inputs, (long) B * Math.max(H, gates));
    long right = Math.max(inputs, T > 1 ? H : 0) * Math.max(rows, gates);
    return trainingBytes(shape, T, B, tapes, false, false)
        + Bf16Products.bytes(left, right, held)
        + Bf16Products.packedBytes(B, gates, H)
        + Bf16Products.packedBytes(B, H, gates);
  }

  @Override
  public long nativeBytes() {
    long bytes =
        inference.bytes() + weights.bytes() + stateFactors.bytes() + products.nativeBytes();
    for (FusedTape tape : tapes) {
      bytes += tape.bytes();
    }
    for (FloatMemory memory : memories()) {
      bytes += memory.bytes();
    }
    return bytes;
  }

  @Override
  public void close() {
    inference.close();
    tapes.forEach(FusedTape::close);
    tapes.clear();
    weights.close();
    products.close();
    stateFactors.close();
    memories().forEach(FloatMemory::close);
  }

  private List<FloatMemory> memories() {
    return List.of(chunkA, chunkR, stepR, stepDh, outputs, arriving);
  }

  private static int chunkSteps(int T, int B) {
    return Math.max(1, Math.min(T, (CHUNK_ROWS + B - 1) / B));
  }

  private int timeOf(int s, int T) {
    return direction == Direction.FORWARD ? s : T - 1 - s;
  }

  /** What is done to each block of a state (B, H). */
  private interface ForBlock {
    /**
     * @param row its first
     * @param length its numbers
     */
    void run(FusedRows.State state, int row, int length);
  }

  private void eachBlock(int B, ForBlock action) {
    for (int block = 0, row = 0; row < B; block++, row += rows.capacity) {
      action.run(states[block], row, Math.min(rows.capacity, B - row) * H);
    }
  }

  private void makeStates(int B) {
    int blocks = (B + rows.capacity - 1) / rows.capacity;
    int made = states.length;
    if (made < blocks) {
      states = Arrays.copyOf(states, blocks);
      for (int block = made; block < blocks; block++) {
        states[block] = new FusedRows.State(rows.capacity * H);
      }
    }
  }
}
