package io.sluice.recurrent.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.TensorAssert;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Direction;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.optim.Replicas;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.util.List;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.constraint.MaxNormConstraint;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions;

/** DL4J's own wrapper around the same layer is the judge. */
class BidirectionalRecurrentTest {
  private static final int B = 4;
  private static final int T = 6;
  private static final int I = 3;
  private static final int H = 5;

  /** float32 holds 6e-8; sums of 24 steps in another order. */
  private static final double ROUNDING = 5e-6;

  /** Left, right, inside, all. */
  private static final float[][] MASK = {
    {0, 0, 1, 1, 1, 1}, {1, 1, 1, 0, 0, 0}, {1, 0, 1, 1, 0, 1}, {0, 0, 0, 0, 0, 0},
  };

  @BeforeAll
  static void oneThread() {
    NativeThreads.set(1);
  }

  @ParameterizedTest
  @EnumSource(Cell.class)
  void givesWhatDl4jsWrapperGivesWithTheSameFlatParameters(Cell cell) {
    MultiLayerNetwork ours = network(new BidirectionalRecurrent(recurrent(cell).build()));
    MultiLayerNetwork wrapped = network(new Bidirectional(recurrent(cell).build()));
    ours.setParams(Nd4j.randn(1, ours.numParams()).muli(0.5));
    wrapped.setParams(ours.params());
    INDArray x = Nd4j.randn(B, I, T);
    INDArray labels = Nd4j.randn(B, 2, T);

    assertThat(ours.getLayer(0).paramTable()).isEqualTo(wrapped.getLayer(0).paramTable());
    assertThat(ours.paramTable().keySet()).containsExactlyElementsOf(wrapped.paramTable().keySet());
    for (INDArray mask : new INDArray[] {null, Nd4j.createFromArray(MASK)}) {
      requireClose("output", output(ours, x, mask), output(wrapped, x, mask));
      Pair<Gradient, INDArray> gradients = gradients(ours, x, labels, mask);
      Pair<Gradient, INDArray> expected = gradients(wrapped, x, labels, mask);
      requireClose("dx", gradients.getSecond(), expected.getSecond());
      expected
          .getFirst()
          .gradientForVariable()
          .forEach(
              (key, view) -> requireClose(key, gradients.getFirst().getGradientFor(key), view));
      requireClose("flat gradient", flat(gradients), flat(expected));
    }
  }

  private static INDArray output(MultiLayerNetwork network, INDArray x, INDArray mask) {
    INDArray output = network.output(x, false, mask, null).dup();
    network.clearLayerMaskArrays();
    return output;
  }

  private static Pair<Gradient, INDArray> gradients(
      MultiLayerNetwork network, INDArray x, INDArray labels, INDArray mask) {
    Pair<Gradient, INDArray> gradients = network.calculateGradients(x, labels, mask, mask);
    network.clearLayerMaskArrays();
    return gradients;
  }

  private static INDArray flat(Pair<Gradient, INDArray> gradients) {
    return gradients.getFirst().gradient();
  }

  private static void requireClose(String name, INDArray actual, INDArray expected) {
    TensorAssert.assertClose(
        name, actual.dup('c').data().asDouble(), expected.dup('c').data().asDouble(), ROUNDING);
  }

  /** Optimizer, regularisation and constraint of the layer itself, in a stack of two. */
  @Test
  void trainsAsDl4jsWrapperDoes() {
    MultiLayerNetwork ours =
        stack(
            new BidirectionalRecurrent(particular(I)), new BidirectionalRecurrent(particular(10)));
    MultiLayerNetwork wrapped =
        stack(new Bidirectional(particular(I)), new Bidirectional(particular(10)));
    wrapped.setParams(ours.params());
    INDArray x = Nd4j.randn(B, I, T);
    INDArray labels = Nd4j.randn(B, 2, T);

    for (int step = 0; step < 4; step++) {
      ours.fit(x, labels);
      wrapped.fit(x, labels);
      assertThat(ours.score()).isCloseTo(wrapped.score(), within(1e-5));
    }

    // four steps of a rate of 0.3
    requireClose("parameters", ours.params(), wrapped.params());
    assertThat(ours.getLayer(0).calcRegularizationScore(true))
        .isPositive()
        .isCloseTo(wrapped.getLayer(0).calcRegularizationScore(true), within(1e-5));
    for (String key : new String[] {"fRW", "bRW"}) {
      INDArray columns = ours.getLayer(1).getParam(key).norm2(0);
      assertThat(columns.maxNumber().doubleValue()).as(key).isLessThanOrEqualTo(0.4 + 1e-5);
    }
  }

