package io.sluice.recurrent.head;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.layer.LastStep;
import io.sluice.recurrent.layer.Recurrent;
import io.sluice.recurrent.optim.Batch;
import io.sluice.recurrent.optim.GlobalNormClipping;
import io.sluice.recurrent.optim.Replicas;
import io.sluice.recurrent.optim.TrainingStep;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.stream.Stream;
import org.deeplearning4j.gradientcheck.GradientCheckUtil;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;

/** The layer against DL4J's own output layers, and as a citizen of DL4J's networks. */
class VocabularyOutputTest {
  private static final int B = 4;
  private static final int I = 3;
  private static final int H = 5;
  private static final int T = 6;
  private static final int V = 7;
  private static final double[] WEIGHTS = {1, 2, 0.5, 0, 1, 3, 1};

  /** How labels are given. */
  enum Labels {
    IDS_IN_A_ROW,
    IDS,
    INTEGERS,
    ONE_HOT
  }

  @BeforeEach
  void seed() {
    NativeThreads.set(1);
    Nd4j.getRandom().setSeed(3);
  }

  @AfterEach
  void float32() {
    Nd4j.setDefaultDataTypes(DataType.FLOAT, DataType.FLOAT);
  }

  static Stream<Arguments> variants() {
    return Stream.of(Labels.values())
        .flatMap(
            labels ->
                Stream.of(
                    Arguments.of(labels, DataType.DOUBLE, false, true),
                    Arguments.of(labels, DataType.FLOAT, false, false),
                    Arguments.of(labels, DataType.FLOAT, true, true)));
  }

  @ParameterizedTest(name = "{0}, {1}, class weights {2}, masked {3}")
  @MethodSource("variants")
  void atEveryStepItIsDl4jsOutputLayer(
      Labels kind, DataType type, boolean weighted, boolean masked) {
    MultiLayerNetwork stock = network(rnnOutput(weighted), type, new Sgd(0.5));
    MultiLayerNetwork own = network(vocabulary(weighted), type, new Sgd(0.5));
    own.setParams(stock.params().dup());
    INDArray x = Nd4j.randn(type, B, I, T);
    INDArray ids = ids();
    INDArray mask = masked ? mask() : null;
    var oneHot = new DataSet(x, oneHot(ids), null, mask);
    var batch = new DataSet(x, labels(kind, ids), null, mask);
    // float32: sums in another order; float64: DL4J's own arithmetic
    double tolerance = type == DataType.FLOAT ? 2e-6 : 1e-12;

    assertThat(worst(own.output(x, false, null, mask), stock.output(x, false, null, mask)))
        .isLessThan(tolerance);
    assertThat(own.score(batch)).isCloseTo(stock.score(oneHot), within(10 * tolerance));
    assertThat(worst(own.scoreExamples(batch, true), stock.scoreExamples(oneHot, true)))
        .isLessThan(10 * tolerance);
    for (int step = 0; step < 3; step++) {
      stock.fit(oneHot);
      own.fit(batch);

      assertThat(own.score()).isCloseTo(stock.score(), within(10 * tolerance));
      assertThat(worst(own.params(), stock.params())).isLessThan(10 * tolerance);
    }
  }

  @ParameterizedTest
  @EnumSource
  void onceASequenceItIsDl4jsOutputLayer(Labels kind) {
    MultiLayerNetwork stock = lastStep(output(true), DataType.FLOAT, new Sgd(0.5));
    MultiLayerNetwork own = lastStep(vocabulary(true), DataType.FLOAT, new Sgd(0.5));
    own.setParams(stock.params().dup());
    INDArray x = Nd4j.randn(DataType.FLOAT, B, I, T);
    INDArray ids = Nd4j.createFromArray(6f, 0f, 2f, 2f).reshape(B, 1, 1);
    INDArray mask = Nd4j.createFromArray(1f, 1f, 0f, 1f).reshape(B, 1);
    var oneHot = new DataSet(x, oneHot(ids).reshape(B, V), null, mask);
    INDArray labels =
        switch (kind) {
          case IDS_IN_A_ROW -> ids.reshape(B, 1);
          case IDS -> ids.reshape(B);
          case INTEGERS -> ids.reshape(B, 1).castTo(DataType.INT32);
          case ONE_HOT -> oneHot.getLabels();
        };
    var batch = new DataSet(x, labels, null, mask);

    assertThat(worst(own.output(x), stock.output(x))).isLessThan(2e-6);
    assertThat(own.score(batch)).isCloseTo(stock.score(oneHot), within(1e-5));
    stock.fit(oneHot);
    own.fit(batch);

    assertThat(worst(own.params(), stock.params())).isLessThan(1e-5);
    assertThat(own.predict(x)).isEqualTo(stock.predict(x));
  }

