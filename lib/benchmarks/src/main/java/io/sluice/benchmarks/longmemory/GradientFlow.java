package io.sluice.benchmarks.longmemory;

import io.sluice.benchmarks.longmemory.MemoryTask.Examples;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.CellShape;
import io.sluice.recurrent.kernel.Direction;
import io.sluice.recurrent.kernel.Kernels;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.kernel.RecurrentKernel;
import io.sluice.recurrent.kernel.State;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.FloatPointer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * How much of the loss's gradient arrives so many time steps before the end, in a network of one
 * recurrent layer and a linear head on its last step.
 *
 * <p>With the state s = (h, c) of an LSTM, s = h of a tanh RNN, and the loss ℓ of one sequence:
 *
 * <pre>{@code
 * norm(d) = mean over sequences of ‖∂ℓ/∂s[T-d]‖₂
 * }</pre>
 *
 * where s[T] is the state after the last step. A parameter can learn from what was read d steps
 * before the end only through this gradient (Pascanu, Mikolov and Bengio, arXiv:1211.5063).
 *
 * <p>Computed by cutting the sequence at T - d: the second part begins with the state that the
 * first left, and a kernel's backward pass gives the gradient of that state.
 */
final class GradientFlow {
  private final MultiLayerNetwork network;
  private final Cell cell;

  /**
   * @param network one recurrent layer of {@code cell}, its last step, a head
   */
  GradientFlow(MultiLayerNetwork network, Cell cell) {
    this.network = network;
    this.cell = cell;
  }

  /** Norms by distance, in the order given; distances from 0 to T. */
  Map<Integer, Double> norms(Examples examples, List<Integer> distances) {
    int B = Math.toIntExact(examples.features().size(0));
    int I = Math.toIntExact(examples.features().size(1));
    int T = Math.toIntExact(examples.features().size(2));
    int H = Math.toIntExact(network.getOutputLayer().getParam("W").size(0));
    var norms = new LinkedHashMap<Integer, Double>();
    try (RecurrentKernel kernel =
            Kernels.create(new CellShape(cell, I, H), Direction.FORWARD, Precision.F32, false);
        var parameters = new FloatPointer(network.getLayer(0).params().dup().data().asFloat());
        var x = new FloatPointer(examples.features().permute(2, 0, 1).dup('c').data().asFloat());
        var y = new FloatPointer((long) T * B * H);
        var dy = new FloatPointer((long) T * B * H)) {
      kernel.setParameters(parameters);
      float[] last = atTheLastStep(examples).data().asFloat();
      dy.put(new float[T * B * H]);
      dy.getPointer((long) (T - 1) * B * H).put(last);
      for (int distance : distances) {
        if (distance == 0) {
          norms.put(0, meanNorm(last, new float[last.length], B));
        } else {
          norms.put(distance, norm(kernel, distance, T, B, I, H, x, y, dy));
        }
      }
    }
    return norms;
  }

  /** ∂ℓ/∂h[T] (B, H), each row of its own sequence's loss. */
  private INDArray atTheLastStep(Examples examples) {
    // softmax with cross-entropy: p - target; squared error: 2 (output - target)
    INDArray error = network.output(examples.features(), false).sub(examples.targets());
    if (error.size(1) == 1) {
      error.muli(2);
    }
    return error.mmul(network.getOutputLayer().getParam("W").transpose()).dup('c');
  }

  private double norm(
      RecurrentKernel kernel,
      int distance,
      int T,
      int B,
      int I,
      int H,
      FloatPointer x,
      FloatPointer y,
      FloatPointer dy) {
    int cut = T - distance;
    try (var h = zeros(B * H);
        var c = zeros(B * H);
        var dh = zeros(B * H);
        var dc = zeros(B * H)) {
      var state = new State(h, cell.hasCellState() ? c : null);
      if (cut > 0) {
        kernel.infer(cut, B, x, null, y, state);
      }
      kernel.forward(0, distance, B, x.getPointer((long) cut * B * I), state, y, null);
      kernel.backward(
          0,
          dy.getPointer((long) cut * B * H),
          null,
          null,
          new State(dh, cell.hasCellState() ? dc : null));
      return meanNorm(values(dh, B * H), values(dc, B * H), B);
    }
  }

  /** Mean length of rows of two (B, H) side by side. */
  private static double meanNorm(float[] dh, float[] dc, int B) {
    int H = dh.length / B;
    double sum = 0;
    for (int b = 0; b < B; b++) {
      double squares = 0;
      for (int j = b * H; j < (b + 1) * H; j++) {
        squares += (double) dh[j] * dh[j] + (double) dc[j] * dc[j];
      }
      sum += Math.sqrt(squares);
    }
    return sum / B;
  }

  private static FloatPointer zeros(int length) {
    return new FloatPointer(new float[length]);
  }

  private static float[] values(FloatPointer memory, int length) {
    var values = new float[length];
    memory.get(values);
    return values;
  }
}
