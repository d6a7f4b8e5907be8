package io.sluice.recurrent.kernel;

import static io.sluice.recurrent.TensorAssert.assertClose;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Twenty steps of training, all but the recurrent layers in float64: stacked LSTM, the last step or
 * additive attention over all of them, linear head, mean cross-entropy, Adam, clipping by the
 * global norm, cosine annealing. PyTorch's run is the judge.
 */
class TrajectoryTest {
  /** Makes the kernel of a layer. */
  interface Factory {
    RecurrentKernel create(CellShape shape);
  }

  static Stream<Arguments> trajectories() {
    return GoldenFile.trajectories(GoldenFile.folder())
        .flatMap(
            golden ->
                Stream.of(
                    // both sides are float64; twenty steps pass on what rounding leaves
                    run(golden, "reference", s -> new ReferenceKernel(s, Direction.FORWARD), 1e-9),
                    // float32 layers: 6e-8 a number, and Adam divides by small deviations
                    run(
                        golden,
                        "oneDNN",
                        s -> new OneDnnKernel(s, Direction.FORWARD, Precision.F32),
                        1e-4),
                    run(
                        golden,
                        "fused",
                        s -> new FusedKernel(s, Direction.FORWARD, Gemm.ONE_DNN),
                        1e-4)));
  }

  private static Arguments run(GoldenFile golden, String name, Factory kernels, double tolerance) {
    return Arguments.of(golden, name, kernels, tolerance);
  }

  @ParameterizedTest(name = "{0}, {1}")
  @MethodSource("trajectories")
  void lossesNormsAndParametersAreThoseOfPyTorch(
      GoldenFile golden, String kernel, Factory kernels, double tolerance) {
    requireTrajectory(golden, kernels, tolerance);
  }

  static void requireTrajectory(GoldenFile golden, Factory kernels, double tolerance) {
    var model = new Classifier(golden, kernels);
    double peak = golden.values("learning_rate")[0];
    double maxNorm = golden.values("max_grad_norm")[0];
    int steps = golden.values("losses").length;
    double[] losses = new double[steps];
    double[] norms = new double[steps];
    double[] rates = new double[steps];
    for (int step = 0; step < steps; step++) {
      rates[step] = peak * (1 + Math.cos(Math.PI * step / golden.size("cosine_T_max"))) / 2;
      losses[step] = model.lossAndGradients();
      if (step == 0 && golden.has("attention_weights_step0")) {
        require(golden, "attention_weights_step0", model.attention, tolerance);
      }
      norms[step] = model.clip(maxNorm);
      model.adam(rates[step], step + 1);
    }

    require(golden, "learning_rates", rates, tolerance);
    require(golden, "losses", losses, tolerance);
    require(golden, "gradient_norms_before_clipping", norms, tolerance);
    model.requireFinal(tolerance);
  }

  private static void require(GoldenFile golden, String tensor, double[] actual, double tolerance) {
    assertClose(golden + ": " + tensor, actual, golden.values(tensor), tolerance);
  }

  /** The network, in plain loops. */
  private static final class Classifier {
    private final GoldenFile golden;
    private final int B;
    private final int T;
    private final int H;
    private final int V;
    private final boolean attends;
    private final double[] x;
    private final double[] labels;
    private final List<CellShape> shapes = new ArrayList<>();
    private final List<RecurrentKernel> kernels = new ArrayList<>();
    private final Map<String, double[]> parameters = new LinkedHashMap<>();
    private final Map<String, double[]> gradients = new LinkedHashMap<>();
    private final Map<String, double[]> first = new LinkedHashMap<>();
    private final Map<String, double[]> second = new LinkedHashMap<>();
    private double[] attention;

    Classifier(GoldenFile golden, Factory factory) {
      this.golden = golden;
      this.B = golden.size("B");
      this.T = golden.size("T");
      this.H = golden.size("H");
      this.V = golden.size("classes");
      this.attends = golden.kind().startsWith("attention");
      this.x = GoldenFile.swapped(golden.values("x"), B, T, golden.size("I"));
      this.labels = golden.values("labels");
      for (int l = 0; l < golden.size("layers"); l++) {
        var shape = new CellShape(Cell.LSTM, l == 0 ? golden.size("I") : H, H);
        shapes.add(shape);
        kernels.add(factory.create(shape));
        parameters.put("lstm" + l, golden.block(shape, "initial.lstm.", "_l" + l));
      }
      for (String name : others()) {
        parameters.put(name, golden.values("initial." + name));
      }
      parameters.forEach(
          (name, values) -> {
            gradients.put(name, new double[values.length]);
            first.put(name, new double[values.length]);
            second.put(name, new double[values.length]);
          });
    }

