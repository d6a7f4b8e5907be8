package io.sluice.recurrent.head;

import java.util.Random;
import java.util.function.BiFunction;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/** Random numbers that a float32 holds exactly, through a kernel over a vocabulary and back. */
final class VocabularyTrial {
  /** What kernels write. */
  record Result(double[] nll, double[] losses, double[] dx, double[] dParameters, double[] p) {}

  final int R;
  final int V;
  final int H;
  final int[] ids;
  final double[] factors;
  final double[] x;
  final double[] parameters;
  private final VocabularyKernel reference;
  private final BiFunction<Pointer, Integer, VocabularyMemory> memory;

  /**
   * @param leftOut of how many rows the first is left out; 0 is none
   * @param numbers of all parameters
   * @param reference kernel in float64
   * @param memory of parameters in flat memory of 4 or 8 bytes a number
   */
  VocabularyTrial(
      int R,
      int V,
      int H,
      int leftOut,
      long seed,
      int numbers,
      VocabularyKernel reference,
      BiFunction<Pointer, Integer, VocabularyMemory> memory) {
    this.R = R;
    this.V = V;
    this.H = H;
    this.reference = reference;
    this.memory = memory;
    var random = new Random(seed);
    ids = random.ints(R, 0, V).toArray();
    for (int r = 0; leftOut > 0 && r < R; r += leftOut) {
      ids[r] = -1;
    }
    factors = random(random, R, 1);
    x = random(random, R * H, 1);
    parameters = random(random, numbers, 1 / Math.sqrt(H));
  }

  private static double[] random(Random random, int n, double scale) {
    double[] values = new double[n];
    for (int k = 0; k < n; k++) {
      values[k] = (float) (scale * random.nextGaussian());
    }
    return values;
  }

  private boolean[] mask() {
    boolean[] mask = new boolean[R];
    for (int r = 0; r < R; r++) {
      mask[r] = ids[r] >= 0;
    }
    return mask;
  }

  Result doubles() {
    var w = new DoublePointer(parameters);
    var input = new DoublePointer(x);
    var dx = new DoublePointer(x.length);
    var dw = new DoublePointer(parameters.length);
    var p = new DoublePointer((long) R * V);
    var result = empty();
    reference.gradients(
        ids, factors, memory.apply(w, 8), input, result.nll, dx, memory.apply(dw, 8));
    reference.losses(ids, memory.apply(w, 8), input, result.losses);
    reference.probabilities(R, mask(), memory.apply(w, 8), input, p);
    dx.get(result.dx);
    dw.get(result.dParameters);
    p.get(result.p);
    return result;
  }

  /** Forward and back alone. */
  void train(VocabularyKernel kernel) {
    kernel.gradients(
        ids,
        factors,
        memory.apply(floats(parameters), 4),
        floats(x),
        new double[R],
        new FloatPointer(x.length),
        memory.apply(new FloatPointer(parameters.length), 4));
  }

  /** The second of two passes, so that memory is used again. */
  Result floats(VocabularyKernel kernel) {
    var w = floats(parameters);
    var input = floats(x);
    var dx = new FloatPointer(x.length);
    var dw = new FloatPointer(parameters.length);
    var p = new FloatPointer((long) R * V);
    var result = empty();
    for (int pass = 0; pass < 2; pass++) {
      kernel.gradients(
          ids, factors, memory.apply(w, 4), input, result.nll, dx, memory.apply(dw, 4));
    }
    kernel.losses(ids, memory.apply(w, 4), input, result.losses);
    kernel.probabilities(R, mask(), memory.apply(w, 4), input, p);
    read(dx, result.dx);
    read(dw, result.dParameters);
    read(p, result.p);
    return result;
  }

  private Result empty() {
    return new Result(
        new double[R],
        new double[R],
        new double[x.length],
        new double[parameters.length],
        new double[R * V]);
  }

  private static FloatPointer floats(double[] values) {
    float[] floats = new float[values.length];
    for (int k = 0; k < values.length; k++) {
      floats[k] = (float) values[k];
    }
    return new FloatPointer(floats);
  }

  private static void read(FloatPointer memory, double[] values) {
    float[] floats = new float[values.length];
    memory.get(floats);
    for (int k = 0; k < values.length; k++) {
      values[k] = floats[k];
    }
  }

  /** Central differences of Σ factors·nll by each of {@code values}, x or parameters. */
  double[] differences(double[] values) {
    double[] differences = new double[values.length];
    double step = 1e-5;
    for (int k = 0; k < values.length; k++) {
      double value = values[k];
      values[k] = value + step;
      double above = loss();
      values[k] = value - step;
      differences[k] = (above - loss()) / (2 * step);
      values[k] = value;
    }
    return differences;
  }

  private double loss() {
    double[] nll = new double[R];
    reference.losses(
        ids, memory.apply(new DoublePointer(parameters), 8), new DoublePointer(x), nll);
    double loss = 0;
    for (int r = 0; r < R; r++) {
      loss += factors[r] * nll[r];
    }
    return loss;
  }
}