  private static Recurrent particular(int inputs) {
    return new Recurrent.Builder(Cell.LSTM)
        .nIn(inputs)
        .nOut(H)
        .updater(new Sgd(0.3))
        .l2(0.05)
        .constrainRecurrent(new MaxNormConstraint(0.4, 0))
        .build();
  }

  private static MultiLayerNetwork stack(Layer... layers) {
    var list = new NeuralNetConfiguration.Builder().seed(7).updater(new Sgd(0.1)).list();
    for (Layer layer : layers) {
      list.layer(layer);
    }
    var network = new MultiLayerNetwork(list.layer(output(RNNFormat.NCW)).build());
    network.init();
    return network;
  }

  @Test
  void halvesAreDrawnIndependently() {
    MultiLayerNetwork network = network(layer());

    INDArray forward = network.getLayer(0).getParam("fW");

    assertThat(forward.distance2(network.getLayer(0).getParam("bW"))).isGreaterThan(1);
    assertThat(network.getLayer(0).getParam("fb")).isEqualTo(network.getLayer(0).getParam("bb"));
  }

  @Test
  void dropoutAndDroppedConnectionsAreOfTrainingAloneAndLeaveTheInputAsItIs() {
    for (Recurrent.Builder builder :
        List.of(
            recurrent(Cell.GRU).dropOut(new Dropout(0.5)),
            recurrent(Cell.GRU).weightNoise(new DropConnect(0.5)),
            recurrent(Cell.GRU).recurrentDropout(0.5))) {
      MultiLayerNetwork network = network(new BidirectionalRecurrent(builder.build()));
      MultiLayerNetwork plain = network(new BidirectionalRecurrent(recurrent(Cell.GRU).build()));
      plain.setParams(network.params());
      INDArray x = Nd4j.randn(B, I, T);
      INDArray before = x.dup();

      Nd4j.getRandom().setSeed(5);
      INDArray dropped = network.output(x, true).dup();
      Nd4j.getRandom().setSeed(5);

      assertThat(network.output(x, true)).isEqualTo(dropped);
      assertThat(dropped).isNotEqualTo(plain.output(x));
      assertThat(network.output(x)).isEqualTo(plain.output(x));
      assertThat(x).isEqualTo(before);
    }
  }

  /** What a layer below puts out may be written over, by one direction and not under the other. */
  @Test
  void eachDirectionDropsItsOwnInputs() {
    MultiLayerNetwork network =
        stack(
            recurrent(Cell.RNN).build(),
            new BidirectionalRecurrent(
                new Recurrent.Builder(Cell.RNN).nIn(H).nOut(H).dropOut(new Dropout(0.5)).build()));
    for (String key : new String[] {"RW", "W"}) {
      network
          .getLayer(1)
          .getParam("b" + key)
          .assign(network.getLayer(1).getParam("f" + key).muli("RW".equals(key) ? 0 : 1));
    }

    INDArray quiet = network.feedForward(Nd4j.randn(B, I, T), false).get(2);
    INDArray both = network.feedForward(Nd4j.randn(B, I, T), true).get(2);

    // without a state a direction is a function of its step alone, the same in both
    requireClose("halves", half(quiet, 0), half(quiet, 1));
    assertThat(half(both, 0).distance2(half(both, 1))).isGreaterThan(0.1);
  }

  private static INDArray half(INDArray output, int half) {
    return output
        .get(
            NDArrayIndex.all(),
            NDArrayIndex.interval((long) half * H, (half + 1L) * H),
            NDArrayIndex.all())
        .dup();
  }

  @Test
  void comesBackFromJsonAndFromItsFile() throws Exception {
    MultiLayerNetwork network =
        network(
            new BidirectionalRecurrent(
                recurrent(Cell.PEEPHOLE_LSTM)
                    .name("both")
                    .precision(Precision.BF16)
                    .forgetBias(2.5)
                    .dropOut(new Dropout(0.75))
                    .build()));
    var bytes = new ByteArrayOutputStream();
    ModelSerializer.writeModel(network, bytes, true);

    MultiLayerNetwork again =
        ModelSerializer.restoreMultiLayerNetwork(
            new ByteArrayInputStream(bytes.toByteArray()), true);

    assertThat(again.getLayerWiseConfigurations()).isEqualTo(network.getLayerWiseConfigurations());
    var conf = (BidirectionalRecurrent) again.getLayer(0).conf().getLayer();
    assertThat(conf.getLayerName()).isEqualTo("both");
    assertThat(((Recurrent) conf.getFwd()).getDirection()).isEqualTo(Direction.FORWARD);
    assertThat(((Recurrent) conf.getBwd()).getDirection()).isEqualTo(Direction.BACKWARD);
    assertThat(((Recurrent) conf.getBwd()).getForgetBias()).isEqualTo(2.5);
    assertThat(again.params()).isEqualTo(network.params());
    assertThat(again.getLayer(0).paramTable().keySet())
        .containsExactly("fW", "fRW", "fb", "fP", "bW", "bRW", "bb", "bP");
    INDArray x = Nd4j.randn(B, I, T);
    assertThat(again.output(x)).isEqualTo(network.output(x));
  }

