package io.sluice.recurrent.kernel;

import java.util.Arrays;
import java.util.Random;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * One batch through a kernel, forward and backward, with random numbers that a float32 holds
 * exactly, so that float32 and float64 kernels get the same.
 */
final class Trial {
  final CellShape shape;
  final int T;
  final int B;
  final double[] parameters;
  final double[] x;
  final double[] h;
  final double[] c;
  final double[] dy;
  final double[] dhLast;
  final double[] dcLast;

  /** Of the hidden state on its way into RW; null is ones. */
  double[] factors;

  /** What came out. */
  record Result(
      double[] y,
      double[] hLast,
      double[] cLast,
      double[] dx,
      double[] dh,
      double[] dc,
      double[] gradients) {}

  Trial(CellShape shape, int T, int B, long seed) {
    var random = new Random(seed);
    this.shape = shape;
    this.T = T;
    this.B = B;
    int H = shape.hiddenSize();
    this.parameters = random(random, Math.toIntExact(shape.parameterCount()), 1 / Math.sqrt(H));
    this.x = random(random, T * B * shape.inputSize(), 1);
    this.h = random(random, B * H, 0.5);
    this.c = random(random, B * H, 0.5);
    this.dy = random(random, T * B * H, 1);
    this.dhLast = random(random, B * H, 1);
    this.dcLast = random(random, B * H, 1);
  }

  private static double[] random(Random random, int n, double scale) {
    double[] values = new double[n];
    for (int k = 0; k < n; k++) {
      values[k] = (float) (scale * random.nextGaussian());
    }
    return values;
  }

  /** With 0, 1 and 2 as factors of the hidden state. */
  Trial withFactors() {
    var random = new Random(3);
    factors = random.ints(h.length, 0, 3).asDoubleStream().toArray();
    return this;
  }

  /** Another batch for the same parameters. */
  Trial another(int T, int B, long seed) {
    var trial = new Trial(shape, T, B, seed);
    System.arraycopy(parameters, 0, trial.parameters, 0, parameters.length);
    return trial;
  }

  /** The same numbers with time running the other way. */
  Trial reversed() {
    Trial trial = another(T, B, 0);
    copy(reversed(x), trial.x);
    copy(reversed(dy), trial.dy);
    copy(h, trial.h);
    copy(c, trial.c);
    copy(dhLast, trial.dhLast);
    copy(dcLast, trial.dcLast);
    return trial;
  }

  /** Sequences [from, to) of this batch. */
  Trial sequences(int from, int to) {
    Trial trial = another(T, to - from, 0);
    for (int t = 0; t < T; t++) {
      copyRows(x, t * B + from, trial.x, t * trial.B, trial.B, shape.inputSize());
      copyRows(dy, t * B + from, trial.dy, t * trial.B, trial.B, shape.hiddenSize());
    }
    double[][] whole = {h, c, dhLast, dcLast};
    double[][] part = {trial.h, trial.c, trial.dhLast, trial.dcLast};
    for (int k = 0; k < whole.length; k++) {
      copyRows(whole[k], from, part[k], 0, trial.B, shape.hiddenSize());
    }
    return trial;
  }

  /** A (T, B, n) tensor with time running the other way. */
  double[] reversed(double[] steps) {
    double[] reversed = new double[steps.length];
    int n = steps.length / T;
    for (int t = 0; t < T; t++) {
      System.arraycopy(steps, t * n, reversed, (T - 1 - t) * n, n);
    }
    return reversed;
  }

  private static void copy(double[] from, double[] to) {
    System.arraycopy(from, 0, to, 0, from.length);
  }

  private static void copyRows(
      double[] from, int fromRow, double[] to, int toRow, int rows, int n) {
    System.arraycopy(from, fromRow * n, to, toRow * n, rows * n);
  }

  Result run(RecurrentKernel kernel) {
    Run run = on(kernel);
    run.forward(0);
    run.backward(0);
    return run.result();
  }

  /** As a layer trains: gradients are summed where they will be taken. */
  void train(RecurrentKernel kernel) {
    Run run = on(kernel);
    run.sumGradientsAt(run.notANumber());
    run.forward(0);
    run.backward(0);
    run.takeGradients(run.target());
  }

  /** Gives the kernel the parameters; the caller runs it. */
  Run on(RecurrentKernel kernel) {
    return new Run(kernel);
  }

  /** This batch's way through a kernel, and the memory that it takes. */
  final class Run {
    private final RecurrentKernel kernel;
    private final boolean isDouble;
    private final int n = B * shape.hiddenSize();
    private final Pointer inputs;
    private final Pointer outputs;
    private final Pointer outputGradients;
    private final Pointer inputGradients;
    private State initial;
    private State last;
    private State dLast;
    private State dInitial;
    private Pointer target;
    private final Pointer held; // a kernel does not keep it from being freed, nor state factors
    private Pointer stateFactors;

    private Run(RecurrentKernel kernel) {
      this.kernel = kernel;
      this.isDouble = kernel instanceof ReferenceKernel;
      this.inputs = memory(x);
      this.outputs = empty(T * n);
      this.outputGradients = memory(dy);
      this.inputGradients = empty(x.length);
      this.initial = state(h, c);
      this.last = state(null, null);
      this.dLast = state(dhLast, dcLast);
      this.dInitial = state(null, null);
      this.held = memory(parameters);
      kernel.setParameters(held);
      if (factors != null) {
        stateFactors = memory(factors);
        kernel.setStateFactors(stateFactors);
      }
    }

