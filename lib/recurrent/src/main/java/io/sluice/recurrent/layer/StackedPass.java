package io.sluice.recurrent.layer;

import io.sluice.recurrent.kernel.Device;
import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/**
 * Passes of a network from which the calling thread wants nothing but the loss or the output of the
 * highest layer, and the gradients: on a GPU neighbouring recurrent layers that are alike then
 * compute in one call, so that only the first input and the last output cross the bus.
 *
 * <p>Alike are forward layers of the same cell, size, precision and format, with no dropout, no
 * noise on weights and nothing else between them. What it changes is speed: outside of it, on a
 * CPU, with masked steps or carried states, layers compute one by one.
 */
public final class StackedPass implements AutoCloseable {
  private final List<LayerStack> stacks;

  private StackedPass(List<LayerStack> stacks) {
    this.stacks = stacks;
  }

  /** Until it is closed. */
  public static StackedPass begin(MultiLayerNetwork network) {
    // listeners are told of what comes out of each layer
    if (!Device.current().isGpu() || !network.getListeners().isEmpty()) {
      return new StackedPass(List.of());
    }
    List<LayerStack> stacks = stacks(network);
    stacks.forEach(stack -> stack.enable(true));
    return new StackedPass(stacks);
  }

  private static List<LayerStack> stacks(MultiLayerNetwork network) {
    var stacks = new ArrayList<LayerStack>();
    var alike = new ArrayList<KernelLayer>();
    for (Layer layer : network.getLayers()) {
      boolean goesOn =
          !alike.isEmpty()
              && layer instanceof KernelLayer next
              && next.goesOnFrom(alike.get(alike.size() - 1))
              && network.getLayerWiseConfigurations().getInputPreProcess(layer.getIndex()) == null;
      if (!goesOn) {
        end(alike, stacks);
      }
      if (layer instanceof KernelLayer next && (goesOn || next.mayBeginStack())) {
        alike.add(next);
      }
    }
    end(alike, stacks);
    return stacks;
  }

  private static void end(List<KernelLayer> alike, List<LayerStack> stacks) {
    if (alike.size() > 1) {
      stacks.add(alike.get(0).stackWith(alike));
    }
    alike.clear();
  }

  @Override
  public void close() {
    stacks.forEach(stack -> stack.enable(false));
  }
}
