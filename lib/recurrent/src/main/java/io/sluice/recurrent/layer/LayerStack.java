package io.sluice.recurrent.layer;

import io.sluice.recurrent.kernel.CellShape;
import io.sluice.recurrent.kernel.DeviceMemoryException;
import io.sluice.recurrent.kernel.Kernels;
import io.sluice.recurrent.kernel.StackKernel;
import io.sluice.recurrent.pass.TrainingPass;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Neighbouring layers of a network that are alike, computed by a device in one call while a {@link
 * StackedPass} goes on: forward when DL4J comes to the lowest, backward when it comes back to the
 * highest. What the layers between give to DL4J has the right shape and no meaning.
 */
final class LayerStack {
  private final List<KernelLayer> layers;
  private StackKernel kernel;

  /** Whether there is no such kernel, or no memory for one. */
  private boolean isGivenUp;

  private boolean enabled;
  private boolean underWay;

  // what goes in or comes out at the far end, until DL4J gets there
  private INDArray outputs;
  private INDArray inputGradients;

  /**
   * @param layers alike, lowest first, at least 2
   */
  LayerStack(List<KernelLayer> layers) {
    this.layers = List.copyOf(layers);
  }

  /** Whether the pass that begins may be computed so. */
  void enable(boolean mayRun) {
    enabled = mayRun;
    underWay = false;
  }

  /** A pass comes to the lowest layer; until {@link #forward} it is computed layer by layer. */
  void beginPass() {
    underWay = false;
  }

  /** Whether the pass under way is computed so. */
  boolean isUnderWay() {
    return underWay;
  }

  boolean isLowest(KernelLayer layer) {
    return layers.get(0) == layer;
  }

  boolean isHighest(KernelLayer layer) {
    return layers.get(layers.size() - 1) == layer;
  }

  /**
   * A pass comes to the lowest layer, with sequences that have all their steps and no state.
   *
   * @param x (T, B, I)
   * @param parameters of the lowest layer, the others' behind it
   * @return whether it is computed now
   */
  boolean forward(boolean training, int T, int B, Pointer x, Pointer parameters) {
    if (!enabled || isGivenUp || !layersLieTogether()) {
      return false;
    }
    try {
      if (kernel == null) {
        kernel = newKernel();
      }
      if (kernel == null) {
        return false;
      }
      outputs = room(outputs, (long) T * B * shape().hiddenSize());
      kernel.setParameters(parameters);
      if (training) {
        kernel.forward(T, B, x, TimeMajor.memory(outputs));
      } else {
        kernel.infer(T, B, x, TimeMajor.memory(outputs));
      }
    } catch (DeviceMemoryException e) {
      Kernels.warnOnce(
          "Computing %d layers one by one, each of whose outputs crosses the bus: %s"
              .formatted(layers.size(), e.getMessage()));
      close();
      isGivenUp = true;
      return false;
    }
    underWay = true;
    return true;
  }

  /** What the highest layer gives to DL4J. */
  void giveOutputs(INDArray steps) {
    Pointer.memcpy(
        TimeMajor.memory(steps), TimeMajor.memory(outputs), steps.length() * Float.BYTES);
  }

  /**
   * A pass comes back to the highest layer.
   *
   * @param dy (T, B, H)
   * @param gradients where those of the lowest layer go, the others' behind it
   * @param wantsInputGradient of the lowest layer
   */
  void backward(int T, int B, Pointer dy, Pointer gradients, boolean wantsInputGradient) {
    if (wantsInputGradient) {
      inputGradients = room(inputGradients, (long) T * B * shape().inputSize());
    }
    kernel.setLossScale(TrainingPass.lossScale());
    kernel.backward(dy, wantsInputGradient ? TimeMajor.memory(inputGradients) : null);
    kernel.takeGradients(gradients);
  }

  /** What the lowest layer gives back to DL4J. */
  void giveInputGradients(INDArray dx) {
    Pointer.memcpy(
        TimeMajor.memory(dx), TimeMajor.memory(inputGradients), dx.length() * Float.BYTES);
  }

  KernelLayer lowest() {
    return layers.get(0);
  }

  private CellShape shape() {
    return layers.get(0).layerConf().shape();
  }

  private StackKernel newKernel() {
    StackKernel made =
        Kernels.createStack(shape(), layers.size(), layers.get(0).layerConf().getPrecision())
            .orElse(null);
    isGivenUp = made == null;
    return made;
  }

  /** Whether parameters, and gradients where there are any, are one block of memory. */
  private boolean layersLieTogether() {
    for (int l = 1; l < layers.size(); l++) {
      if (!layers.get(l).liesBehind(layers.get(l - 1))) {
        return false;
      }
    }
    return true;
  }

  private static INDArray room(INDArray array, long length) {
    if (array != null && array.length() >= length) {
      return array;
    }
    try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
      return Nd4j.createUninitialized(DataType.FLOAT, length);
    }
  }

  long nativeBytes() {
    return kernel == null ? 0 : kernel.nativeBytes();
  }

  void close() {
    underWay = false;
    if (kernel != null) {
      kernel.close();
      kernel = null;
    }
    outputs = null;
    inputGradients = null;
  }
}
