package io.sluice.benchmarks.recurrent;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;

/**
 * What every contestant is given: a stacked recurrent network, its last state, a linear head of
 * {@link #CLASSES} classes; parameters and one batch, the same in every process.
 *
 * <p>The last state is h at the last time step; of a bidirectional layer, the forward half's at the
 * last step beside the backward half's at the first, so that both have read everything.
 *
 * <p>A training step is forward, mean cross-entropy, backward, clipping of the gradient to norm
 * {@link #MAX_GRADIENT_NORM}, Adam at {@link #LEARNING_RATE}.
 */
record Workload(Shape shape, Cell cell, Precision precision) {
  static final int CLASSES = 10;
  static final double LEARNING_RATE = 1e-3;
  static final double MAX_GRADIENT_NORM = 1;

  private static final long SEED = 3;

  /**
   * Of the layer-norm LSTM's recurrent products. With 1 these random networks are chaotic: over the
   * 100 time steps of the second shape, gradients of libtorch in f32 lie 1.3e-2 from its own in
   * f64, and no two ways to add agree.
   */
  private static final float RECURRENT_GAIN = 0.25f;

  /**
   * One parameter.
   *
   * @param values row-major
   * @param shape sizes, slowest first
   */
  record Parameter(float[] values, long... shape) {
    /** Values uniform around zero. */
    static Parameter uniform(Random random, float bound, int... shape) {
      return uniformAround(0, random, bound, shape);
    }

    /** Values uniform around another number. */
    static Parameter uniformAround(float centre, Random random, float bound, int... shape) {
      int length = 1;
      var sizes = new long[shape.length];
      for (int d = 0; d < shape.length; d++) {
        length = Math.multiplyExact(length, shape[d]);
        sizes[d] = shape[d];
      }
      var values = new float[length];
      for (int i = 0; i < length; i++) {
        values[i] = centre + bound * (2 * random.nextFloat() - 1);
      }
      return new Parameter(values, sizes);
    }
  }

  /**
   * By PyTorch's names: {@code weight_ih_l0} (G·H, I) and so on; {@code fc.weight}, {@code
   * fc.bias}.
   */
  Map<String, Parameter> parameters() {
    var random = new Random(SEED);
    var parameters = new LinkedHashMap<String, Parameter>();
    int H = shape.hiddenSize();
    int rows = cell.gates() * H;
    float bound = (float) (1 / Math.sqrt(H));
    for (int l = 0; l < shape.layers(); l++) {
      for (String direction : cell.directions()) {
        String suffix = "_l" + l + direction;
        int inputs = shape.inputOf(l, cell);
        parameters.put("weight_ih" + suffix, Parameter.uniform(random, bound, rows, inputs));
        parameters.put("weight_hh" + suffix, Parameter.uniform(random, bound, rows, H));
        parameters.put("bias_ih" + suffix, Parameter.uniform(random, bound, rows));
        parameters.put("bias_hh" + suffix, Parameter.uniform(random, bound, rows));
        if (cell == Cell.PEEPHOLE_LSTM) {
          for (String gate : new String[] {"i", "f", "o"}) {
            parameters.put("peephole_" + gate + suffix, Parameter.uniform(random, bound, H));
          }
        }
        if (cell == Cell.LAYERNORM_LSTM) {
          parameters.put("ln_ih_gain" + suffix, Parameter.uniformAround(1, random, 0.1f, rows));
          parameters.put(
              "ln_hh_gain" + suffix, Parameter.uniformAround(RECURRENT_GAIN, random, 0.1f, rows));
          parameters.put("ln_c_gain" + suffix, Parameter.uniformAround(1, random, 0.1f, H));
          parameters.put("ln_c_bias" + suffix, Parameter.uniform(random, bound, H));
        }
      }
    }
    int last = H * cell.directions().size();
    parameters.put("fc.weight", Parameter.uniform(random, bound, CLASSES, last));
    parameters.put("fc.bias", Parameter.uniform(random, bound, CLASSES));
    return parameters;
  }

  /** (B, T, I), normal. */
  float[] input() {
    var random = new Random(SEED + 1);
    var input = new float[Math.multiplyExact(shape.batch() * shape.timeSteps(), shape.inputSize())];
    for (int i = 0; i < input.length; i++) {
      input[i] = (float) random.nextGaussian();
    }
    return input;
  }

  /** A class for each sequence. */
  long[] labels() {
    return new Random(SEED + 2).longs(shape.batch(), 0, CLASSES).toArray();
  }

  /**
   * Floating-point operations of a training step by the usual count: two for each weight and row of
   * the products, once forward and twice backward; pointwise work and the head do not count.
   */
  double flops() {
    double products = 0;
    for (int l = 0; l < shape.layers(); l++) {
      products +=
          2.0
              * cell.directions().size()
              * cell.gates()
              * shape.hiddenSize()
              * (shape.inputOf(l, cell) + shape.hiddenSize());
    }
    return 3 * products * shape.batch() * shape.timeSteps();
  }

  Workload ofOneSequence() {
    return new Workload(shape.ofOneSequence(), cell, precision);
  }
}