  @Test
  void clonesAndReplicasPredictTheSameAndShareNoDropout() {
    MultiLayerNetwork network =
        network(new BidirectionalRecurrent(recurrent(Cell.LSTM).dropOut(new Dropout(0.5)).build()));
    INDArray x = Nd4j.randn(B, I, T);
    INDArray expected = network.output(x).dup();

    MultiLayerNetwork clone = network.clone();

    assertThat(clone.output(x)).isEqualTo(expected);
    var conf = (BidirectionalRecurrent) clone.getLayer(0).conf().getLayer();
    var original = (BidirectionalRecurrent) network.getLayer(0).conf().getLayer();
    assertThat(conf).isEqualTo(original).isNotSameAs(original);
    assertThat(conf.getFwd().getIDropout()).isNotSameAs(original.getFwd().getIDropout());
    assertThat(conf.getBwd().getIDropout()).isNotSameAs(original.getBwd().getIDropout());
    try (var replicas = new Replicas(network, 2)) {
      assertThat(replicas.each((replica, rank) -> replica.output(x).dup()))
          .containsExactly(expected, expected);
    }
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
                .addLayer("both", layer(), "x")
                .addLayer("out", output(RNNFormat.NCW), "both")
                .setOutputs("out")
                .build());
    graph.init();
    MultiLayerNetwork list = network(layer());
    list.setParams(graph.params().dup());
    INDArray x = Nd4j.randn(B, I, T);
    INDArray labels = Nd4j.randn(B, 2, T);

    graph.fit(new INDArray[] {x}, new INDArray[] {labels});
    list.fit(x, labels);

