package io.sluice.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.layer.BidirectionalRecurrent;
import io.sluice.recurrent.layer.Recurrent;
import io.sluice.recurrent.optim.Adam;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.api.java.JavaRDD;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.spark.api.RDDTrainingApproach;
import org.deeplearning4j.spark.api.Repartition;
import org.deeplearning4j.spark.impl.multilayer.SparkDl4jMultiLayer;
import org.deeplearning4j.spark.impl.paramavg.ParameterAveragingTrainingMaster;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions;
import org.nd4j.linalg.schedule.FixedSchedule;

/**
 * Our layers and our Adam under dl4j-spark's own training master, as a user of DL4J would put them
 * there.
 */
class RecurrentOnSparkTest {
  private static final int WORKERS = 2;
  private static final int BATCHES = 3;
  private static final int B = 4;

  @RegisterExtension static final LocalSpark SPARK = LocalSpark.of(WORKERS);

  @ParameterizedTest
  @EnumSource(Cell.class)
  void parameterAveragingIsTheMeanOfTwoNetworksTrainedHere(Cell cell) {
    List<DataSet> batches = batches();
    var network = new MultiLayerNetwork(configuration(cell));
    network.init();
    INDArray initial = network.params().dup();
    INDArray expected = initial.like();
    INDArray state = network.getUpdater().getStateViewArray().like();
    for (int worker = 0; worker < WORKERS; worker++) {
      var alone = new MultiLayerNetwork(configuration(cell));
      alone.init(initial.dup(), false);
      for (DataSet batch : batches.subList(worker * BATCHES, (worker + 1) * BATCHES)) {
        alone.fit(batch);
      }
      expected.addi(alone.params()).divi(worker == 0 ? 1 : WORKERS);
      state.addi(alone.getUpdater().getStateViewArray()).divi(worker == 0 ? 1 : WORKERS);
    }
    var master =
        new ParameterAveragingTrainingMaster.Builder(WORKERS, B)
            .batchSizePerWorker(B)
            .averagingFrequency(BATCHES)
            .saveUpdater(true)
            .repartionData(Repartition.Never)
            .rddTrainingApproach(RDDTrainingApproach.Direct)
            .build();
    var context = SPARK.context();
    // the first half of the list to the first worker
    JavaRDD<DataSet> rdd = context.parallelize(batches, WORKERS);

    new SparkDl4jMultiLayer(context, network, master).fit(rdd);

    assertThat(network.params().distance2(initial)).isGreaterThan(0.1);
    requireMean("parameter", network.params(), expected);
    requireMean("optimizer state", network.getUpdater().getStateViewArray(), state);
  }

  private static void requireMean(String name, INDArray array, INDArray expected) {
    float[] actual = array.dup('c').data().asFloat();
    float[] mean = expected.dup('c').data().asFloat();
    for (int k = 0; k < mean.length; k++) {
      // the same float32 arithmetic up to the order of two terms
      assertThat(actual[k]).as("%s %d", name, k).isCloseTo(mean[k], within(1e-6f));
    }
  }

  private static MultiLayerConfiguration configuration(Cell cell) {
    return new NeuralNetConfiguration.Builder()
        .seed(7)
        .updater(new Adam(new FixedSchedule(0.02)))
        .list()
        .layer(new Recurrent.Builder(cell).nIn(3).nOut(5).build())
        .layer(
            new Bidirectional(
                Bidirectional.Mode.ADD, new Recurrent.Builder(cell).nIn(5).nOut(4).build()))
        .layer(new BidirectionalRecurrent(new Recurrent.Builder(cell).nIn(4).nOut(3).build()))
        .layer(
            new RnnOutputLayer.Builder(LossFunctions.LossFunction.MSE)
                .nIn(6)
                .nOut(2)
                .dataFormat(RNNFormat.NCW)
                .activation(Activation.IDENTITY)
                .build())
        .build();
  }

  private static List<DataSet> batches() {
    Nd4j.getRandom().setSeed(5);
    var batches = new ArrayList<DataSet>();
    for (int k = 0; k < WORKERS * BATCHES; k++) {
      INDArray mask = Nd4j.ones(B, 6);
      mask.putScalar(1, 0, 0);
      mask.putScalar(2, 5, 0);
      batches.add(new DataSet(Nd4j.randn(B, 3, 6), Nd4j.randn(B, 2, 6), mask, mask.dup()));
    }
    return batches;
  }
}
