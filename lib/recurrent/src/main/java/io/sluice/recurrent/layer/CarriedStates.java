package io.sluice.recurrent.layer;

import io.sluice.recurrent.kernel.State;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.FloatPointer;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * What the recurrent layers of a network carry from one batch of B sequences to the next, where
 * each goes on: the hidden state h and, in cells that have one, the cell state c, zero at first.
 * With it, passes over batches of T steps each are truncated backpropagation through time.
 *
 * <p>While it is bound to a network, every forward pass begins with the states and leaves beside
 * them those it ends with; {@link #advance} puts these in their place. Until then a pass may be
 * repeated, and its backward pass still finds what it began with.
 *
 * <p><b>Shapes.</b> (B, N) float32: N numbers of a sequence are h and c of each recurrent layer,
 * lowest layer first.
 */
public final class CarriedStates {
  /** By recurrent layer, lowest first. */
  private final List<OfLayer> layers;

  private final int sequences;

  private CarriedStates(List<OfLayer> layers, int sequences) {
    this.layers = layers;
    this.sequences = sequences;
  }

  /**
   * Zeros, for B sequences of a network.
   *
   * @throws IllegalArgumentException if a layer reads in both directions: it has no state that a
   *     later batch could begin with
   */
  public static CarriedStates zeros(MultiLayerNetwork network, int B) {
    var layers = new ArrayList<OfLayer>();
    for (Layer layer : network.getLayers()) {
      if (layer instanceof BidirectionalKernelLayer) {
        throw new IllegalArgumentException(
            "Layer %s reads in both directions and carries no state"
                .formatted(layer.conf().getLayer().getLayerName()));
      }
      if (layer instanceof KernelLayer kernel) {
        layers.add(new OfLayer(kernel.getIndex(), kernel.newState(B), kernel.newState(B)));
      }
    }
    return new CarriedStates(layers, B);
  }

  /** B. */
  public int sequences() {
    return sequences;
  }

  /** N, numbers of a sequence. */
  public int numbers() {
    return layers.stream().mapToInt(OfLayer::numbers).sum();
  }

  /**
   * Those of the sequences [from, to), over the same memory; made anew after {@link #advance} of
   * these.
   */
  public CarriedStates rows(int from, int to) {
    if (from == 0 && to == sequences) {
      return this;
    }
    return new CarriedStates(
        layers.stream().map(layer -> layer.rows(from, to)).toList(), to - from);
  }

  /** Until it is closed, passes of the network over B sequences begin with these states. */
  public Bound bind(MultiLayerNetwork network) {
    layers.forEach(layer -> layer.in(network).carry(layer));
    return () -> layers.forEach(layer -> layer.in(network).carry(null));
  }

  /** A binding to a network. */
  public interface Bound extends AutoCloseable {
    @Override
    void close();
  }

  /** What the last pass of all sequences ended with is what the next one begins with. */
  public void advance() {
    layers.forEach(OfLayer::advance);
  }

  /** (B, N) row-major, a copy. */
  public float[] toArray() {
    var all = new float[Math.multiplyExact(sequences, numbers())];
    int column = 0;
    for (OfLayer layer : layers) {
      for (INDArray state : layer.inOrder()) {
        int n = (int) state.size(1);
        FloatPointer memory = new FloatPointer(TimeMajor.memory(state));
        for (int b = 0; b < sequences; b++) {
          memory.position((long) b * n).get(all, b * numbers() + column, n);
        }
        column += n;
      }
    }
    return all;
  }

  /**
   * Takes states in the place of what they are.
   *
   * @param states (B, N) row-major
   */
  public void set(float[] states) {
    if (states.length != sequences * numbers()) {
      throw new IllegalArgumentException(
          "states has length %d, expected B*N = %d (B=%d, N=%d)"
              .formatted(states.length, sequences * numbers(), sequences, numbers()));
    }
    int column = 0;
    for (OfLayer layer : layers) {
      for (INDArray state : layer.inOrder()) {
        int n = (int) state.size(1);
        FloatPointer memory = new FloatPointer(TimeMajor.memory(state));
        for (int b = 0; b < sequences; b++) {
          memory.position((long) b * n).put(states, b * numbers() + column, n);
        }
        column += n;
      }
    }
  }

  /** Zero, as at first. */
  public void clear() {
    layers.forEach(layer -> layer.inOrder().forEach(state -> state.assign(0)));
  }

  /** Those of a recurrent layer, from 0 at the bottom. */
  OfLayer ofLayer(int layer) {
    return layers.get(layer);
  }

  /** Of one layer: (B, H) arrays by name. */
  static final class OfLayer {
    private final int index;
    private Map<String, INDArray> first;
    private Map<String, INDArray> last;

    OfLayer(int index, Map<String, INDArray> first, Map<String, INDArray> last) {
      this.index = index;
      this.first = first;
      this.last = last;
    }

    /** What a pass begins with. */
    Map<String, INDArray> first() {
      return first;
    }

    /** Where a pass leaves what it ends with. */
    Map<String, INDArray> last() {
      return last;
    }

    /** What a pass of the sequences from one on begins with. */
    State first(int sequence) {
      return from(first, sequence);
    }

    /** Where a pass of the sequences from one on leaves what it ends with. */
    State last(int sequence) {
      return from(last, sequence);
    }

    private static State from(Map<String, INDArray> states, int sequence) {
      INDArray c = states.get(KernelLayer.CELL);
      return new State(
          from(states.get(KernelLayer.HIDDEN), sequence), c == null ? null : from(c, sequence));
    }

    private static FloatPointer from(INDArray state, int sequence) {
      return new FloatPointer(TimeMajor.memory(state)).getPointer(sequence * state.size(1));
    }

    private KernelLayer in(MultiLayerNetwork network) {
      return (KernelLayer) network.getLayer(index);
    }

    private void advance() {
      Map<String, INDArray> before = first;
      first = last;
      last = before;
    }

    private OfLayer rows(int from, int to) {
      return new OfLayer(index, rows(first, from, to), rows(last, from, to));
    }

    private static Map<String, INDArray> rows(Map<String, INDArray> states, int from, int to) {
      var rows = new HashMap<String, INDArray>();
      try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
        states.forEach(
            (key, state) ->
                rows.put(key, state.get(NDArrayIndex.interval(from, to), NDArrayIndex.all())));
      }
      return rows;
    }

    /** h, then c where there is one. */
    private List<INDArray> inOrder() {
      INDArray c = first.get(KernelLayer.CELL);
      INDArray h = first.get(KernelLayer.HIDDEN);
      return c == null ? List.of(h) : List.of(h, c);
    }

    private int numbers() {
      return inOrder().stream().mapToInt(state -> (int) state.size(1)).sum();
    }
  }
}