    requireClose("parameters", graph.params(), list.params());
  }

  @Test
  void tellsTheNetworkWhatItTakesAndGives() {
    MultiLayerNetwork network =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .list()
                .layer(new BidirectionalRecurrent(new Recurrent.Builder(Cell.GRU).nOut(H).build()))
                .layer(new BidirectionalRecurrent(new Recurrent.Builder(Cell.GRU).nOut(2).build()))
                .layer(new LastStep(true))
                .setInputType(InputType.recurrent(I, T))
                .build());
    network.init();

    assertThat(network.getLayer(1).getParam("bW").shape()).containsExactly(2 * H, 3 * 2);
    assertThat(network.output(Nd4j.randn(B, I, T)).shape()).containsExactly(B, 4);
    assertThat(network.summary()).contains("BidirectionalKernelLayer");
  }

  @Test
  void timeStepsMayBeTheSecondDimension() {
    MultiLayerNetwork ncw = network(layer());
    MultiLayerNetwork nwc =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .updater(new Sgd(0.1))
                .list()
                .layer(
                    new BidirectionalRecurrent(
                        recurrent(Cell.LSTM).dataFormat(RNNFormat.NWC).build()))
                .layer(output(RNNFormat.NWC))
                .build());
    nwc.init();
    nwc.setParams(ncw.params().dup());
    INDArray x = Nd4j.randn(B, I, T);
    INDArray labels = Nd4j.randn(B, 2, T);
    INDArray nwcX = x.permute(0, 2, 1).dup('c');

    requireClose("output", nwc.output(nwcX).permute(0, 2, 1), ncw.output(x));
    Pair<Gradient, INDArray> expected = gradients(ncw, x, labels, null);
    Pair<Gradient, INDArray> gradients =
        gradients(nwc, nwcX, labels.permute(0, 2, 1).dup('c'), null);
    requireClose("gradient", flat(gradients), flat(expected));
    requireClose("dx", gradients.getSecond().permute(0, 2, 1), expected.getSecond());
  }

  @Test
  void leavesOutTheGradientOfItsInputWhereNobodyReadsIt() {
    MultiLayerNetwork network = network(layer());
    INDArray x = Nd4j.randn(B, I, T);
    INDArray labels = Nd4j.randn(B, 2, T);
    INDArray expected = flat(gradients(network, x, labels, null)).dup();

    ((InputGradient) network.getLayer(0)).inputGradient(false);
    network.setInput(x);
    network.setLabels(labels);
    network.computeGradientAndScore();
    INDArray without = network.getGradientsViewArray().dup();
    ((InputGradient) network.getLayer(0)).inputGradient(true);

    requireClose("gradient", without, expected);
    assertThat(gradients(network, x, labels, null).getSecond()).isNotNull();
  }

  @Test
  void stockBidirectionalLayersConvertBothWays() {
    MultiLayerNetwork stock =
        network(
            new Bidirectional(
                new LSTM.Builder().nIn(I).nOut(H).activation(Activation.TANH).build()));
    MultiLayerNetwork ours = network(layer());
    ours.getLayer(1).setParams(stock.getLayer(1).params().dup());
    INDArray x = Nd4j.randn(B, I, T);

    StockLayers.copy(stock.getLayer(0), ours.getLayer(0));
    INDArray expected = stock.output(x).dup();
    stock.getLayer(0).params().assign(0);
    StockLayers.copy(ours.getLayer(0), stock.getLayer(0));

    requireClose("ours", ours.output(x), expected);
    requireClose("and back", stock.output(x), expected);
  }

  @Test
  void parametersOfAnotherCellOrSizeAreRefused() {
    MultiLayerNetwork lstm = network(new Bidirectional(recurrent(Cell.LSTM).build()));
    MultiLayerNetwork gru = network(new BidirectionalRecurrent(recurrent(Cell.GRU).build()));

    assertThatThrownBy(() -> StockLayers.copy(lstm.getLayer(0), gru.getLayer(0)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "Cannot convert a bidirectional CellShape[cell=LSTM, inputSize=3, hiddenSize=5] to a CellShape[cell=GRU, inputSize=3, hiddenSize=5]: cells and sizes must agree");
  }

  @Test
  void goesNeitherStepByStepNorInPieces() {
    MultiLayerNetwork network =
        network(new BidirectionalRecurrent(recurrent(Cell.LSTM).name("both").build()));
    INDArray x = Nd4j.randn(B, I, T);

    assertThatThrownBy(() -> network.rnnTimeStep(x))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessage(
            "Layer both reads its series in both directions and cannot go step by step (rnnTimeStep): give output() the whole series, or train a network that reads forward only");
    network.getLayerWiseConfigurations().setBackpropType(BackpropType.TruncatedBPTT);
    network.getLayerWiseConfigurations().setTbpttFwdLength(3);
    network.getLayerWiseConfigurations().setTbpttBackLength(3);
    assertThatThrownBy(() -> network.fit(x, Nd4j.randn(B, 2, T)))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessage(
            "Layer both reads its series in both directions and cannot be trained by truncated backpropagation: use BackpropType.Standard, or a network that reads forward only");
  }

  @Test
  void whatDoesNotFitIsNamed() {
    MultiLayerNetwork network =
        network(new BidirectionalRecurrent(recurrent(Cell.LSTM).name("both").build()));
    var layer = network.getLayer(0);
    LayerWorkspaceMgr workspaces = LayerWorkspaceMgr.noWorkspaces();

    assertThatThrownBy(() -> network.output(Nd4j.rand(B, I + 1, T)))
        .hasMessage("Input of layer both has shape [4, 4, 6], expected (B, I, T) with I = 3");
    assertThatThrownBy(() -> layer.activate(Nd4j.rand(B, I), false, workspaces))
        .hasMessage("Input of layer both has shape [4, 3], expected (B, I, T) with I = 3");
    assertThatThrownBy(
            () -> layer.activate(Nd4j.create(DataType.FLOAT, B, I, 0), false, workspaces))
        .hasMessage(
            "Input of layer both has shape [4, 3, 0], needs at least 1 sequence and 1 time step, but has B=4, T=0");
    assertThatThrownBy(() -> network.output(Nd4j.rand(B, I, T), false, Nd4j.ones(B, T + 1), null))
        .hasMessage("Mask of layer both has shape [4, 7], expected (B, T) = (4, 6)");
    layer.clear();
    assertThatThrownBy(() -> layer.activate(false, workspaces))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("Layer both has no input: set it first");
    assertThatThrownBy(
            () ->
                new BidirectionalRecurrent(
                    recurrent(Cell.GRU).name("back").direction(Direction.BACKWARD).build()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "Layer back reads BACKWARD, but the layer in a BidirectionalRecurrent must read FORWARD: its copy reads backward");
  }

  private static BidirectionalRecurrent layer() {
    return new BidirectionalRecurrent(recurrent(Cell.LSTM).build());
  }

  private static Recurrent.Builder recurrent(Cell cell) {
    return new Recurrent.Builder(cell).nIn(I).nOut(H);
  }

  private static MultiLayerNetwork network(Layer layer) {
    return stack(layer);
  }

  private static RnnOutputLayer output(RNNFormat format) {
    return new RnnOutputLayer.Builder(LossFunctions.LossFunction.MSE)
        .nIn(2 * H)
        .nOut(2)
        .dataFormat(format)
        .activation(Activation.IDENTITY)
        .build();
  }
}
