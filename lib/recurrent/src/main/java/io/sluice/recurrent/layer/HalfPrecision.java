package io.sluice.recurrent.layer;

import io.sluice.recurrent.kernel.Precision;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** Which networks compute gradients in IEEE half precision, where they may overflow. */
public final class HalfPrecision {
  private HalfPrecision() {}

  /** Whether a recurrent layer of a network is to multiply in {@link Precision#F16}. */
  public static boolean isIn(MultiLayerNetwork network) {
    return network.getLayerWiseConfigurations().getConfs().stream()
        .anyMatch(conf -> isIn(conf.getLayer()));
  }

  private static boolean isIn(Layer layer) {
    if (layer instanceof BidirectionalRecurrent both) {
      return isIn(both.getFwd());
    }
    return layer instanceof Recurrent recurrent && recurrent.getPrecision() == Precision.F16;
  }
}
