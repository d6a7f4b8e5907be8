package io.sluice.recurrent.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.util.List;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.serde.JsonMappers;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions;

class GlobalNormClippingTest {
  private final INDArray input = Nd4j.createFromArray(new float[][] {{1, 2}, {3, -1}, {0, 4}});
  private final INDArray target = Nd4j.createFromArray(new float[][] {{50}, {-40}, {90}});

  @Test
  void gradientIsScaledToTheNorm() {
    INDArray gradient = Nd4j.createFromArray(3f, 0f, -4f);

    double norm = GlobalNormClipping.clip(gradient, 1);

    assertThat(norm).isEqualTo(5);
    assertThat(gradient.toFloatVector()).containsExactly(0.6f, 0f, -0.8f);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 1023, 1024, 1025, 5000})
  void normIsThatOfAllNumbersOfAViewOfFloatsOrDoubles(int P) {
    INDArray floats = Nd4j.randn(DataType.FLOAT, P + 3);
    INDArray view = floats.get(NDArrayIndex.interval(2, P + 2));
    double squares = 0;
    for (double each : view.toDoubleVector()) {
      squares += each * each;
    }

    // float64 sums on both sides, in another order
    assertThat(GlobalNormClipping.clip(view, 0))
        .isCloseTo(Math.sqrt(squares), withinPercentage(1e-10));
    assertThat(GlobalNormClipping.clip(view.castTo(DataType.DOUBLE), 0))
        .isCloseTo(Math.sqrt(squares), withinPercentage(1e-10));
  }

  @Test
  void smallerGradientsAndNoLimitLeaveItAlone() {
    INDArray gradient = Nd4j.createFromArray(3f, 0f, -4f);

    GlobalNormClipping.clip(gradient, 5);
    GlobalNormClipping.clip(gradient, 0);

    assertThat(gradient.toFloatVector()).containsExactly(3f, 0f, -4f);
  }

  @Test
  void gradientThatIsNotFiniteStaysVisible() {
    INDArray gradient = Nd4j.createFromArray(3f, Float.NaN, -4f);

    double norm = GlobalNormClipping.clip(gradient, 1);

    assertThat(norm).isNaN();
    assertThat(gradient.getFloat(0)).isEqualTo(3f);
  }

  @Test
  void oneStepOfSgdMovesAllParametersTogetherByTheClippedGradient() {
    MultiLayerNetwork network = network(new GlobalNormClipping(new Sgd(1.0), 0.25));
    MultiLayerNetwork free = network(new GlobalNormClipping(new Sgd(1.0), 0));
    INDArray before = network.params().dup();

    network.fit(input, target);
    free.fit(input, target);

    INDArray step = before.sub(network.params());
    INDArray whole = before.sub(free.params());
    double norm = whole.norm2Number().doubleValue();
    assertThat(norm).isGreaterThan(10);
    assertThat(step.norm2Number().doubleValue()).isCloseTo(0.25, within(1e-6));
    // same direction over all layers: clipping per layer would turn it
    assertThat(step.sub(whole.mul(0.25 / norm)).norm2Number().doubleValue())
        .isCloseTo(0, within(1e-6));
    assertThat(GlobalNormClipping.lastNorm(network).getAsDouble())
        .isCloseTo(norm, within(norm * 1e-5));
  }

  @Test
  void networkFromJsonClipsAsWell() {
    MultiLayerNetwork network = network(new GlobalNormClipping(new Sgd(1.0), 0.25));
    var again =
        new MultiLayerNetwork(
            org.deeplearning4j.nn.conf.MultiLayerConfiguration.fromJson(
                network.getLayerWiseConfigurations().toJson()));
    again.init();
    INDArray before = again.params().dup();

    again.fit(input, target);

    assertThat(before.sub(again.params()).norm2Number().doubleValue())
        .isCloseTo(0.25, within(1e-6));
  }

  @Test
  void jsonOfDl4jBringsItBack() throws Exception {
    var mapper = JsonMappers.getMapper();
    IUpdater updater =
        new GlobalNormClipping(
            new Adam(new WarmUp(2, new CosineDecay(0.1, 0, 2, 9))),
            0.5,
            List.of(new LayerGroup(0, 7, 0.25, 3), new LayerGroup(7, 9, 1, 0)));

    IUpdater again = mapper.readValue(mapper.writeValueAsString(updater), IUpdater.class);

    assertThat(again).isEqualTo(updater);
    assertThat(again.getLearningRate(2, 0)).isEqualTo(0.1);
  }

  @Test
  void networkWithTwoOptimizersIsRefused() {
    var mixed =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .updater(new GlobalNormClipping(new Sgd(1.0), 1))
                .list()
                .layer(new DenseLayer.Builder().nIn(2).nOut(3).updater(new Sgd(0.1)).build())
                .layer(output())
                .build());
    mixed.init();

    assertThatThrownBy(() -> GlobalNormClipping.requireOneBlock(mixed))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "The network has 2 updater blocks, clipping to a global norm needs 1: give every layer the same optimizer");
  }

  @Test
  void decoupledDecayShrinksWeightsByRateTimesLearningRateAndLeavesTheLossAlone() {
    var decay = new DecoupledWeightDecay(0.1);
    INDArray weights = Nd4j.createFromArray(2f, -4f);
    INDArray update = Nd4j.createFromArray(0.5f, 0.5f);

    decay.apply(weights, update, 0.01, 3, 0);

    // update + 0.01 · 0.1 · w
    assertThat(update.getFloat(0)).isCloseTo(0.502f, within(1e-6f));
    assertThat(update.getFloat(1)).isCloseTo(0.496f, within(1e-6f));
    assertThat(decay.score(weights, 3, 0)).isZero();
  }

  private static MultiLayerNetwork network(IUpdater updater) {
    var network =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .seed(12)
                .updater(updater)
                .list()
                .layer(new DenseLayer.Builder().nIn(2).nOut(3).activation(Activation.TANH).build())
                .layer(output())
                .build());
    network.init();
    return network;
  }

  private static OutputLayer output() {
    return new OutputLayer.Builder(LossFunctions.LossFunction.MSE)
        .nIn(3)
        .nOut(1)
        .activation(Activation.IDENTITY)
        .build();
  }
}
