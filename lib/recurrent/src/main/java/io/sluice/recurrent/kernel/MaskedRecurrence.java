package io.sluice.recurrent.kernel;

import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Runs a kernel over a batch whose sequences have masked steps, without computing those.
 *
 * <p>A masked step, at the left, at the right or inside, is as if it were not there: the state
 * passes it unchanged, its output is zero, and its input gradient is zero. {@link Packing} says
 * how. Without a mask, or with one that masks nothing, the kernel runs over the caller's memory
 * itself.
 *
 * <p>Shapes and rules are those of {@link RecurrentKernel}; one forward pass is kept for backward.
 */
public final class MaskedRecurrence implements AutoCloseable {
  /**
   * Floating-point operations in the time that a further kernel call takes, most of it the making
   * of primitives for a shape not seen before: 0.3 ms at 70 GFLOP/s.
   */
  private static final double CALL_FLOPS = 2e7;

  private final RecurrentKernel kernel;
  private final Direction direction;
  private final int elementBytes;
  private final long callCost;
  private final NativeBuffer packedX = new NativeBuffer();
  private final NativeBuffer packedY = new NativeBuffer();
  private final NativeBuffer packedDy = new NativeBuffer();
  private final NativeBuffer packedDx = new NativeBuffer();
  private final NativeBuffer packedFactors = new NativeBuffer();
  private final NativeBuffer states = new NativeBuffer();
  private final NativeBuffer dStates = new NativeBuffer();

  // the forward pass that backward would go back over
  private int T;
  private int B;
  private Packing packing;

  /** Rows that each tape has room for, and those of the largest pass. */
  private long[] room = new long[0];

  private long mostRows;

  private Pointer factors;

  /**
   * @param kernel runs the steps; closed by {@link #close}
   * @param direction the kernel's
   * @param elementBytes size of its numbers
   */
  public MaskedRecurrence(RecurrentKernel kernel, Direction direction, int elementBytes) {
    this.kernel = kernel;
    this.direction = direction;
    this.elementBytes = elementBytes;
    CellShape shape = kernel.shape();
    double row =
        2.0
            * shape.cell().gates()
            * shape.hiddenSize()
            * ((double) shape.inputSize() + shape.hiddenSize());
    this.callCost = Math.max(1, Math.round(CALL_FLOPS / row));
  }

  /** The kernel that it runs. */
  public RecurrentKernel kernel() {
    return kernel;
  }

  /** See {@link RecurrentKernel#setStateFactors}. */
  public void setStateFactors(Pointer factors) {
    this.factors = factors;
  }

  /**
   * Forward without a way back.
   *
   * @param mask (B, T) row-major, 0 is a masked step; null masks nothing
   */
  public void infer(float[] mask, int T, int B, Pointer x, State initial, Pointer y, State last) {
    run(false, mask, T, B, x, initial, y, last);
  }

  /**
   * Forward, keeping what {@link #backward} needs.
   *
   * @param mask (B, T) row-major, 0 is a masked step; null masks nothing
   */
  public void forward(float[] mask, int T, int B, Pointer x, State initial, Pointer y, State last) {
    run(true, mask, T, B, x, initial, y, last);
  }

  private void run(
      boolean training,
      float[] mask,
      int T,
      int B,
      Pointer x,
      State initial,
      Pointer y,
      State last) {
    if (mask != null && mask.length != (long) B * T) {
      throw new IllegalArgumentException(
          "mask has length %d, expected B*T = %d (B=%d, T=%d)"
              .formatted(mask.length, (long) B * T, B, T));
    }
    this.T = T;
    this.B = B;
    this.packing =
        masksNothing(mask) ? null : Packing.of(mask, T, B, direction, last != null, callCost);
    kernel.setStateFactors(factors == null || packing == null ? factors : packedFactors());
    if (training) {
      keepTapesSmall();
    }
    if (packing != null) {
      runPacked(training, x, initial, y, last);
    } else if (training) {
      kernel.forward(0, T, B, x, initial, y, last);
    } else {
      kernel.infer(T, B, x, initial, y, last);
    }
  }

