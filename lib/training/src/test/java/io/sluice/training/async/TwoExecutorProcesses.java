package io.sluice.training.async;

import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** The driver of a run over {@code local-cluster[2,1,…]}, a process of its own: see the test. */
final class TwoExecutorProcesses {
  private TwoExecutorProcesses() {}

  /**
   * @param arguments UDP port of the driver, epochs
   */
  public static void main(String[] arguments) {
    int port = Integer.parseInt(arguments[0]);
    int epochs = Integer.parseInt(arguments[1]);
    MultiLayerNetwork network = Halves.network();
    double before = network.score(Halves.points(-1));
    try (var spark = new JavaSparkContext(new SparkConf())) {
      try (var sharing =
          AsyncGradientSharing.open(spark, network, 2, Halves::network, Halves.settings(port))) {
        for (int epoch = 0; epoch < epochs; epoch++) {
          AsyncGradientSharing.Epoch done =
              sharing.train(epoch, Halves.shares(30), Halves.LEARNING_RATE);
          System.out.printf(
              "epoch %d steps %d sent %d applied %d moved %s loss %s%n",
              epoch,
              done.steps(),
              done.updatesSent(),
              done.updatesApplied(),
              done.distanceMoved(),
              done.loss());
        }
      }
      System.out.printf("loss %s to %s%n", before, network.score(Halves.points(-1)));
      System.out.printf("spark goes on: %d%n", spark.parallelize(java.util.List.of(1, 2)).count());
    } catch (RuntimeException e) {
      System.out.println("failed: " + e.getMessage());
      System.exit(1);
    }
    System.exit(0);
  }
}
