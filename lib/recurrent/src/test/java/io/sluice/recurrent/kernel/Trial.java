package io.sluice.recurrent.kernel;

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

  Result run(RecurrentKernel kernel) {
    return new Run(kernel, kernel instanceof ReferenceKernel).whole();
  }

  /** Steps [0, cut) and [cut, T) as two calls with the state handed over; both ways. */
  Result runInChunks(RecurrentKernel kernel, Direction direction, int cut) {
    return new Run(kernel, kernel instanceof ReferenceKernel).chunks(direction, cut);
  }

  /** Memory of one run. */
  private final class Run {
    private final RecurrentKernel kernel;
    private final boolean isDouble;

    Run(RecurrentKernel kernel, boolean isDouble) {
      this.kernel = kernel;
      this.isDouble = isDouble;
    }

    Result whole() {
      int H = shape.hiddenSize();
      Pointer y = empty(T * B * H);
      Pointer dx = empty(x.length);
      State last = state(null, null);
      State before = state(null, null);
      kernel.setParameters(memory(parameters));
      Pointer inputs = memory(x);
      State initial = state(h, c);
      kernel.forward(0, T, B, inputs, initial, y, last);
      // outputs are the caller's, who may change them before the way back
      Pointer outputs = copy(y, T * B * H);
      Pointer.memset(y, 0x41, (long) T * B * H * (isDouble ? Double.BYTES : Float.BYTES));
      kernel.backward(0, memory(dy), state(dhLast, dcLast), dx, before);
      return result(outputs, last, dx, before);
    }

    private Pointer copy(Pointer memory, int length) {
      Pointer copy = empty(length);
      Pointer.memcpy(copy, memory, (long) length * (isDouble ? Double.BYTES : Float.BYTES));
      return copy;
    }

    Result chunks(Direction direction, int cut) {
      int H = shape.hiddenSize();
      int I = shape.inputSize();
      Pointer y = empty(T * B * H);
      Pointer dx = empty(x.length);
      Pointer inputs = memory(x);
      Pointer outputGradients = memory(dy);
      State between = state(null, null);
      State last = state(null, null);
      State dBetween = state(null, null);
      State before = state(null, null);
      kernel.setParameters(memory(parameters));
      State initial = state(h, c);
      State dLast = state(dhLast, dcLast);
      // the chunk that is read first is the later one in time where the kernel reads backward
      int[] start = direction == Direction.FORWARD ? new int[] {0, cut} : new int[] {cut, 0};
      int[] steps =
          direction == Direction.FORWARD ? new int[] {cut, T - cut} : new int[] {T - cut, cut};
      kernel.forward(
          0, steps[0], B, at(inputs, start[0] * B * I), initial, at(y, start[0] * B * H), between);
      kernel.forward(
          1, steps[1], B, at(inputs, start[1] * B * I), between, at(y, start[1] * B * H), last);
      kernel.backward(
          1, at(outputGradients, start[1] * B * H), dLast, at(dx, start[1] * B * I), dBetween);
      kernel.backward(
          0, at(outputGradients, start[0] * B * H), dBetween, at(dx, start[0] * B * I), before);
      return result(y, last, dx, before);
    }

    private Result result(Pointer y, State last, Pointer dx, State before) {
      Pointer block = empty(parameters.length);
      kernel.takeGradients(block);
      int n = B * shape.hiddenSize();
      boolean hasC = shape.cell().hasCellState();
      return new Result(
          read(y, T * n),
          read(last.h(), n),
          hasC ? read(last.c(), n) : new double[n],
          read(dx, x.length),
          read(before.h(), n),
          hasC ? read(before.c(), n) : new double[n],
          read(block, parameters.length));
    }

    private State state(double[] h, double[] c) {
      int n = B * shape.hiddenSize();
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