  /** All tapes together grow to what the largest pass needs, not each to its largest segment. */
  private void keepTapesSmall() {
    long[] rows =
        packing == null
            ? new long[] {(long) T * B}
            : packing.segments().stream()
                .mapToLong(s -> (long) s.steps() * s.sequences())
                .toArray();
    mostRows = Math.max(mostRows, Arrays.stream(rows).sum());
    long[] grown = Arrays.copyOf(room, Math.max(room.length, rows.length));
    for (int k = 0; k < rows.length; k++) {
      grown[k] = Math.max(grown[k], rows[k]);
    }
    boolean isTooMuch = Arrays.stream(grown).sum() > mostRows;
    if (isTooMuch) {
      kernel.freeTapes();
    }
    room = isTooMuch ? rows : grown;
  }

  /** Frees what passes that went forward, and ways back, have left. */
  public void forgetPasses() {
    kernel.freeTapes();
    room = new long[0];
    packedDy.close();
    packedDx.close();
  }

  /** Backward over the last {@link #forward}; see {@link RecurrentKernel#backward}. */
  public void backward(Pointer dy, State dLast, Pointer dx, State dInitial) {
    if (packing == null) {
      kernel.backward(0, dy, dLast, dx, dInitial);
    } else {
      backwardPacked(dy, dLast, dx, dInitial);
    }
  }

  private void runPacked(boolean training, Pointer x, State initial, Pointer y, State last) {
    int H = kernel.shape().hiddenSize();
    int inputBytes = kernel.shape().inputSize() * elementBytes;
    int hiddenBytes = H * elementBytes;
    List<Packing.Segment> segments = packing.segments();
    Pointer px = packedX.atLeast(Math.max(1, (long) packing.sources().length * inputBytes));
    Pointer py = packedY.atLeast(Math.max(1, (long) packing.sources().length * hiddenBytes));
    gather(packing.sources(), x, (long) T * B, px, inputBytes);
    // h and c, before each segment and after the last
    long stateBytes = (long) B * hiddenBytes;
    Pointer all = states.atLeast((segments.size() + 1) * 2L * stateBytes);
    State first = state(all, 0, stateBytes);
    packState(initial, first, hiddenBytes);
    for (int k = 0; k < segments.size(); k++) {
      Packing.Segment segment = segments.get(k);
      Pointer segmentX = at(px, (long) segment.firstRow() * inputBytes);
      Pointer segmentY = at(py, (long) segment.firstRow() * hiddenBytes);
      State before = state(all, k, stateBytes);
      State after = state(all, k + 1, stateBytes);
      if (training) {
        kernel.forward(k, segment.steps(), segment.sequences(), segmentX, before, segmentY, after);
      } else {
        kernel.infer(segment.steps(), segment.sequences(), segmentX, before, segmentY, after);
      }
    }
    scatter(packing.sources(), py, y, (long) T * B, hiddenBytes);
    if (last != null) {
      unpackLastStates(all, stateBytes, last, hiddenBytes);
    }
  }

  private void backwardPacked(Pointer dy, State dLast, Pointer dx, State dInitial) {
    int inputBytes = kernel.shape().inputSize() * elementBytes;
    int hiddenBytes = kernel.shape().hiddenSize() * elementBytes;
    long rows = packing.sources().length;
    Pointer pdy = packedDy.atLeast(Math.max(1, rows * hiddenBytes));
    Pointer pdx = packedDx.atLeast(Math.max(1, rows * inputBytes));
    gather(packing.sources(), dy, (long) T * B, pdy, hiddenBytes);
    long stateBytes = (long) B * hiddenBytes;
    Pointer both = dStates.atLeast(4 * stateBytes);
    State after = state(both, 0, stateBytes);
    State before = state(both, 1, stateBytes);
    packState(dLast, after, hiddenBytes);
    List<Packing.Segment> segments = packing.segments();
    for (int k = segments.size() - 1; k >= 0; k--) {
      Packing.Segment segment = segments.get(k);
      kernel.backward(
          k,
          at(pdy, (long) segment.firstRow() * hiddenBytes),
          after,
          at(pdx, (long) segment.firstRow() * inputBytes),
          before);
      // the sequences of this segment go on with its gradient, shorter ones keep that of their end
      long bytes = (long) segment.sequences() * hiddenBytes;
      Pointer.memcpy(after.h(), before.h(), bytes);
      if (after.c() != null) {
        Pointer.memcpy(after.c(), before.c(), bytes);
      }
    }
    if (dx != null) {
      scatter(packing.sources(), pdx, dx, (long) T * B, inputBytes);
    }
    if (dInitial != null) {
      scatter(packing.order(), after.h(), dInitial.h(), B, hiddenBytes);
      if (after.c() != null) {
        scatter(packing.order(), after.c(), dInitial.c(), B, hiddenBytes);
      }
    }
  }