    /** From here on no state comes or goes. */
    Run withoutStates() {
      initial = null;
      last = null;
      dLast = null;
      dInitial = null;
      return this;
    }

    /** Outputs and last state of a pass without a way back; the last state replaces the initial. */
    Result infer() {
      kernel.infer(T, B, inputs, initial, outputs, initial);
      return new Result(
          read(outputs, T * n), read(initial.h(), n), cells(initial), null, null, null, null);
    }

    void forward(int tape) {
      kernel.forward(tape, T, B, inputs, initial, outputs, last);
    }

    void backward(int tape) {
      // outputs are the caller's, who may change them before the way back
      Pointer kept = empty(T * n);
      long bytes = (long) T * n * (isDouble ? Double.BYTES : Float.BYTES);
      Pointer.memcpy(kept, outputs, bytes);
      Pointer.memset(outputs, 0x41, bytes);
      kernel.backward(tape, outputGradients, dLast, inputGradients, dInitial);
      Pointer.memcpy(outputs, kept, bytes);
    }

    /** Backward where nobody wants the gradient of the input. */
    void backwardForParameters(int tape) {
      kernel.backward(tape, outputGradients, dLast, null, dInitial);
    }

    /** Chunks of {@code length} steps with the state handed over, and its gradient back. */
    void inChunks(Direction direction, int length) {
      int H = shape.hiddenSize();
      int I = shape.inputSize();
      int chunks = (T + length - 1) / length;
      State[] states = new State[chunks + 1];
      State[] gradients = new State[chunks + 1];
      states[0] = initial;
      gradients[chunks] = dLast;
      for (int k = 0; k < chunks; k++) {
        states[k + 1] = k + 1 == chunks ? last : state(null, null);
        gradients[k] = k == 0 ? dInitial : state(null, null);
        int from = first(direction, k, length);
        kernel.forward(
            k,
            steps(k, length),
            B,
            at(inputs, from * B * I),
            states[k],
            at(outputs, from * B * H),
            states[k + 1]);
      }
      for (int k = chunks - 1; k >= 0; k--) {
        int from = first(direction, k, length);
        kernel.backward(
            k,
            at(outputGradients, from * B * H),
            gradients[k + 1],
            at(inputGradients, from * B * I),
            gradients[k]);
      }
    }

    private int steps(int chunk, int length) {
      return Math.min(length, T - chunk * length);
    }

    /** The chunk that is read first is the last one in time where the kernel reads backward. */
    private int first(Direction direction, int chunk, int length) {
      return direction == Direction.FORWARD
          ? chunk * length
          : T - chunk * length - steps(chunk, length);
    }

    /** With the gradients since they were last taken; states that did not come out are null. */
    Result result() {
      return new Result(
          read(outputs, T * n),
          last == null ? null : read(last.h(), n),
          cells(last),
          read(inputGradients, x.length),
          dInitial == null ? null : read(dInitial.h(), n),
          cells(dInitial),
          takeGradients());
    }

    double[] takeGradients() {
      return takeGradients(empty(parameters.length));
    }

    double[] takeGradients(Pointer block) {
      kernel.takeGradients(block);
      return read(block, parameters.length);
    }

    /** From here to the next taking. */
    void sumGradientsAt(Pointer block) {
      target = block;
      kernel.sumGradientsAt(block);
    }

    /** Where they are summed. */
    Pointer target() {
      return target;
    }

    /** Room for gradients that holds none yet. */
    Pointer notANumber() {
      double[] values = new double[parameters.length];
      Arrays.fill(values, Double.NaN);
      return memory(values);
    }

    private double[] cells(State state) {
      return state == null ? null : state.c() == null ? new double[n] : read(state.c(), n);
    }

    private State state(double[] h, double[] c) {
      boolean hasC = shape.cell().hasCellState();
      return new State(
          h == null ? empty(n) : memory(h), !hasC ? null : c == null ? empty(n) : memory(c));
    }

    private Pointer empty(int length) {
      return isDouble ? new DoublePointer((long) length) : new FloatPointer((long) length);
    }

    private Pointer memory(double[] values) {
      return isDouble ? new DoublePointer(values) : new FloatPointer(floats(values));
    }

    private Pointer at(Pointer memory, int elements) {
      return isDouble
          ? new DoublePointer(memory).getPointer(elements)
          : new FloatPointer(memory).getPointer(elements);
    }

    private double[] read(Pointer memory, int length) {
      double[] values = new double[length];
      if (isDouble) {
        new DoublePointer(memory).get(values);
        return values;
      }
      float[] floats = new float[length];
      new FloatPointer(memory).get(floats);
      for (int k = 0; k < length; k++) {
        values[k] = floats[k];
      }
      return values;
    }
  }

  static float[] floats(double[] values) {
    float[] floats = new float[values.length];
    for (int k = 0; k < values.length; k++) {
      floats[k] = (float) values[k];
    }
    return floats;
  }
}
