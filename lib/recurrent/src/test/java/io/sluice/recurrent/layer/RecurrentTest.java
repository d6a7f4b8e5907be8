package io.sluice.recurrent.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.kernel.Cell;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions;

class RecurrentTest {
  private static final int I = 3;
  private static final int H = 5;
  private static final int T = 6;
  private static final int B = 4;

  @BeforeAll
  static void oneThread() {
    NativeThreads.set(1);
  }

  @Test
  void trainsAsTheStockLstmDoes() {
    MultiLayerNetwork ours = network(new Recurrent.Builder(Cell.LSTM).nIn(I).nOut(H).build());
    MultiLayerNetwork stock =
        network(new LSTM.Builder().nIn(I).nOut(H).activation(Activation.TANH).build());
    StockLayers.copy(ours.getLayer(0), stock.getLayer(0));
    stock.getLayer(1).setParams(ours.getLayer(1).params().dup());
    INDArray x = Nd4j.rand(B, I, T).subi(0.5);
    INDArray labels = Nd4j.rand(B, 2, T);

    for (int step = 0; step < 5; step++) {
      ours.fit(x, labels);
      stock.fit(x, labels);
      assertThat(ours.score()).isCloseTo(stock.score(), within(1e-6));
    }

    assertThat(ours.output(x).distance2(stock.output(x))).isLessThan(1e-5);
  }

  @ParameterizedTest
  @EnumSource(names = {"LSTM", "PEEPHOLE_LSTM", "GRU", "RNN"})
  void stepByStepEqualsAllAtOnce(Cell cell) {
    MultiLayerNetwork network = network(new Recurrent.Builder(cell).nIn(I).nOut(H).build());
    INDArray x = Nd4j.rand(B, I, T);

    INDArray whole = network.output(x);
    network.rnnClearPreviousState();
    for (int t = 0; t < T; t++) {
      INDArray step =
          network.rnnTimeStep(
              x.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.interval(t, t + 1)));
      INDArray expected =
          whole.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.interval(t, t + 1));
      assertThat(step.distance2(expected)).isLessThan(1e-6);
    }
  }

  @Test
  void recurrentWeightsBeginOrthogonal() {
    for (int H : new int[] {1, 2, 7, 64}) {
      INDArray Q = RecurrentParameters.orthogonal(H);

      INDArray product = Q.mmul(Q.transpose());

      assertThat(product.distance2(Nd4j.eye(H))).as("H=%d", H).isLessThan(1e-5);
    }
  }

  private static MultiLayerNetwork network(Layer recurrent) {
    var network =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .seed(7)
                .updater(new Sgd(0.1))
                .list()
                .layer(recurrent)
                .layer(
                    new RnnOutputLayer.Builder(LossFunctions.LossFunction.MSE)
                        .nIn(H)
                        .nOut(2)
                        .activation(Activation.IDENTITY)
                        .build())
                .build());
    network.init();
    return network;
  }
}