  @ParameterizedTest
  @CsvSource({
    "true, false, false, 0",
    "true, true, true, 0",
    "false, true, true, 0",
    "true, false, true, 0.4"
  })
  void backwardMatchesCentralDifferences(
      boolean series, boolean weighted, boolean bias, double dropped) {
    Nd4j.setDefaultDataTypes(DataType.DOUBLE, DataType.DOUBLE);
    VocabularyOutput.Builder builder = builder(weighted).hasBias(bias).lossScale(0.25);
    if (dropped > 0) {
      builder.dropOut(new Dropout(1 - dropped));
    }
    MultiLayerNetwork network =
        series
            ? network(builder.build(), DataType.DOUBLE, new NoOp())
            : lastStep(builder.build(), DataType.DOUBLE, new NoOp());
    INDArray ids = ids();

    boolean agrees =
        GradientCheckUtil.checkGradients(
            new GradientCheckUtil.MLNConfig()
                .net(network)
                .input(Nd4j.randn(DataType.DOUBLE, B, I, T))
                .labels(series ? ids : ids.tensorAlongDimension(0, 0).reshape(B, 1))
                .labelMask(series ? mask() : Nd4j.createFromArray(1., 0., 1., 1.).reshape(B, 1))
                .epsilon(1e-6)
                // central differences of a float64 loss: (1e-6)² truncation, 1e-16/1e-6 rounding
                .maxRelError(1e-5)
                .minAbsoluteError(1e-9)
                .subset(true)
                .maxPerParam(20)
                .print(GradientCheckUtil.PrintMode.FAILURES_ONLY)
                // the same units are dropped in every evaluation
                .callEachIter(n -> Nd4j.getRandom().setSeed(99)));

    assertThat(agrees).isTrue();
  }

  @Test
  void truncatedBackpropagationIsDl4jsToo() {
    MultiLayerNetwork stock = truncated(rnnOutput(false));
    MultiLayerNetwork own = truncated(vocabulary(false));
    own.setParams(stock.params().dup());
    int steps = 9; // chunks of 4, 4 and 1
    INDArray x = Nd4j.randn(DataType.FLOAT, B, I, steps);
    INDArray ids = Nd4j.math().floor(Nd4j.rand(B, 1, steps).mul(V));
    INDArray mask = Nd4j.rand(B, steps).gt(0.3).castTo(DataType.FLOAT);

    stock.fit(new DataSet(x, oneHot(ids), null, mask));
    own.fit(new DataSet(x, ids, null, mask));

    assertThat(own.getIterationCount()).isEqualTo(3);
    assertThat(worst(own.params(), stock.params())).isLessThan(2e-6);
  }

  private static MultiLayerNetwork truncated(BaseOutputLayer head) {
    return initialised(
        configuration(DataType.FLOAT, new Sgd(0.5))
            .list()
            .layer(new Recurrent.Builder(Cell.LSTM).nIn(I).nOut(H).build())
            .layer(head)
            .backpropType(BackpropType.TruncatedBPTT)
            .tBPTTLength(4)
            .build());
  }