    private List<String> others() {
      return attends
          ? List.of(
              "fc.weight",
              "fc.bias",
              "attention_hidden.weight",
              "attention_hidden.bias",
              "attention_score.weight",
              "attention_score.bias")
          : List.of("fc.weight", "fc.bias");
    }

    double lossAndGradients() {
      List<double[]> outputs = new ArrayList<>();
      double[] input = x;
      for (int l = 0; l < kernels.size(); l++) {
        kernels.get(l).setParameters(memory(parameters.get("lstm" + l)));
        Pointer y = memory(new double[T * B * H]);
        kernels.get(l).forward(0, T, B, memory(input), null, y, null);
        input = read(y, T * B * H);
        outputs.add(input);
      }
      gradients.values().forEach(g -> java.util.Arrays.fill(g, 0));
      double[] dTop = new double[T * B * H];
      double loss = 0;
      attention = new double[B * T];
      for (int b = 0; b < B; b++) {
        loss += ofSequence(b, input, dTop) / B;
      }
      Pointer dy = memory(dTop);
      for (int l = kernels.size() - 1; l >= 0; l--) {
        Pointer dx = memory(new double[T * B * shapes.get(l).inputSize()]);
        kernels.get(l).backward(0, dy, null, dx, null);
        double[] block = gradients.get("lstm" + l);
        Pointer taken = memory(block);
        kernels.get(l).takeGradients(taken);
        System.arraycopy(read(taken, block.length), 0, block, 0, block.length);
        dy = dx;
      }
      return loss;
    }

    /** Loss of one sequence; its share of the gradients is added. */
    private double ofSequence(int b, double[] top, double[] dTop) {
      double[][] h = new double[T][];
      for (int t = 0; t < T; t++) {
        h[t] = java.util.Arrays.copyOfRange(top, (t * B + b) * H, (t * B + b + 1) * H);
      }
      double[][] hidden = new double[T][];
      double[] weights = attends ? weights(h, hidden) : null;
      double[] context = attends ? new double[H] : h[T - 1];
      if (attends) {
        System.arraycopy(weights, 0, attention, b * T, T);
        for (int t = 0; t < T; t++) {
          for (int j = 0; j < H; j++) {
            context[j] += weights[t] * h[t][j];
          }
        }
      }
      double[] logits = linear("fc", context, V);
      double[] p = softmax(logits);
      int label = (int) labels[b];
      double loss = -Math.log(p[label]);
      for (int v = 0; v < V; v++) {
        p[v] = (p[v] - (v == label ? 1 : 0)) / B;
      }
      double[] dContext = linearBack("fc", context, p);
      double[][] dh = new double[T][H];
      if (attends) {
        attentionBack(h, hidden, weights, dContext, dh);
      } else {
        dh[T - 1] = dContext;
      }
      for (int t = 0; t < T; t++) {
        System.arraycopy(dh[t], 0, dTop, (t * B + b) * H, H);
      }
      return loss;
    }

    /** softmax over t of score(tanh(hidden(h))). */
    private double[] weights(double[][] h, double[][] hidden) {
      int A = parameters.get("attention_hidden.bias").length;
      double[] scores = new double[T];
      for (int t = 0; t < T; t++) {
        hidden[t] = linear("attention_hidden", h[t], A);
        for (int k = 0; k < A; k++) {
          hidden[t][k] = Math.tanh(hidden[t][k]);
        }
        scores[t] = linear("attention_score", hidden[t], 1)[0];
      }
      return softmax(scores);
    }

    private void attentionBack(
        double[][] h, double[][] hidden, double[] weights, double[] dContext, double[][] dh) {
      double[] dWeights = new double[T];
      double mean = 0;
      for (int t = 0; t < T; t++) {
        for (int j = 0; j < H; j++) {
          dWeights[t] += dContext[j] * h[t][j];
          dh[t][j] += dContext[j] * weights[t];
        }
        mean += weights[t] * dWeights[t];
      }
      for (int t = 0; t < T; t++) {
        double[] dScore = {weights[t] * (dWeights[t] - mean)};
        double[] dHidden = linearBack("attention_score", hidden[t], dScore);
        for (int k = 0; k < dHidden.length; k++) {
          dHidden[k] *= 1 - hidden[t][k] * hidden[t][k];
        }
        double[] back = linearBack("attention_hidden", h[t], dHidden);
        for (int j = 0; j < H; j++) {
          dh[t][j] += back[j];
        }
      }
    }