  private Pointer packedFactors() {
    int rowBytes = kernel.shape().hiddenSize() * elementBytes;
    Pointer packed = packedFactors.atLeast((long) B * rowBytes);
    packMatrix(factors, packed, rowBytes);
    return packed;
  }

  /** Sorts a state's rows as packed ones; null is zeros. */
  private void packState(State state, State packed, int rowBytes) {
    packMatrix(state == null ? null : state.h(), packed.h(), rowBytes);
    if (packed.c() != null) {
      packMatrix(state == null ? null : state.c(), packed.c(), rowBytes);
    }
  }

  private void packMatrix(Pointer matrix, Pointer packed, int rowBytes) {
    if (matrix == null) {
      Pointer.memset(packed, 0, (long) B * rowBytes);
    } else {
      gather(packing.order(), matrix, B, packed, rowBytes);
    }
  }

  /** A sequence's last state is that after the segment in which it ends. */
  private void unpackLastStates(Pointer all, long stateBytes, State last, int rowBytes) {
    List<Packing.Segment> segments = packing.segments();
    int end = B;
    for (int k = 0; k <= segments.size(); k++) {
      // rows [start, end) have ended once k segments are read
      int start = k < segments.size() ? segments.get(k).sequences() : 0;
      State ended = state(all, k, stateBytes);
      int[] order = Arrays.copyOfRange(packing.order(), start, end);
      copyRows(order, at(ended.h(), (long) start * rowBytes), last.h(), rowBytes);
      if (ended.c() != null) {
        copyRows(order, at(ended.c(), (long) start * rowBytes), last.c(), rowBytes);
      }
      end = start;
    }
  }

  private State state(Pointer all, int index, long stateBytes) {
    Pointer h = at(all, 2L * index * stateBytes);
    boolean hasC = kernel.shape().cell().hasCellState();
    return new State(h, hasC ? at(all, (2L * index + 1) * stateBytes) : null);
  }

  /** Row {@code sources[p]} of {@code matrix} becomes row p of {@code packed}, or zero. */
  private static void gather(
      int[] sources, Pointer matrix, long rows, Pointer packed, int rowBytes) {
    var from = new NativeRows(matrix, rows, rowBytes);
    var to = new NativeRows(packed, sources.length, rowBytes);
    byte[] zeros = new byte[rowBytes];
    for (int p = 0; p < sources.length; p++) {
      if (sources[p] == Packing.NOTHING) {
        to.put(p, zeros);
      } else {
        to.copy(p, from, sources[p]);
      }
    }
  }

  /** Row p of {@code packed} becomes row {@code sources[p]} of {@code matrix}; the rest zero. */
  private static void scatter(
      int[] sources, Pointer packed, Pointer matrix, long rows, int rowBytes) {
    var from = new NativeRows(packed, sources.length, rowBytes);
    var to = new NativeRows(matrix, rows, rowBytes);
    Pointer.memset(matrix, 0, rows * rowBytes);
    for (int p = 0; p < sources.length; p++) {
      if (sources[p] != Packing.NOTHING) {
        to.copy(sources[p], from, p);
      }
    }
  }

  /** Row p of {@code packed} becomes row {@code targets[p]}; other rows stay. */
  private static void copyRows(int[] targets, Pointer packed, Pointer matrix, int rowBytes) {
    for (int p = 0; p < targets.length; p++) {
      Pointer.memcpy(
          at(matrix, (long) targets[p] * rowBytes), at(packed, (long) p * rowBytes), rowBytes);
    }
  }

  private static boolean masksNothing(float[] mask) {
    if (mask != null) {
      for (float step : mask) {
        if (step == 0) {
          return false;
        }
      }
    }
    return true;
  }

  private static Pointer at(Pointer start, long bytes) {
    return bytes == 0 ? start : new BytePointer(start).getPointer(bytes);
  }

  /** Native memory held now, the kernel's included, in bytes. */
  public long nativeBytes() {
    return kernel.nativeBytes() + buffers().stream().mapToLong(NativeBuffer::bytes).sum();
  }

  @Override
  public void close() {
    buffers().forEach(NativeBuffer::close);
    kernel.close();
  }

  private List<NativeBuffer> buffers() {
    return List.of(packedX, packedY, packedDy, packedDx, packedFactors, states, dStates);
  }
}