  @Test
  void graphsTrainAsLists() {
    var graph =
        new ComputationGraph(
            configuration(DataType.FLOAT, new Sgd(0.5))
                .graphBuilder()
                .addInputs("x")
                .setInputTypes(InputType.recurrent(I, T))
                .addLayer("cell", new Recurrent.Builder(Cell.LSTM).nOut(H).build(), "x")
                .addLayer("head", new VocabularyOutput.Builder().nOut(V).build(), "cell")
                .setOutputs("head")
                .build());
    graph.init();
    MultiLayerNetwork list = network(vocabulary(false), DataType.FLOAT, new Sgd(0.5));
    list.setParams(graph.params().dup());
    var batch = new DataSet(Nd4j.randn(B, I, T), ids(), null, mask());

    graph.fit(batch);
    list.fit(batch);

    assertThat(graph.score()).isEqualTo(list.score());
    assertThat(worst(graph.params(), list.params())).isLessThan(1e-7);
    assertThat(graph.score(batch)).isEqualTo(list.score(batch));
    assertThat(VocabularyOutput.negativeLogLikelihoods(graph.getLayer("head")))
        .isEqualTo(VocabularyOutput.negativeLogLikelihoods(list.getLayer(1)));
  }

  @ParameterizedTest
  @CsvSource({"1, 2", "2, 1", "2, 3", "3, 5"})
  void aBatchInPiecesIsTheWholeBatch(int replicas, int microBatches) {
    MultiLayerNetwork whole = clipped();
    MultiLayerNetwork cut = clipped();
    var wholeStep = new TrainingStep(whole);
    try (var threads = new Replicas(cut, replicas)) {
      var step = new TrainingStep(threads, microBatches);
      for (int k = 0; k < 3; k++) {
        INDArray x = Nd4j.randn(B, I, T);

        double expected = wholeStep.run(new Batch(x, ids(), mask()));
        double loss = step.run(new Batch(x, ids(), mask()));

        // float32 sums in another order over 3 updates
        assertThat(loss).isCloseTo(expected, within(2e-6 * expected));
      }
    }

    assertThat(worst(cut.params(), whole.params())).isLessThan(2e-6);
    assertThat(GlobalNormClipping.lastNorm(cut).getAsDouble()).isGreaterThan(0.5);
  }

  private static MultiLayerNetwork clipped() {
    return network(vocabulary(false), DataType.FLOAT, new GlobalNormClipping(new Sgd(0.5), 0.5));
  }

  @Test
  void survivesJsonFilesAndCloning() throws IOException {
    VocabularyOutput layer = builder(true).hasBias(false).lossScale(0.125).l2(0.01).build();
    MultiLayerNetwork network = network(layer, DataType.FLOAT, new Sgd(0.5));
    var batch = new DataSet(Nd4j.randn(B, I, T), ids(), null, mask());
    network.fit(batch);
    var file = new ByteArrayOutputStream();
    ModelSerializer.writeModel(network, file, true);

    MultiLayerNetwork restored =
        ModelSerializer.restoreMultiLayerNetwork(new ByteArrayInputStream(file.toByteArray()));
    var json =
        (VocabularyOutput)
            MultiLayerConfiguration.fromJson(network.getLayerWiseConfigurations().toJson())
                .getConf(1)
                .getLayer();

    assertThat(json).isEqualTo(network.getLayer(1).conf().getLayer());
    assertThat(json.getLossScale()).isEqualTo(0.125);
    assertThat(json.hasBias()).isFalse();
    assertThat(((LossMCXENT) json.getLossFn()).getWeights().toDoubleVector()).isEqualTo(WEIGHTS);
    assertThat(json).isNotEqualTo(builder(true).hasBias(false).l2(0.01).build());
    for (MultiLayerNetwork copy : new MultiLayerNetwork[] {restored, network.clone()}) {
      assertThat(copy.params()).isEqualTo(network.params());
      assertThat(copy.score(batch)).isEqualTo(network.score(batch));
    }
    network.fit(batch);
    restored.fit(batch);
    assertThat(restored.params()).isEqualTo(network.params());
  }

