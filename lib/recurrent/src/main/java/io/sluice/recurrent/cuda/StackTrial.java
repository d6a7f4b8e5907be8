package io.sluice.recurrent.cuda;

import io.sluice.recurrent.kernel.RecurrentKernel;
import io.sluice.recurrent.kernel.ReferenceKernel;
import io.sluice.recurrent.kernel.State;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * One batch through a stack, forward and backward, with numbers that a float32 holds exactly, so
 * that every precision starts from the same. {@link #expected} says in float64 what must come out.
 */
final class StackTrial {
  /** What came out; states are null where none went in. */
  record Result(
      double[] y,
      double[] hLast,
      double[] cLast,
      double[] dx,
      double[] dh,
      double[] dc,
      double[] gradients) {}

  final StackShape shape;
  final List<StackShape.Part> parts;
  final int T;
  final int B;

  /** null: T each. */
  final int[] lengths;

  final boolean hasStates;
  double[] parameters;
  double[] x;
  double[] h;
  double[] c;
  double[] dy;
  double[] dhLast;
  double[] dcLast;
  private Result expected;

  /**
   * @param parts the stack's own, or one that reads backward
   */
  StackTrial(
      StackShape shape,
      List<StackShape.Part> parts,
      int T,
      int B,
      int[] lengths,
      boolean hasStates,
      long seed) {
    var random = new Random(seed);
    int H = shape.hiddenSize();
    int states = parts.size() * B * H;
    this.shape = shape;
    this.parts = parts;
    this.T = T;
    this.B = B;
    this.lengths = lengths;
    this.hasStates = hasStates;
    this.parameters = random(random, Math.toIntExact(shape.parameterCount()), 1 / Math.sqrt(H));
    this.x = random(random, T * B * shape.inputSize(), 1);
    this.h = random(random, states, 0.5);
    this.c = random(random, states, 0.5);
    this.dy = random(random, T * B * shape.outputSize(), 1);
    this.dhLast = random(random, states, 1);
    this.dcLast = random(random, states, 1);
  }

  private static double[] random(Random random, int n, double scale) {
    double[] values = new double[n];
    for (int k = 0; k < n; k++) {
      values[k] = (float) (scale * random.nextGaussian());
    }
    return values;
  }

  int stateLength() {
    return h.length;
  }

  int lengthOf(int b) {
    return lengths == null ? T : lengths[b];
  }

  /** Each sequence by itself through {@link ReferenceKernel}s. */
  Result expected() {
    if (expected == null) {
      var sum =
          new Result(
              new double[dy.length],
              new double[h.length],
              new double[h.length],
              new double[x.length],
              new double[h.length],
              new double[h.length],
              new double[parameters.length]);
      IntStream.range(0, B).parallel().forEach(b -> addSequence(b, sum));
      expected = sum;
    }
    return expected;
  }

  private void addSequence(int b, Result sum) {
    int steps = lengthOf(b);
    int H = shape.hiddenSize();
    int width = shape.outputSize();
    RecurrentKernel[] kernels = new RecurrentKernel[parts.size()];
    double[] input = steps(x, b, steps, shape.inputSize());
    int p = 0;
    for (int layer = 0; layer < shape.layers(); layer++) {
      double[] output = new double[steps * width];
      for (int d = 0; d < shape.directions(); d++, p++) {
        StackShape.Part part = parts.get(p);
        var kernel = new ReferenceKernel(part.shape(), part.direction());
        int from = Math.toIntExact(part.offset());
        kernel.setParameters(
            new DoublePointer(
                Arrays.copyOfRange(
                    parameters, from, from + Math.toIntExact(part.shape().parameterCount()))));
        var y = new DoublePointer((long) steps * H);
        var last = new State(new DoublePointer((long) H), new DoublePointer((long) H));
        State initial = hasStates ? new State(state(h, p, b), state(c, p, b)) : null;
        kernel.forward(0, steps, 1, new DoublePointer(input), initial, y, last);
        insert(read(y, steps * H), output, d * H, H, width);
        putState(sum.hLast, p, b, last.h());
        if (shape.cell().hasCellState()) {
          putState(sum.cLast, p, b, last.c());
        }
        kernels[p] = kernel;
      }
      input = output;
    }
    putSteps(input, sum.y, b, steps, width);
    double[] gradient = steps(dy, b, steps, width);
    for (int layer = shape.layers() - 1; layer >= 0; layer--) {
      int inputSize = parts.get(layer * shape.directions()).shape().inputSize();
      double[] below = new double[steps * inputSize];
      for (int d = 0; d < shape.directions(); d++) {
        p = layer * shape.directions() + d;
        StackShape.Part part = parts.get(p);
        var dx = new DoublePointer((long) steps * inputSize);
        var dInitial = new State(new DoublePointer((long) H), new DoublePointer((long) H));
        State dLast = hasStates ? new State(state(dhLast, p, b), state(dcLast, p, b)) : null;
        kernels[p].backward(
            0, new DoublePointer(extract(gradient, d * H, H, width)), dLast, dx, dInitial);
        double[] own = read(dx, below.length);
        Arrays.setAll(below, k -> below[k] + own[k]);
        putState(sum.dh, p, b, dInitial.h());
        if (shape.cell().hasCellState()) {
          putState(sum.dc, p, b, dInitial.c());
        }
        int count = Math.toIntExact(part.shape().parameterCount());
        var block = new DoublePointer((long) count);
        kernels[p].takeGradients(block);
        double[] gradients = read(block, count);
        int from = Math.toIntExact(part.offset());
        synchronized (sum) {
          for (int k = 0; k < count; k++) {
            sum.gradients[from + k] += gradients[k];
          }
        }
      }
      gradient = below;
    }
    putSteps(gradient, sum.dx, b, steps, shape.inputSize());
  }

  /** Through the stack on the GPU. */
  Result run(CudnnStack stack) {
    stack.setParameters(floats(parameters));
    FloatPointer inputs = floats(x);
    var outputs = room(dy.length);
    State initial = hasStates ? state(floats(h), floats(c)) : null;
    State last = hasStates ? state(room(h.length), room(h.length)) : null;
    stack.forward(0, T, B, lengths, inputs, initial, outputs, last);
    var dx = room(x.length);
    State dLast = hasStates ? state(floats(dhLast), floats(dcLast)) : null;
    State dInitial = hasStates ? state(room(h.length), room(h.length)) : null;
    stack.backward(0, floats(dy), dLast, dx, dInitial);
    var gradients = room(parameters.length);
    stack.takeGradients(gradients);
    return result(outputs, last, dx, dInitial, gradients);
  }

  /**
   * Through a kernel of one layer, in chunks of time with the state handed over, each chunk on a
   * tape of its own.
   */
  Result run(RecurrentKernel kernel, int chunks) {
    kernel.setParameters(floats(parameters));
    boolean reads = parts.get(0).direction() == io.sluice.recurrent.kernel.Direction.FORWARD;
    FloatPointer inputs = floats(x);
    FloatPointer outputGradients = floats(dy);
    var outputs = room(dy.length);
    var dx = room(x.length);
    State[] states = new State[chunks + 1];
    State[] gradients = new State[chunks + 1];
    states[0] = hasStates ? state(floats(h), floats(c)) : null;
    gradients[chunks] = hasStates ? state(floats(dhLast), floats(dcLast)) : null;
    for (int k = 0; k < chunks; k++) {
      boolean wants = hasStates || k + 1 < chunks;
      states[k + 1] = wants ? state(room(h.length), room(h.length)) : null;
      kernel.forward(
          k,
          stepsOf(k, chunks),
          B,
          at(inputs, firstOf(k, chunks, reads) * B * shape.inputSize()),
          states[k],
          at(outputs, firstOf(k, chunks, reads) * B * shape.hiddenSize()),
          states[k + 1]);
    }
    for (int k = chunks - 1; k >= 0; k--) {
      boolean wants = hasStates || k > 0;
      gradients[k] = wants ? state(room(h.length), room(h.length)) : null;
      kernel.backward(
          k,
          at(outputGradients, firstOf(k, chunks, reads) * B * shape.hiddenSize()),
          gradients[k + 1],
          at(dx, firstOf(k, chunks, reads) * B * shape.inputSize()),
          gradients[k]);
    }
    var block = room(parameters.length);
    kernel.takeGradients(block);
    return result(outputs, states[chunks], dx, gradients[0], block);
  }

  private int stepsOf(int chunk, int chunks) {
    return T * (chunk + 1) / chunks - T * chunk / chunks;
  }

  private int firstOf(int chunk, int chunks, boolean readsForward) {
    return readsForward ? T * chunk / chunks : T - T * (chunk + 1) / chunks;
  }

  private Result result(
      FloatPointer y, State last, FloatPointer dx, State dInitial, FloatPointer gradients) {
    return new Result(
        read(y),
        last == null ? null : read((FloatPointer) last.h()),
        last == null || last.c() == null ? null : read((FloatPointer) last.c()),
        read(dx),
        dInitial == null ? null : read((FloatPointer) dInitial.h()),
        dInitial == null || dInitial.c() == null ? null : read((FloatPointer) dInitial.c()),
        read(gradients));
  }

  private State state(FloatPointer h, FloatPointer c) {
    return new State(h, shape.cell().hasCellState() ? c : null);
  }

  static FloatPointer floats(double[] values) {
    float[] floats = new float[values.length];
    for (int k = 0; k < values.length; k++) {
      floats[k] = (float) values[k];
    }
    return new FloatPointer(floats);
  }

  /** Memory that holds NaN until a kernel writes it. */
  static FloatPointer room(int length) {
    float[] nan = new float[length];
    Arrays.fill(nan, Float.NaN);
    return new FloatPointer(nan);
  }

  static double[] read(FloatPointer memory) {
    float[] floats = new float[Math.toIntExact(memory.limit())];
    memory.get(floats);
    double[] values = new double[floats.length];
    for (int k = 0; k < floats.length; k++) {
      values[k] = floats[k];
    }
    return values;
  }

  private static Pointer at(FloatPointer memory, int elements) {
    return memory.getPointer(elements);
  }

  private static double[] read(DoublePointer memory, int length) {
    double[] values = new double[length];
    memory.get(values);
    return values;
  }

  private DoublePointer state(double[] all, int part, int b) {
    int H = shape.hiddenSize();
    int from = (part * B + b) * H;
    return new DoublePointer(Arrays.copyOfRange(all, from, from + H));
  }

  private void putState(double[] all, int part, int b, Pointer state) {
    int H = shape.hiddenSize();
    System.arraycopy(read((DoublePointer) state, H), 0, all, (part * B + b) * H, H);
  }

  private double[] steps(double[] all, int b, int steps, int n) {
    double[] own = new double[steps * n];
    for (int t = 0; t < steps; t++) {
      System.arraycopy(all, (t * B + b) * n, own, t * n, n);
    }
    return own;
  }

  private void putSteps(double[] own, double[] all, int b, int steps, int n) {
    for (int t = 0; t < steps; t++) {
      System.arraycopy(own, t * n, all, (t * B + b) * n, n);
    }
  }

  private static void insert(double[] rows, double[] wide, int column, int H, int width) {
    for (int row = 0; row < rows.length / H; row++) {
      System.arraycopy(rows, row * H, wide, row * width + column, H);
    }
  }

  private static double[] extract(double[] wide, int column, int H, int width) {
    double[] rows = new double[wide.length / width * H];
    for (int row = 0; row < rows.length / H; row++) {
      System.arraycopy(wide, row * width + column, rows, row * H, H);
    }
    return rows;
  }
}
