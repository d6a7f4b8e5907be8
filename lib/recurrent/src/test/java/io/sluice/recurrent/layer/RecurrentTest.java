package io.sluice.recurrent.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Direction;
import io.sluice.recurrent.kernel.Precision;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.util.Map;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.constraint.MaxNormConstraint;
import org.deeplearning4j.nn.conf.layers.GravesLSTM;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
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
  @EnumSource(Cell.class)
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

  @ParameterizedTest
  @CsvSource({
    "LSTM, false", "PEEPHOLE_LSTM, false", "RNN, false",
    "LSTM, true", "PEEPHOLE_LSTM, true", "RNN, true"
  })
  void stockLayersConvertBothWays(Cell cell, boolean bothDirections) {
    MultiLayerNetwork stock = network(stock(cell), bothDirections);
    MultiLayerNetwork ours = network(recurrent(cell), bothDirections);
    MultiLayerNetwork back = network(stock(cell), bothDirections);
    // peepholes too: DL4J begins with some that are not zero, ours with zero
    stock.setParams(Nd4j.randn(1, stock.numParams()).muli(0.5));
    ours.getLayer(1).setParams(stock.getLayer(1).params().dup());
    back.setParams(stock.params().dup());
    back.getLayer(0).params().assign(0);

    StockLayers.copy(stock.getLayer(0), ours.getLayer(0));
    StockLayers.copy(ours.getLayer(0), back.getLayer(0));

    assertThat(back.params()).isEqualTo(stock.params());
    INDArray x = Nd4j.rand(B, I, T).subi(0.5);
    // float32 in another order of sums
    assertThat(ours.output(x).distance2(stock.output(x))).isLessThan(1e-5);
    if (bothDirections) {
      // read backward, the masked steps come first, and there DL4J's LSTM gives something else
      return;
    }
    INDArray mask = Nd4j.ones(B, T);
    mask.put(new INDArrayIndex[] {NDArrayIndex.point(1), NDArrayIndex.interval(2, T)}, 0);
    mask.put(new INDArrayIndex[] {NDArrayIndex.point(2), NDArrayIndex.interval(5, T)}, 0);
    INDArray masked = ours.output(x, false, mask, mask).dup();
    INDArray expected = stock.output(x, false, mask, mask).dup();
    INDArray counted = mask.reshape(B, 1, T);
    assertThat(masked.mul(counted).distance2(expected.mul(counted))).isLessThan(1e-5);
  }

  @ParameterizedTest
  @EnumSource(names = {"LSTM", "PEEPHOLE_LSTM", "RNN"})
  void convertedLayerGoesOnAsTheStockOneDoes(Cell cell) {
    MultiLayerNetwork stock = network(stock(cell));
    stock.setParams(Nd4j.randn(1, stock.numParams()).muli(0.5));
    MultiLayerNetwork ours = network(recurrent(cell));
    ours.getLayer(1).setParams(stock.getLayer(1).params().dup());
    StockLayers.copy(stock.getLayer(0), ours.getLayer(0));
    INDArray x = Nd4j.rand(B, I, T).subi(0.5);
    INDArray labels = Nd4j.rand(B, 2, T);

    // the state of one piece is the beginning of the next
    for (int half = 0; half < 2; half++) {
      INDArray expected = stock.rnnTimeStep(half(x, half));
      assertThat(ours.rnnTimeStep(half(x, half)).distance2(expected)).isLessThan(1e-5);
    }
    for (MultiLayerNetwork network : new MultiLayerNetwork[] {ours, stock}) {
      network.getLayerWiseConfigurations().setBackpropType(BackpropType.TruncatedBPTT);
      network.getLayerWiseConfigurations().setTbpttFwdLength(T);
      network.getLayerWiseConfigurations().setTbpttBackLength(T);
    }
    for (int step = 0; step < 3; step++) {
      ours.fit(x, labels);
      stock.fit(x, labels);
      // losses of about 10 in float32
      assertThat(ours.score()).isCloseTo(stock.score(), within(1e-5));
    }
    MultiLayerNetwork back = network(stock(cell));
    back.getLayer(1).setParams(ours.getLayer(1).params().dup());
    StockLayers.copy(ours.getLayer(0), back.getLayer(0));

    // three steps of a rate of 0.1
    assertThat(back.params().distance2(stock.params())).isLessThan(1e-5);
    assertThat(back.output(x).distance2(ours.output(x))).isLessThan(1e-5);
  }

  private static Recurrent recurrent(Cell cell) {
    return new Recurrent.Builder(cell).nIn(I).nOut(H).build();
  }

  private static MultiLayerNetwork network(Layer recurrent, boolean bothDirections) {
    return network(
        bothDirections ? new Bidirectional(Bidirectional.Mode.ADD, recurrent) : recurrent);
  }

  @Test
  void cellWithoutCounterpartDoesNotConvert() {
    MultiLayerNetwork ours = network(new Recurrent.Builder(Cell.GRU).nIn(I).nOut(H).build());
    MultiLayerNetwork stock = network(stock(Cell.LSTM));

    assertThatThrownBy(() -> StockLayers.copy(stock.getLayer(0), ours.getLayer(0)))
        .hasMessage(
            "Cannot convert between a GRU and DL4J's LSTM; LSTM, peephole LSTM and tanh RNN have counterparts: LSTM, GravesLSTM and SimpleRnn");
  }

  private static Layer stock(Cell cell) {
    return switch (cell) {
      case LSTM -> new LSTM.Builder().nIn(I).nOut(H).activation(Activation.TANH).build();
      case PEEPHOLE_LSTM ->
          new GravesLSTM.Builder().nIn(I).nOut(H).activation(Activation.TANH).build();
      case RNN -> new SimpleRnn.Builder().nIn(I).nOut(H).activation(Activation.TANH).build();
      case GRU, LAYERNORM_LSTM -> throw new IllegalArgumentException(cell.label());
    };
  }

  @Test
  void comesBackFromJsonAndFromItsFile() throws Exception {
    Layer layer =
        new Recurrent.Builder(Cell.GRU)
            .nIn(I)
            .nOut(H)
            .name("gru")
            .direction(Direction.BACKWARD)
            .precision(Precision.BF16)
            .forgetBias(2.5)
            .build();
    MultiLayerNetwork network = network(layer);
    var bytes = new ByteArrayOutputStream();
    ModelSerializer.writeModel(network, bytes, true);

    MultiLayerNetwork again =
        ModelSerializer.restoreMultiLayerNetwork(
            new ByteArrayInputStream(bytes.toByteArray()), true);

    assertThat(again.getLayerWiseConfigurations()).isEqualTo(network.getLayerWiseConfigurations());
    Recurrent conf = (Recurrent) again.getLayer(0).conf().getLayer();
    assertThat(conf.getDirection()).isEqualTo(Direction.BACKWARD);
    assertThat(conf.getPrecision()).isEqualTo(Precision.BF16);
    assertThat(conf.getForgetBias()).isEqualTo(2.5);
    assertThat(again.params()).isEqualTo(network.params());
    assertThat(again.getLayer(0).paramTable().keySet()).containsExactly("W", "RW", "b");
  }

  @ParameterizedTest
  @CsvSource({"6, 6", "6, 2"})
  void gradientIsCutWhereTheStockLstmCutsIt(int forward, int backward) {
    MultiLayerNetwork ours = network(new Recurrent.Builder(Cell.LSTM).nIn(I).nOut(H).build());
    MultiLayerNetwork stock = network(stock(Cell.LSTM));
    for (MultiLayerNetwork network : new MultiLayerNetwork[] {ours, stock}) {
      network.getLayerWiseConfigurations().setBackpropType(BackpropType.TruncatedBPTT);
      network.getLayerWiseConfigurations().setTbpttFwdLength(forward);
      network.getLayerWiseConfigurations().setTbpttBackLength(backward);
    }
    StockLayers.copy(ours.getLayer(0), stock.getLayer(0));
    stock.getLayer(1).setParams(ours.getLayer(1).params().dup());
    INDArray x = Nd4j.rand(B, I, T).subi(0.5);
    INDArray labels = Nd4j.rand(B, 2, T);

    for (int step = 0; step < 3; step++) {
      ours.fit(x, labels);
      stock.fit(x, labels);
    }

    assertThat(ours.output(x).distance2(stock.output(x))).isLessThan(1e-5);
  }

  /**
   * The second half's gradient is that of its own loss with the first half's last state held fixed.
   * (DL4J's own LSTM gets a somewhat different one here.)
   */
  @Test
  void truncatedBackpropagationCarriesTheStateAndNotTheGradient() {
    double rate = 0.1;
    MultiLayerNetwork truncated = doubles(rate);
    MultiLayerNetwork plain = doubles(rate);
    truncated.getLayerWiseConfigurations().setBackpropType(BackpropType.TruncatedBPTT);
    truncated.getLayerWiseConfigurations().setTbpttFwdLength(3);
    truncated.getLayerWiseConfigurations().setTbpttBackLength(3);
    INDArray x = Nd4j.rand(DataType.DOUBLE, B, I, T).subi(0.5);
    INDArray labels = Nd4j.rand(DataType.DOUBLE, B, 2, T);
    plain.rnnTimeStep(half(x, 0));
    Map<String, INDArray> state = plain.rnnGetPreviousState(0);
    plain.fit(half(x, 0), half(labels, 0));
    INDArray between = plain.params().dup();

    truncated.fit(x, labels);

    INDArray gradient = between.sub(truncated.params()).divi(rate);
    double step = 1e-5;
    for (long k = 0; k < between.length(); k += 7) {
      double[] loss = new double[2];
      for (int side = 0; side < 2; side++) {
        INDArray moved = between.dup();
        moved.putScalar(k, moved.getDouble(k) + (side == 0 ? step : -step));
        plain.setParams(moved);
        plain.rnnSetPreviousState(0, state);
        INDArray error = plain.rnnTimeStep(half(x, 1)).sub(half(labels, 1));
        // DL4J's MSE: mean over outputs, sum over time steps, mean over examples
        loss[side] = error.mul(error).sumNumber().doubleValue() / 2 / B;
      }
      assertThat(gradient.getDouble(k))
          .as("parameter %d", k)
          .isCloseTo((loss[0] - loss[1]) / (2 * step), within(1e-7));
    }
  }

  private static INDArray half(INDArray series, int half) {
    return series
        .get(
            NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.interval(3L * half, 3L * half + 3))
        .dup();
  }

  private static MultiLayerNetwork doubles(double rate) {
    var network =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .seed(7)
                .dataType(DataType.DOUBLE)
                .updater(new Sgd(rate))
                .list()
                .layer(new Recurrent.Builder(Cell.LSTM).nIn(I).nOut(H).build())
                .layer(output())
                .build());
    network.init();
    return network;
  }

  private static RnnOutputLayer output() {
    return new RnnOutputLayer.Builder(LossFunctions.LossFunction.MSE)
        .nIn(H)
        .nOut(2)
        .dataFormat(RNNFormat.NCW)
        .activation(Activation.IDENTITY)
        .build();
  }

  @Test
  void bothDirectionsAreWrappedByDl4j() {
    MultiLayerNetwork ours =
        network(
            new Bidirectional(
                Bidirectional.Mode.ADD, new Recurrent.Builder(Cell.LSTM).nIn(I).nOut(H).build()));
    MultiLayerNetwork stock = network(new Bidirectional(Bidirectional.Mode.ADD, stock(Cell.LSTM)));
    StockLayers.copy(ours.getLayer(0), stock.getLayer(0));
    stock.getLayer(1).setParams(ours.getLayer(1).params().dup());
    INDArray x = Nd4j.rand(B, I, T).subi(0.5);
    INDArray labels = Nd4j.rand(B, 2, T);

    // DL4J adds one direction to the other in place
    for (int step = 0; step < 3; step++) {
      ours.fit(x, labels);
      stock.fit(x, labels);
    }

    assertThat(ours.output(x).distance2(stock.output(x))).isLessThan(1e-5);
  }

  @Test
  void backwardLayerReadsTheReversedSeries() {
    MultiLayerNetwork forward = network(new Recurrent.Builder(Cell.GRU).nIn(I).nOut(H).build());
    MultiLayerNetwork backward =
        network(
            new Recurrent.Builder(Cell.GRU).nIn(I).nOut(H).direction(Direction.BACKWARD).build());
    backward.setParams(forward.params().dup());
    INDArray x = Nd4j.rand(B, I, T);

    INDArray[] reversed = new INDArray[T];
    for (int t = 0; t < T; t++) {
      reversed[t] = step(x, T - 1 - t);
    }

    INDArray output = backward.output(Nd4j.concat(2, reversed));

    INDArray expected = forward.output(x);
    for (int t = 0; t < T; t++) {
      assertThat(step(output, T - 1 - t).distance2(step(expected, t))).isLessThan(1e-6);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void lastStepOfAMaskedSeriesIsItsLastRealOne(boolean wrapped) {
    Layer recurrent = new Recurrent.Builder(Cell.LSTM).nIn(I).nOut(H).build();
    var list = new NeuralNetConfiguration.Builder().seed(3).list();
    list =
        wrapped
            ? list.layer(new LastTimeStep(recurrent))
            : list.layer(recurrent).layer(new LastStep(false));
    MultiLayerNetwork network =
        new MultiLayerNetwork(
            list.layer(
                    new OutputLayer.Builder(LossFunctions.LossFunction.MSE)
                        .nIn(H)
                        .nOut(1)
                        .activation(Activation.IDENTITY)
                        .build())
                .build());
    network.init();
    INDArray x = Nd4j.rand(1, I, T);
    INDArray mask = Nd4j.createFromArray(new float[][] {{0, 1, 0, 1, 1, 0}});
    INDArray kept = Nd4j.concat(2, step(x, 1), step(x, 3), step(x, 4));

    INDArray masked = network.output(x, false, mask, null);

    network.clearLayerMaskArrays();
    assertThat(masked.distance2(network.output(kept))).isLessThan(1e-6);
  }

  /** Both ends of both directions, a masked row, and their gradient, by hand. */
  @Test
  void lastStepTakesAndGivesBackTheEndsOfEachHalf() {
    var conf = new NeuralNetConfiguration();
    conf.setLayer(new LastStep(true));
    var layer = new LastStepLayer(conf, DataType.FLOAT);
    INDArray x = Nd4j.arange(1, 25).castTo(DataType.FLOAT).reshape('c', 3, 2, 4);
    INDArray mask = Nd4j.createFromArray(new float[][] {{1, 1, 1, 1}, {0, 1, 1, 0}, {0, 0, 0, 0}});
    LayerWorkspaceMgr workspaces = LayerWorkspaceMgr.noWorkspaces();
    layer.setInput(x, workspaces);
    layer.setMaskArray(mask);

    INDArray ends = layer.activate(true, workspaces);
    INDArray back =
        layer
            .backpropGradient(
                Nd4j.createFromArray(new float[][] {{1, 2}, {3, 4}, {5, 6}}), workspaces)
            .getSecond();

    // x[b][u][t] = 8b + 4u + t + 1
    assertThat(ends.toFloatMatrix()).isDeepEqualTo(new float[][] {{4, 5}, {11, 14}, {0, 0}});
    INDArray expected = Nd4j.zeros(3, 2, 4);
    expected.putScalar(0, 0, 3, 1);
    expected.putScalar(0, 1, 0, 2);
    expected.putScalar(1, 0, 2, 3);
    expected.putScalar(1, 1, 1, 4);
    assertThat(back).isEqualTo(expected);
  }

  @Test
  void runsInAComputationGraph() {
    var graph =
        new ComputationGraph(
            new NeuralNetConfiguration.Builder()
                .seed(7)
                .updater(new Sgd(0.1))
                .graphBuilder()
                .addInputs("x")
                .addLayer("a", new Recurrent.Builder(Cell.LSTM).nIn(I).nOut(H).build(), "x")
                .addLayer("out", output(), "a")
                .setOutputs("out")
                .build());
    graph.init();
    MultiLayerNetwork list = network(new Recurrent.Builder(Cell.LSTM).nIn(I).nOut(H).build());
    list.setParams(graph.params().dup());
    INDArray x = Nd4j.rand(B, I, T);
    INDArray labels = Nd4j.rand(B, 2, T);

    graph.fit(new INDArray[] {x}, new INDArray[] {labels});
    list.fit(x, labels);

    assertThat(graph.params().distance2(list.params())).isLessThan(1e-6);
  }

  @Test
  void droppedConnectionsRegularisationAndConstraintsAreDl4js() {
    MultiLayerNetwork network =
        network(
            new Recurrent.Builder(Cell.LSTM)
                .nIn(I)
                .nOut(H)
                .weightNoise(new DropConnect(0.5))
                .l2(0.5)
                .constrainRecurrent(new MaxNormConstraint(0.1, 0))
                .build());
    INDArray x = Nd4j.rand(B, I, T);
    INDArray quiet = network.output(x);

    INDArray noisy = network.output(x, true);
    double squares = 0;
    for (String key : new String[] {"W", "RW"}) {
      squares += Math.pow(network.getLayer(0).getParam(key).norm2Number().doubleValue(), 2);
    }
    double regularisation = network.getLayer(0).calcRegularizationScore(true);
    network.fit(x, Nd4j.rand(B, 2, T));

    assertThat(noisy.distance2(quiet)).isGreaterThan(1e-3);
    assertThat(network.getLayer(0).calcRegularizationScore(true)).isLessThan(regularisation);
    assertThat(regularisation).isCloseTo(0.5 * 0.5 * squares, within(1e-4));
    INDArray columns = network.getLayer(0).getParam("RW").norm2(0);
    assertThat(columns.maxNumber().doubleValue()).isLessThanOrEqualTo(0.1 + 1e-5);
  }

  @Test
  void recurrentDropoutDrawsOneMaskASequenceInTrainingAlone() {
    int H = 400;
    MultiLayerNetwork plain = network(Cell.RNN, H, 0);
    MultiLayerNetwork dropping = network(Cell.RNN, H, 0.25);
    dropping.setParams(plain.params());
    INDArray x = Nd4j.randn(DataType.FLOAT, 2, 3, 5);

    assertThat(dropping.output(x)).isEqualTo(plain.output(x));
    // the first step has no state to drop; the others differ
    INDArray trained = dropping.output(x, true);
    assertThat(step(trained, 0)).isEqualTo(step(plain.output(x), 0));
    assertThat(step(trained, 1)).isNotEqualTo(step(plain.output(x), 1));
    Nd4j.getRandom().setSeed(5);
    INDArray once = dropping.output(x, true).dup();
    assertThat(dropping.output(x, true)).isNotEqualTo(once);
    Nd4j.getRandom().setSeed(5);
    assertThat(dropping.output(x, true)).isEqualTo(once);
  }

  private static MultiLayerNetwork network(Cell cell, int H, double recurrentDropout) {
    var network =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .seed(1)
                .list()
                .layer(
                    new Recurrent.Builder(cell)
                        .nIn(3)
                        .nOut(H)
                        .recurrentDropout(recurrentDropout)
                        .build())
                .build());
    network.init();
    return network;
  }

  @Test
  void aShareToDropOfAllIsRefused() {
    assertThatThrownBy(() -> new Recurrent.Builder(Cell.LSTM).recurrentDropout(1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("recurrentDropout is 1.0, must be in [0, 1)");
  }

  @Test
  void disagreeingShapesAreNamed() {
    MultiLayerNetwork network =
        network(new Recurrent.Builder(Cell.LSTM).name("first").nIn(I).nOut(H).build());
    INDArray x = Nd4j.rand(B, I, T);

    assertThatThrownBy(() -> network.output(Nd4j.rand(B, I + 1, T)))
        .hasMessage("Input of layer first has shape [4, 4, 6], expected (B, I, T) with I = 3");
    assertThatThrownBy(() -> network.output(x, false, Nd4j.ones(B, T + 1), null))
        .hasMessage("Mask of layer first has shape [4, 7], expected (B, T) = (4, 6)");
    assertThatThrownBy(() -> network.output(x, false, Nd4j.ones(B - 1, T), null))
        .hasMessage("Mask of layer first has shape [3, 6], expected (B, T) = (4, 6)");
    network.clearLayerMaskArrays();
    network.rnnTimeStep(x);
    assertThatThrownBy(() -> network.rnnTimeStep(Nd4j.rand(2, I, T)))
        .hasMessage(
            "Layer first holds the state of 4 sequences, but the input has 2: clear the state first (rnnClearPreviousState)");
  }

  @Test
  void sizesOfZeroAreNamed() {
    MultiLayerNetwork network =
        network(new Recurrent.Builder(Cell.LSTM).name("first").nIn(I).nOut(H).build());

    // DL4J's networks refuse them first, and do not name the layer
    assertThatThrownBy(() -> activate(network, Nd4j.create(DataType.FLOAT, B, I, 0)))
        .hasMessage(
            "Input of layer first has shape [4, 3, 0], needs at least 1 sequence and 1 time step, but has B=4, T=0");
    assertThatThrownBy(() -> activate(network, Nd4j.create(DataType.FLOAT, 0, I, T)))
        .hasMessage(
            "Input of layer first has shape [0, 3, 6], needs at least 1 sequence and 1 time step, but has B=0, T=6");
    assertThatThrownBy(
            () -> network(new Recurrent.Builder(Cell.GRU).name("first").nIn(I).nOut(0).build()))
        .hasMessage("Layer first: a GRU needs at least 1 input and 1 unit, but has nIn=3, nOut=0");
  }

  private static INDArray activate(MultiLayerNetwork network, INDArray x) {
    return network.getLayer(0).activate(x, false, LayerWorkspaceMgr.noWorkspaces());
  }

  @Test
  void networksOfOtherDataTypesAreRefused() {
    var network =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .dataType(DataType.HALF)
                .list()
                .layer(new Recurrent.Builder(Cell.RNN).name("first").nIn(I).nOut(H).build())
                .layer(output())
                .build());

    assertThatThrownBy(
            () -> {
              network.init();
              network.output(Nd4j.zeros(DataType.HALF, B, I, T));
            })
        .hasMessage(
            "Layer first has data type HALF, must be FLOAT or DOUBLE; bf16 is a precision of the layer in a FLOAT network");
  }

  @Test
  void timeStepsMayBeTheSecondDimension() {
    MultiLayerNetwork ncw = network(new Recurrent.Builder(Cell.LSTM).nIn(I).nOut(H).build());
    var nwc =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .list()
                .layer(
                    new Recurrent.Builder(Cell.LSTM)
                        .nIn(I)
                        .nOut(H)
                        .dataFormat(RNNFormat.NWC)
                        .build())
                .layer(
                    new RnnOutputLayer.Builder(LossFunctions.LossFunction.MSE)
                        .nIn(H)
                        .nOut(2)
                        .dataFormat(RNNFormat.NWC)
                        .activation(Activation.IDENTITY)
                        .build())
                .build());
    nwc.init();
    nwc.setParams(ncw.params().dup());
    INDArray x = Nd4j.rand(B, I, T);

    INDArray output = nwc.output(x.permute(0, 2, 1).dup('c'));

    assertThat(output.permute(0, 2, 1).distance2(ncw.output(x))).isLessThan(1e-6);
  }

  private static INDArray step(INDArray series, int t) {
    return series.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.interval(t, t + 1));
  }

  private static MultiLayerNetwork network(Layer recurrent) {
    var network =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .seed(7)
                .updater(new Sgd(0.1))
                .list()
                .layer(recurrent)
                .layer(output())
                .build());
    network.init();
    return network;
  }
}