  @Test
  void aMeanOverTimeIsOverTheStepsOfTheBatch() {
    MultiLayerNetwork mean =
        network(builder(true).meanOverTime(true).build(), DataType.FLOAT, new Sgd(0.5));
    MultiLayerNetwork scaled =
        network(builder(true).lossScale(1.0 / T).build(), DataType.FLOAT, new Sgd(0.5));
    scaled.setParams(mean.params());
    INDArray x = Nd4j.randn(B, I, T);
    var batch = new DataSet(x, ids(), null, mask());
    INDArray half = ids().get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.interval(0, 1));
    INDArray first = x.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.interval(0, 1));

    assertThat(mean.score(batch)).isEqualTo(scaled.score(batch));
    assertThat(mean.score(new DataSet(first, half)))
        .isCloseTo(T * scaled.score(new DataSet(first, half)), within(1e-6));
    mean.fit(batch);
    scaled.fit(batch);
    assertThat(mean.params()).isEqualTo(scaled.params());
    assertThat(mean.getLayer(1).conf().getLayer())
        .isNotEqualTo(builder(true).build())
        .isEqualTo(
            MultiLayerConfiguration.fromJson(mean.getLayerWiseConfigurations().toJson())
                .getConf(1)
                .getLayer());
  }

  @Test
  void likelihoodsAreThoseOfTheOutputWithoutWeightsAndScale() {
    MultiLayerNetwork network =
        network(builder(true).lossScale(0.5).build(), DataType.FLOAT, new Sgd(0.5));
    INDArray x = Nd4j.randn(B, I, T);
    INDArray ids = ids();
    INDArray mask = mask();
    INDArray p = network.output(x);

    assertThatThrownBy(() -> VocabularyOutput.negativeLogLikelihoods(network.getLayer(1)))
        .hasMessage("Layer head has had no labels yet: train on a batch or score one first");
    network.scoreExamples(new DataSet(x, ids, null, mask), false);
    INDArray nll = VocabularyOutput.negativeLogLikelihoods(network.getLayer(1));

    assertThat(nll.shape()).containsExactly(B, T);
    for (int b = 0; b < B; b++) {
      for (int t = 0; t < T; t++) {
        double expected = -Math.log(p.getDouble(b, ids.getInt(b, 0, t), t));
        assertThat(nll.getDouble(b, t))
            .isCloseTo(mask.getInt(b, t) == 0 ? 0 : expected, within(1e-6));
      }
    }
    assertThatThrownBy(() -> VocabularyOutput.negativeLogLikelihoods(network.getLayer(0)))
        .hasMessageEndingWith("has no likelihoods: it is not a VocabularyOutput");
  }

  @Test
  void allMaskedBatchGivesNoLossAndNoGradientWhateverItsLabels() {
    MultiLayerNetwork network = network(vocabulary(false), DataType.FLOAT, new Sgd(0.5));
    INDArray before = network.params().dup();

    network.fit(
        new DataSet(
            Nd4j.randn(B, I, T),
            Nd4j.valueArrayOf(new long[] {B, 1, T}, Float.NaN),
            null,
            Nd4j.zeros(B, T)));

    assertThat(network.score()).isZero();
    assertThat(network.params()).isEqualTo(before);
  }

  @Test
  void oneStepAtATimeGivesTheOutputOfTheWholeSeries() {
    MultiLayerNetwork network = network(vocabulary(false), DataType.FLOAT, new Sgd(0.5));
    INDArray x = Nd4j.randn(B, I, T);
    INDArray whole = network.output(x);

    for (int t = 0; t < T; t++) {
      INDArray step = network.rnnTimeStep(x.tensorAlongDimension(t, 0, 1).dup('c'));

      assertThat(worst(step, whole.tensorAlongDimension(t, 0, 1))).isLessThan(1e-6);
    }
  }

  @Test
  void lossOfAStepIsThatOfItsGradientUnderDroppedConnections() {
    MultiLayerNetwork network =
        network(
            builder(false).weightNoise(new DropConnect(0.5)).build(),
            DataType.FLOAT,
            new Sgd(0.01));
    var batch = new DataSet(Nd4j.randn(B, I, T), ids());
    double quiet = network.score(batch);

    network.fit(batch);
    INDArray nll = VocabularyOutput.negativeLogLikelihoods(network.getLayer(1));

    assertThat(network.score()).isNotCloseTo(quiet, within(1e-3));
    assertThat(network.score()).isCloseTo(nll.sumNumber().doubleValue() / B, within(1e-5));
  }

  @Test
  void wrongShapesAndLabelsAreNamed() {
    MultiLayerNetwork network = network(vocabulary(false), DataType.FLOAT, new Sgd(0.5));
    MultiLayerNetwork last = lastStep(vocabulary(false), DataType.FLOAT, new Sgd(0.5));
    INDArray x = Nd4j.randn(B, I, T);

    assertThatThrownBy(() -> network.score(new DataSet(x, Nd4j.zeros(B, 1, T + 1))))
        .hasMessage(
            "Labels of layer head have shape [4, 1, 7], expected class ids (B, 1, T) = (4, 1, 6) or (B, T) = (4, 6), or one-hot (B, V, T) = (4, 7, 6)");
    assertThatThrownBy(() -> last.score(new DataSet(x, Nd4j.zeros(B, 2))))
        .hasMessage(
            "Labels of layer head have shape [4, 2], expected class ids (B, 1) = (4, 1), or one-hot (B, V) = (4, 7)");
    assertThatThrownBy(() -> network.score(new DataSet(x, ids().putScalar(1, 0, 4, V))))
        .hasMessage(
            "Label of layer head at sequence 1, time step 4 is 7, must be a whole number from 0 to 6; mask it if it is unknown");
    assertThatThrownBy(() -> network.score(new DataSet(x, ids().putScalar(1, 0, 4, 0.5))))
        .hasMessageContaining("is 0.5, must be a whole number");
    assertThatThrownBy(() -> network.score(new DataSet(x, ids().putScalar(1, 0, 4, Float.NaN))))
        .hasMessageContaining("is NaN, must be a whole number");
    assertThatThrownBy(() -> last.score(new DataSet(x, Nd4j.valueArrayOf(B, 1, -1.0))))
        .hasMessage(
            "Label of layer head at example 0 is -1, must be a whole number from 0 to 6; mask it if it is unknown");
    assertThatThrownBy(() -> network.score(new DataSet(x, oneHot(ids()).putScalar(2, 0, 3, 0.5))))
        .hasMessageStartingWith(
            "Labels of layer head at sequence 2, time step 3 are not one-hot: their largest is 1 and their norm 1.11");
    assertThatThrownBy(() -> network.score(new DataSet(x, ids(), null, Nd4j.ones(B, T - 1))))
        .hasMessage("Mask of layer head has shape [4, 5], expected (B, T) = (4, 6)");
    assertThatThrownBy(() -> last.score(new DataSet(x, Nd4j.zeros(B, 1), null, Nd4j.ones(B, T))))
        .hasMessage("Mask of layer head has shape [4, 6], expected (B, 1) = (4, 1)");
    network.clearLayerMaskArrays();
    assertThatThrownBy(
            () ->
                network
                    .getLayer(1)
                    .activate(Nd4j.zeros(B, 2, T), false, LayerWorkspaceMgr.noWorkspaces()))
        .hasMessage(
            "Input of layer head has shape [4, 2, 6], expected (B, H, T) or (B, H) with H = 5");
  }

  @Test
  void impossibleSettingsAreRefused() {
    assertThatThrownBy(
            () ->
                new VocabularyOutput.Builder()
                    .name("head")
                    .lossFunction(LossFunction.MSE)
                    .nOut(V)
                    .build())
        .hasMessage(
            "Layer head computes LossMCXENT over ActivationSoftmax, but is given LossMSE over ActivationSoftmax");
    assertThatThrownBy(() -> new VocabularyOutput.Builder().lossScale(0))
        .hasMessage("lossScale is 0.0, must be above 0 and finite");
    assertThatThrownBy(() -> new VocabularyOutput.Builder().classWeights(1, -1))
        .hasMessage("classWeights are [1.0, -1.0], must be at least 0 and finite");
    VocabularyOutput layer =
        new VocabularyOutput.Builder().name("head").nIn(H).nOut(V).classWeights(1, 2).build();
    assertThatThrownBy(() -> network(layer, DataType.FLOAT, new Sgd(1)))
        .hasMessage("Layer head has 2 class weights, expected one a class (7)");
    assertThatThrownBy(
            () ->
                configuration(DataType.FLOAT, new Sgd(1))
                    .list()
                    .layer(new VocabularyOutput.Builder().name("head").nOut(V).build())
                    .setInputType(InputType.convolutional(2, 2, 1))
                    .build())
        .hasMessage(
            "Layer head takes the outputs (B, H, T) of a recurrent layer, but its input is InputTypeConvolutional(h=2,w=2,c=1,NCHW)");
  }

  /** (B, 1, T). */
  private static INDArray ids() {
    INDArray ids = Nd4j.create(DataType.FLOAT, B, 1, T);
    for (int b = 0; b < B; b++) {
      for (int t = 0; t < T; t++) {
        ids.putScalar(b, 0, t, (5 * b + 3 * t + b * t) % V);
      }
    }
    return ids;
  }

  private static INDArray labels(Labels kind, INDArray ids) {
    return switch (kind) {
      case IDS_IN_A_ROW -> ids;
      case IDS -> ids.reshape(B, T).dup('f');
      case INTEGERS -> ids.castTo(DataType.INT64);
      case ONE_HOT -> oneHot(ids).permute(2, 0, 1).dup('c').permute(1, 2, 0);
    };
  }

  /** (B, V, T) of (B, 1, T). */
  private static INDArray oneHot(INDArray ids) {
    INDArray labels = Nd4j.create(DataType.FLOAT, ids.size(0), V, ids.size(2));
    for (int b = 0; b < ids.size(0); b++) {
      for (int t = 0; t < ids.size(2); t++) {
        labels.putScalar(b, ids.getInt(b, 0, t), t, 1);
      }
    }
    return labels;
  }

  /** One row from the left, one from the right, one inside, one all but gone. */
  private static INDArray mask() {
    return Nd4j.createFromArray(
        new float[][] {
          {0, 0, 1, 1, 1, 1}, {1, 1, 1, 1, 0, 0}, {1, 0, 1, 1, 0, 1}, {0, 0, 0, 1, 0, 0}
        });
  }

  private static VocabularyOutput.Builder builder(boolean weighted) {
    var builder = new VocabularyOutput.Builder().name("head").nIn(H).nOut(V);
    return weighted ? builder.classWeights(WEIGHTS) : builder;
  }

  private static VocabularyOutput vocabulary(boolean weighted) {
    return builder(weighted).build();
  }

  private static LossMCXENT crossEntropy(boolean weighted) {
    return weighted
        ? new LossMCXENT(Nd4j.createFromArray(WEIGHTS).castTo(DataType.FLOAT).reshape(1, V))
        : new LossMCXENT();
  }

  private static BaseOutputLayer rnnOutput(boolean weighted) {
    return new RnnOutputLayer.Builder(crossEntropy(weighted))
        .nIn(H)
        .nOut(V)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static BaseOutputLayer output(boolean weighted) {
    return new OutputLayer.Builder(crossEntropy(weighted))
        .nIn(H)
        .nOut(V)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static NeuralNetConfiguration.Builder configuration(DataType type, IUpdater updater) {
    return new NeuralNetConfiguration.Builder().seed(5).dataType(type).updater(updater);
  }

  private static MultiLayerNetwork network(BaseOutputLayer head, DataType type, IUpdater updater) {
    return initialised(
        configuration(type, updater)
            .list()
            .layer(new Recurrent.Builder(Cell.LSTM).nIn(I).nOut(H).build())
            .layer(head)
            .build());
  }

  private static MultiLayerNetwork lastStep(BaseOutputLayer head, DataType type, IUpdater updater) {
    return initialised(
        configuration(type, updater)
            .list()
            .layer(new Recurrent.Builder(Cell.LSTM).nOut(H).build())
            .layer(new LastStep(false))
            .layer(head)
            .setInputType(InputType.recurrent(I, T))
            .build());
  }

  private static MultiLayerNetwork initialised(MultiLayerConfiguration configuration) {
    var network = new MultiLayerNetwork(configuration);
    network.init();
    return network;
  }

  private static double worst(INDArray actual, INDArray expected) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    return actual.sub(expected).amaxNumber().doubleValue();
  }
}
