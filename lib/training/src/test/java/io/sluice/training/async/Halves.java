package io.sluice.training.async;

import io.sluice.recurrent.optim.Adam;
import io.sluice.recurrent.optim.GlobalNormClipping;
import java.time.Duration;
import java.util.Iterator;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions;
import org.nd4j.linalg.schedule.FixedSchedule;
import org.nd4j.linalg.schedule.ISchedule;

/** Points on either side of a plane, and a small network that can learn which. */
final class Halves {
  static final ISchedule LEARNING_RATE = new FixedSchedule(0.02);
  private static final int POINTS = 32;

  private Halves() {}

  static AsyncSettings settings(int port) {
    return new AsyncSettings(
        "127.0.0.1", port, 0, 1e-3, Duration.ofSeconds(20), Duration.ofSeconds(60), false);
  }

  static MultiLayerNetwork network() {
    var network =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .seed(11)
                .updater(new GlobalNormClipping(new Adam(LEARNING_RATE), 1))
                .list()
                .layer(new DenseLayer.Builder().nIn(4).nOut(8).activation(Activation.TANH).build())
                .layer(
                    new OutputLayer.Builder(LossFunctions.LossFunction.MCXENT)
                        .nIn(8)
                        .nOut(2)
                        .activation(Activation.SOFTMAX)
                        .build())
                .build());
    network.init();
    return network;
  }

  /** So many batches for each worker of each epoch. */
  static Shares shares(int batches) {
    return (epoch, worker) -> share(1000L * epoch + 100 * worker, batches);
  }

  private static Iterator<DataSet> share(long seed, int batches) {
    return IntStream.range(0, batches).mapToObj(n -> points(seed + n)).iterator();
  }

  static DataSet points(long seed) {
    var random = new SplittableRandom(seed);
    var x = Nd4j.create(POINTS, 4);
    var side = Nd4j.create(POINTS, 2);
    for (int row = 0; row < POINTS; row++) {
      double sum = 0;
      for (int column = 0; column < 4; column++) {
        double value = random.nextDouble(-1, 1);
        x.putScalar(row, column, value);
        sum += value;
      }
      side.putScalar(row, sum > 0 ? 1 : 0, 1);
    }
    return new DataSet(x, side);
  }
}