    private double[] linear(String name, double[] in, int outputs) {
      double[] W = parameters.get(name + ".weight");
      double[] out = parameters.get(name + ".bias").clone();
      for (int v = 0; v < outputs; v++) {
        for (int k = 0; k < in.length; k++) {
          out[v] += W[v * in.length + k] * in[k];
        }
      }
      return out;
    }

    private double[] linearBack(String name, double[] in, double[] dOut) {
      double[] W = parameters.get(name + ".weight");
      double[] dW = gradients.get(name + ".weight");
      double[] db = gradients.get(name + ".bias");
      double[] dIn = new double[in.length];
      for (int v = 0; v < dOut.length; v++) {
        db[v] += dOut[v];
        for (int k = 0; k < in.length; k++) {
          dW[v * in.length + k] += dOut[v] * in[k];
          dIn[k] += dOut[v] * W[v * in.length + k];
        }
      }
      return dIn;
    }

    private static double[] softmax(double[] z) {
      double max = java.util.Arrays.stream(z).max().getAsDouble();
      double[] p = java.util.Arrays.stream(z).map(v -> Math.exp(v - max)).toArray();
      double sum = java.util.Arrays.stream(p).sum();
      return java.util.Arrays.stream(p).map(v -> v / sum).toArray();
    }

    /** PyTorch holds two biases with the same gradient: the norm counts b twice. */
    double clip(double maxNorm) {
      double squares = 0;
      for (Map.Entry<String, double[]> each : gradients.entrySet()) {
        for (double g : each.getValue()) {
          squares += g * g;
        }
        if (each.getKey().startsWith("lstm")) {
          CellShape shape = shapes.get(Integer.parseInt(each.getKey().substring(4)));
          int from = Math.toIntExact(shape.parameter("b").offset());
          for (int k = from; k < each.getValue().length; k++) {
            squares += each.getValue()[k] * each.getValue()[k];
          }
        }
      }
      double norm = Math.sqrt(squares);
      // PyTorch's clip_grad_norm_ adds 1e-6 to the norm
      double factor = Math.min(1, maxNorm / (norm + 1e-6));
      gradients.values().forEach(g -> java.util.Arrays.setAll(g, k -> g[k] * factor));
      return norm;
    }

    /** Adam (Kingma and Ba 2015); each of two equal biases moves, so their sum moves twice. */
    void adam(double rate, int t) {
      parameters.forEach(
          (name, p) -> {
            double[] g = gradients.get(name);
            double[] m = first.get(name);
            double[] v = second.get(name);
            int twiceFrom =
                name.startsWith("lstm")
                    ? Math.toIntExact(
                        shapes.get(Integer.parseInt(name.substring(4))).parameter("b").offset())
                    : p.length;
            for (int k = 0; k < p.length; k++) {
              m[k] = 0.9 * m[k] + 0.1 * g[k];
              v[k] = 0.999 * v[k] + 0.001 * g[k] * g[k];
              double mean = m[k] / (1 - Math.pow(0.9, t));
              double deviation = Math.sqrt(v[k] / (1 - Math.pow(0.999, t)));
              p[k] -= (k >= twiceFrom ? 2 : 1) * rate * mean / (deviation + 1e-8);
            }
          });
    }

    void requireFinal(double tolerance) {
      for (int l = 0; l < kernels.size(); l++) {
        assertClose(
            golden + ": final.lstm, layer " + l,
            parameters.get("lstm" + l),
            golden.block(shapes.get(l), "final.lstm.", "_l" + l),
            tolerance);
      }
      for (String name : others()) {
        require(golden, "final." + name, parameters.get(name), tolerance);
      }
    }

    private Pointer memory(double[] values) {
      return kernels.get(0) instanceof ReferenceKernel
          ? new DoublePointer(values)
          : new FloatPointer(Trial.floats(values));
    }

    private double[] read(Pointer memory, int length) {
      double[] values = new double[length];
      if (kernels.get(0) instanceof ReferenceKernel) {
        new DoublePointer(memory).get(values);
        return values;
      }
      float[] floats = new float[length];
      new FloatPointer(memory).get(floats);
      java.util.Arrays.setAll(values, k -> floats[k]);
      return values;
    }
  }
}
