package io.sluice.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.spark.api.RDDTrainingApproach;
import org.deeplearning4j.spark.impl.multilayer.SparkDl4jMultiLayer;
import org.deeplearning4j.spark.impl.paramavg.ParameterAveragingTrainingMaster;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions;

/** The parts of dl4j-spark's class path that lib/training's pom names are enough to train. */
class AveragingMasterSmokeTest {
  @Test
  void trainsOnTheNamedPartsOfTheClassPath() {
    var conf =
        new NeuralNetConfiguration.Builder()
            .seed(1)
            .updater(new Adam(1e-2))
            .list()
            .layer(
                new OutputLayer.Builder(LossFunctions.LossFunction.MSE)
                    .nIn(4)
                    .nOut(1)
                    .activation(Activation.IDENTITY)
                    .build())
            .build();
    var network = new MultiLayerNetwork(conf);
    network.init();
    INDArray before = network.params().dup();
    try (var sc =
        new JavaSparkContext(
            new SparkConf()
                .setMaster("local[2]")
                .setAppName("smoke")
                .set("spark.ui.enabled", "false"))) {
      List<DataSet> data = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        data.add(new DataSet(Nd4j.rand(16, 4), Nd4j.rand(16, 1)));
      }
      var master =
          new ParameterAveragingTrainingMaster.Builder(2, 16)
              .batchSizePerWorker(16)
              .averagingFrequency(2)
              .saveUpdater(true)
              .rddTrainingApproach(RDDTrainingApproach.Direct)
              .build();
      var spark = new SparkDl4jMultiLayer(sc, network, master);

      spark.fit(sc.parallelize(data, 2));

      assertThat(spark.getNetwork().params().distance1(before)).isGreaterThan(0);
      assertThat(spark.getNetwork().getIterationCount()).isEqualTo(4);
    }
  }
}
