package io.sluice.recurrent.layer;

import io.sluice.recurrent.kernel.HoldsNativeMemory;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/**
 * Native memory of the kernels in a network's layers: what they keep for the way back, their copies
 * of the weights, their scratch memory.
 *
 * <p>A kernel holds on to it from batch to batch. Whoever has no further batch frees it, or it
 * waits for a garbage collection, which the Java heap alone may not ask for until the next network
 * has taken as much again: a Spark executor makes one a task.
 */
public final class KernelMemory {
  private KernelMemory() {}

  /** What is held now, in bytes. */
  public static long bytes(MultiLayerNetwork network) {
    long bytes = 0;
    for (Layer layer : network.getLayers()) {
      if (layer instanceof HoldsNativeMemory kernel) {
        bytes += kernel.nativeBytes();
      }
    }
    return bytes;
  }

  /**
   * Frees what recurrent layers keep for the way back, most of it, and keeps their weights: for
   * other passes in between. Not back over a pass that went forward before.
   */
  public static void forgetPasses(MultiLayerNetwork network) {
    for (Layer layer : network.getLayers()) {
      if (layer instanceof HoldsNativeMemory kernel) {
        kernel.forgetPasses();
      }
    }
  }

  /**
   * Frees it. The network stays as it is and may go on, taking it again; but not back over a pass
   * that went forward before.
   */
  public static void free(MultiLayerNetwork network) {
    for (Layer layer : network.getLayers()) {
      layer.close();
    }
  }
}
