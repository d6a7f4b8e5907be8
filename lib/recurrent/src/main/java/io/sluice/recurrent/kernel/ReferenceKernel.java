package io.sluice.recurrent.kernel;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * The equations, in float64 and plain Java: slow, and the judge of every other kernel.
 *
 * <p>For each sequence and time step, with x the input, h⁻ and c⁻ the state before it, and W, RW
 * the weights of {@link CellShape}:
 *
 * <pre>{@code
 * a = W · x            input side, G·H numbers
 * r = RW · h⁻          recurrent side, G·H numbers; h⁻ times factors, where there are any
 * h, c = cell(a, r, h⁻, c⁻)
 * }</pre>
 *
 * and what the cell does with them stands in {@link ReferenceCell}. Backward is the chain rule
 * through the same two products, step by step from the last one read.
 *
 * <p><b>Shapes</b> are those of {@link RecurrentKernel}, memory is float64.
 *
 * <p>Checked by {@code GoldenTest} (PyTorch's values, 1e-10) and {@code ReferenceKernelTest}
 * (central differences).
 */
public final class ReferenceKernel implements RecurrentKernel {
  /** What one pass leaves for backward; rows of time step t and sequence b. */
  private static final class Tape {
    int T;
    int B;
    double[][][] x;
    double[][][] a;
    double[][][] r;
    double[][][] before;
    double[][][] cBefore;

    /** Of the hidden state on its way into RW. */
    double[][] factors;
  }

  private final CellShape shape;
  private final Direction direction;
  private final ReferenceCell cell;
  private final double[] parameters;
  private final double[] gradients;
  private final List<Tape> tapes = new ArrayList<>();
  private Pointer factors;

  /**
   * @param direction in which order it reads the time steps
   */
  public ReferenceKernel(CellShape shape, Direction direction) {
    this.shape = shape;
    this.direction = direction;
    this.parameters = new double[Math.toIntExact(shape.parameterCount())];
    this.gradients = new double[parameters.length];
    this.cell = ReferenceCell.of(shape);
  }

  @Override
  public CellShape shape() {
    return shape;
  }

  @Override
  public String name() {
    return "reference f64";
  }

  @Override
  public void setParameters(Pointer from) {
    new DoublePointer(from).get(parameters);
  }

  @Override
  public void setStateFactors(Pointer factors) {
    this.factors = factors;
  }

  @Override
  public void infer(int T, int B, Pointer x, State initial, Pointer y, State last) {
    run(T, B, x, initial, y, last);
  }

  @Override
  public void forward(int tape, int T, int B, Pointer x, State initial, Pointer y, State last) {
    while (tapes.size() <= tape) {
      tapes.add(null);
    }
    tapes.set(tape, run(T, B, x, initial, y, last));
  }

  private Tape run(int T, int B, Pointer xPointer, State initial, Pointer yPointer, State last) {
    int I = shape.inputSize();
    int H = shape.hiddenSize();
    int rows = shape.cell().gates() * H;
    var tape = new Tape();
    tape.T = T;
    tape.B = B;
    tape.x = read(xPointer, T, B, I);
    tape.a = new double[T][B][rows];
    tape.r = new double[T][B][rows];
    tape.before = new double[T][B][];
    tape.cBefore = new double[T][B][];
    tape.factors = factors == null ? null : read(factors, B, H);
    double[][] h = read(initial == null ? null : initial.h(), B, H);
    double[][] c = read(initial == null ? null : initial.c(), B, H);
    double[][][] y = new double[T][B][];
    for (int s = 0; s < T; s++) {
      int t = timeOf(s, T);
      for (int b = 0; b < B; b++) {
        tape.before[t][b] = h[b];
        tape.cBefore[t][b] = c[b];
        multiply("W", tape.x[t][b], tape.a[t][b]);
        multiply("RW", dropped(tape, b, h[b]), tape.r[t][b]);
        var after = new ReferenceCell.After(H);
        cell.forward(parameters, tape.a[t][b], tape.r[t][b], h[b], c[b], after);
        h[b] = after.h;
        c[b] = after.c;
        y[t][b] = after.h;
      }
    }
    write(y, yPointer);
    if (last != null) {
      write(new double[][][] {h}, last.h());
      if (shape.cell().hasCellState()) {
        write(new double[][][] {c}, last.c());
      }
    }
    return tape;
  }

  @Override
  public void backward(int tapeNumber, Pointer dyPointer, State dLast, Pointer dx, State dInitial) {
    Tape tape = tapeNumber < tapes.size() ? tapes.get(tapeNumber) : null;
    if (tape == null) {
      throw new IllegalStateException("Tape %d holds no forward pass".formatted(tapeNumber));
    }
    int I = shape.inputSize();
    int H = shape.hiddenSize();
    int rows = shape.cell().gates() * H;
    double[][][] dy = read(dyPointer, tape.T, tape.B, H);
    double[][] dh = read(dLast == null ? null : dLast.h(), tape.B, H);
    double[][] dc = read(dLast == null ? null : dLast.c(), tape.B, H);
    double[][][] dxRows = new double[tape.T][tape.B][I];
    for (int s = tape.T - 1; s >= 0; s--) {
      int t = timeOf(s, tape.T);
      for (int b = 0; b < tape.B; b++) {
        for (int j = 0; j < H; j++) {
          dh[b][j] += dy[t][b][j];
        }
        var da = new double[rows];
        var dr = new double[rows];
        var before = new ReferenceCell.After(H);
        cell.backward(
            parameters,
            tape.a[t][b],
            tape.r[t][b],
            tape.before[t][b],
            tape.cBefore[t][b],
            dh[b],
            dc[b],
            da,
            dr,
            before,
            gradients);
        multiplyBack("W", da, tape.x[t][b], dxRows[t][b]);
        double[] dDropped = new double[H];
        multiplyBack("RW", dr, dropped(tape, b, tape.before[t][b]), dDropped);
        add(dropped(tape, b, dDropped), before.h);
        dh[b] = before.h;
        dc[b] = before.c;
      }
    }
    if (dx != null) {
      write(dxRows, dx);
    }
    if (dInitial != null) {
      write(new double[][][] {dh}, dInitial.h());
      if (shape.cell().hasCellState()) {
        write(new double[][][] {dc}, dInitial.c());
      }
    }
  }

  @Override
  public void freeTapes() {
    tapes.clear();
  }

  @Override
  public void takeGradients(Pointer dParameters) {
    new DoublePointer(dParameters).put(gradients);
    Arrays.fill(gradients, 0);
  }

  /** A hidden state, or its gradient, through the factors of its sequence. */
  private static double[] dropped(Tape tape, int b, double[] h) {
    if (tape.factors == null) {
      return h;
    }
    double[] dropped = h.clone();
    for (int j = 0; j < h.length; j++) {
      dropped[j] *= tape.factors[b][j];
    }
    return dropped;
  }

  private static void add(double[] addend, double[] sum) {
    for (int j = 0; j < sum.length; j++) {
      sum[j] += addend[j];
    }
  }

  /** out = M · in. */
  private void multiply(String matrix, double[] in, double[] out) {
    CellShape.Parameter M = shape.parameter(matrix);
    for (int row = 0; row < M.rows(); row++) {
      double sum = 0;
      for (int k = 0; k < M.columns(); k++) {
        sum += parameters[Math.toIntExact(M.offset()) + row * M.columns() + k] * in[k];
      }
      out[row] = sum;
    }
  }

  /** From out = M · in: adds dOut · inᵀ to the gradient of M, and Mᵀ · dOut to dIn. */
  private void multiplyBack(String matrix, double[] dOut, double[] in, double[] dIn) {
    CellShape.Parameter M = shape.parameter(matrix);
    for (int row = 0; row < M.rows(); row++) {
      int start = Math.toIntExact(M.offset()) + row * M.columns();
      for (int k = 0; k < M.columns(); k++) {
        gradients[start + k] += dOut[row] * in[k];
        dIn[k] += parameters[start + k] * dOut[row];
      }
    }
  }

  /** Time of the step that is read as number s. */
  private int timeOf(int s, int T) {
    return direction == Direction.FORWARD ? s : T - 1 - s;
  }

  private static double[][] read(Pointer memory, int B, int n) {
    return memory == null ? new double[B][n] : read(memory, 1, B, n)[0];
  }

  private static double[][][] read(Pointer memory, int T, int B, int n) {
    double[] flat = new double[T * B * n];
    new DoublePointer(memory).get(flat);
    double[][][] rows = new double[T][B][];
    for (int t = 0; t < T; t++) {
      for (int b = 0; b < B; b++) {
        rows[t][b] = Arrays.copyOfRange(flat, (t * B + b) * n, (t * B + b + 1) * n);
      }
    }
    return rows;
  }

  private static void write(double[][][] rows, Pointer memory) {
    double[] flat =
        Arrays.stream(rows).flatMap(Arrays::stream).flatMapToDouble(Arrays::stream).toArray();
    new DoublePointer(memory).put(flat);
  }

  /** It holds Java memory only. */
  @Override
  public long nativeBytes() {
    return 0;
  }

  @Override
  public void close() {
    tapes.clear();
  }
}
