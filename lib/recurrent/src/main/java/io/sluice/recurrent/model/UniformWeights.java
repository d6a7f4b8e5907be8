package io.sluice.recurrent.model;

import java.util.SplittableRandom;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Initial weights that are all drawn from one uniform distribution, as Zaremba, Sutskever and
 * Vinyals have them ("Recurrent Neural Network Regularization", 2014, section 4.1); biases stay as
 * they are.
 */
public final class UniformWeights {
  private UniformWeights() {}

  /**
   * @param range weights are drawn from [−range, range)
   * @param seed the same seed gives the same weights
   */
  public static void draw(MultiLayerNetwork network, double range, long seed) {
    var random = new SplittableRandom(seed);
    for (Layer layer : network.getLayers()) {
      layer
          .paramTable()
          .forEach(
              (key, values) -> {
                var conf = layer.conf().getLayer();
                if (conf.initializer().isWeightParam(conf, key)) {
                  fill(values, range, random);
                }
              });
    }
  }

  private static void fill(INDArray values, double range, SplittableRandom random) {
    var drawn = new float[Math.toIntExact(values.length())];
    for (int i = 0; i < drawn.length; i++) {
      drawn[i] = (float) random.nextDouble(-range, range);
    }
    values.assign(Nd4j.create(drawn, values.shape(), 'c'));
  }
}
