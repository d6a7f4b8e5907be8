package io.sluice.recurrent.head;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.layer.Recurrent;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import org.deeplearning4j.gradientcheck.GradientCheckUtil;
import org.deeplearning4j.nn.conf.CacheMode;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.constraint.MaxNormConstraint;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.memory.LayerMemoryReport;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions;

/** The heads as DL4J's layers. */
class HeadLayersTest {
  private static final int B = 4;
  private static final int I = 3;
  private static final int T = 5;

  /** Units of both directions together. */
  private static final int H = 6;

  /** The heads, each with what it can have. */
  enum Kind {
    MEAN,
    MAX,
    CONCAT,
    ADDITIVE,
    SELF,
    RESIDUAL,
    NORMALIZATION;

    Layer layer() {
      return switch (this) {
        case MEAN -> new TimePooling.Builder(TimePooling.Kind.MEAN).name("head").build();
        case MAX -> new TimePooling.Builder(TimePooling.Kind.MAX).name("head").build();
        case CONCAT ->
            new TimePooling.Builder(TimePooling.Kind.CONCAT)
                .name("head")
                .bothDirections(true)
                .build();
        case ADDITIVE ->
            new AdditiveAttention.Builder().name("head").nIn(H).attentionSize(4).build();
        case SELF -> new MultiHeadSelfAttention.Builder(2).name("head").nIn(H).build();
        case RESIDUAL ->
            new MultiHeadSelfAttention.Builder(3).name("head").nIn(H).residual(true).build();
        case NORMALIZATION -> new LayerNormalization.Builder().name("head").nIn(H).build();
      };
    }

    boolean keepsTime() {
      return ordinal() >= SELF.ordinal();
    }
  }

  /** Masks of four sequences of five steps: left, right, inside, a row without any step. */
  private static final float[][] MASK = {
    {0, 0, 1, 1, 1},
    {1, 1, 1, 0, 0},
    {1, 0, 1, 0, 1},
    {0, 0, 0, 0, 0}
  };

  @BeforeEach
  void oneThread() {
    NativeThreads.set(1);
    Nd4j.getRandom().setSeed(5);
  }

  @AfterEach
  void float32() {
    Nd4j.setDefaultDataTypes(DataType.FLOAT, DataType.FLOAT);
  }

  @ParameterizedTest
  @EnumSource
  void comesBackFromJsonAndFromItsFile(Kind kind) throws Exception {
    MultiLayerNetwork network = network(kind.layer(), kind, DataType.FLOAT, new Adam(0.01));
    INDArray x = Nd4j.rand(B, I, T);
    network.fit(x, labels(kind, DataType.FLOAT));
    var bytes = new ByteArrayOutputStream();
    ModelSerializer.writeModel(network, bytes, true);

    MultiLayerNetwork again =
        ModelSerializer.restoreMultiLayerNetwork(
            new ByteArrayInputStream(bytes.toByteArray()), true);

    assertThat(MultiLayerConfiguration.fromJson(network.getLayerWiseConfigurations().toJson()))
        .isEqualTo(network.getLayerWiseConfigurations());
    assertThat(again.getLayer(1).conf().getLayer())
        .isEqualTo(network.getLayer(1).conf().getLayer());
    assertThat(again.getUpdater().getStateViewArray())
        .isEqualTo(network.getUpdater().getStateViewArray());
    assertThat(again.output(x)).isEqualTo(network.output(x));
  }

  @Test
  void whatALayerIsMadeOfDecidesWhetherItEqualsAnother() {
    for (Kind one : Kind.values()) {
      for (Kind other : Kind.values()) {
        assertThat(one.layer().equals(other.layer()))
            .as("%s, %s", one, other)
            .isEqualTo(one == other);
      }
      assertThat(one.layer()).hasSameHashCodeAs(one.layer());
    }
    assertThat(new AdditiveAttention.Builder().nIn(H).attentionSize(4).build())
        .isNotEqualTo(new AdditiveAttention.Builder().nIn(H).attentionSize(5).build());
    assertThat(new MultiHeadSelfAttention.Builder(2).nIn(H).build())
        .isNotEqualTo(new MultiHeadSelfAttention.Builder(3).nIn(H).build());
  }

  @ParameterizedTest
  @EnumSource
  void trainsInAComputationGraphAsInAListOfLayers(Kind kind) {
    var graph =
        new ComputationGraph(
            new NeuralNetConfiguration.Builder()
                .updater(new Sgd(0.1))
                .graphBuilder()
                .addInputs("x")
                .addLayer("below", below(), "x")
                .addLayer("head", kind.layer(), "below")
                .addLayer("out", output(kind), "head")
                .setOutputs("out")
                .setInputTypes(InputType.recurrent(I, T))
                .build());
    graph.init();
    MultiLayerNetwork list = network(kind.layer(), kind, DataType.FLOAT, new Sgd(0.1));
    list.setParams(graph.params().dup());
    INDArray x = Nd4j.rand(B, I, T);
    INDArray labels = labels(kind, DataType.FLOAT);

    graph.fit(new INDArray[] {x}, new INDArray[] {labels});
    list.fit(x, labels);

    // the same kernels; the sums of the graph's vertices may go in another order
    assertThat(graph.params().distance2(list.params())).isLessThan(1e-6);
  }

  @ParameterizedTest
  @EnumSource
  void aCloneComputesTheSameAndLeavesTheOriginalAlone(Kind kind) {
    MultiLayerNetwork network = network(kind.layer(), kind, DataType.FLOAT, new Sgd(0.1));
    INDArray x = Nd4j.rand(B, I, T);
    INDArray before = network.output(x).dup();

    MultiLayerNetwork clone = network.clone();
    INDArray copied = clone.output(x).dup();
    clone.fit(x, labels(kind, DataType.FLOAT));

    assertThat(copied).isEqualTo(before);
    assertThat(network.output(x)).isEqualTo(before);
    assertThat(clone.output(x)).isNotEqualTo(before);
  }

  @ParameterizedTest
  @CsvSource({
    "MEAN, true",
    "MAX, true",
    "CONCAT, false",
    "CONCAT, true",
    "ADDITIVE, false",
    "ADDITIVE, true",
    "SELF, false",
    "SELF, true",
    "RESIDUAL, false",
    "RESIDUAL, true",
    "NORMALIZATION, false",
    "NORMALIZATION, true"
  })
  void gradientsAreThoseOfDl4jsCheck(Kind kind, boolean masked) {
    Nd4j.setDefaultDataTypes(DataType.DOUBLE, DataType.DOUBLE);
    assertGradients(kind, kind.layer(), masked);
  }

  @ParameterizedTest
  @EnumSource(names = {"ADDITIVE", "RESIDUAL", "NORMALIZATION"})
  void gradientsWithDropoutAreThoseOfDl4jsCheck(Kind kind) {
    Nd4j.setDefaultDataTypes(DataType.DOUBLE, DataType.DOUBLE);
    Layer layer = kind.layer();
    layer.setIDropout(new Dropout(0.6));

    assertGradients(kind, layer, true);
  }

  private static void assertGradients(Kind kind, Layer layer, boolean masked) {
    MultiLayerNetwork network = network(layer, kind, DataType.DOUBLE, new NoOp());
    INDArray mask = masked ? Nd4j.createFromArray(MASK).castTo(DataType.DOUBLE) : null;

    boolean agrees =
        GradientCheckUtil.checkGradients(
            new GradientCheckUtil.MLNConfig()
                .net(network)
                .input(Nd4j.randn(DataType.DOUBLE, B, I, T))
                .labels(labels(kind, DataType.DOUBLE))
                .inputMask(mask)
                .labelMask(kind.keepsTime() ? mask : null)
                .epsilon(1e-6)
                // central differences of a float64 loss: (1e-6)² truncation, 1e-16/1e-6 rounding
                .maxRelError(1e-5)
                .minAbsoluteError(1e-9)
                .subset(true)
                .maxPerParam(12)
                .print(GradientCheckUtil.PrintMode.FAILURES_ONLY)
                // the same numbers are dropped in every evaluation
                .callEachIter(n -> Nd4j.getRandom().setSeed(99)));

    assertThat(agrees).as("%s, masked %s", kind, masked).isTrue();
  }

  @ParameterizedTest
  @EnumSource
  void aStepInFloatIsThatInDouble(Kind kind) {
    MultiLayerNetwork floats = network(kind.layer(), kind, DataType.FLOAT, new Sgd(0.5));
    MultiLayerNetwork doubles = network(kind.layer(), kind, DataType.DOUBLE, new Sgd(0.5));
    doubles.setParams(floats.params().castTo(DataType.DOUBLE));
    INDArray x = Nd4j.randn(DataType.FLOAT, B, I, T);
    INDArray mask = Nd4j.createFromArray(MASK);
    INDArray labels = labels(kind, DataType.FLOAT);
    INDArray labelMask = kind.keepsTime() ? mask : null;

    floats.fit(x, labels, mask, labelMask);
    doubles.fit(
        x.castTo(DataType.DOUBLE),
        labels.castTo(DataType.DOUBLE),
        mask.castTo(DataType.DOUBLE),
        labelMask == null ? null : mask.castTo(DataType.DOUBLE));

    // float32 sums of some tens of terms of the order of 1
    assertThat(floats.params().castTo(DataType.DOUBLE).sub(doubles.params()).amaxNumber())
        .satisfies(worst -> assertThat(worst.doubleValue()).isLessThan(2e-6));
  }

  @ParameterizedTest
  @EnumSource
  void howTheInputLiesInMemoryMakesNoDifference(Kind kind) {
    var list =
        new NeuralNetConfiguration.Builder()
            .updater(new Sgd(0.1))
            .list()
            .layer(kind.layer())
            .layer(output(kind))
            .setInputType(InputType.recurrent(H, T))
            .build();
    var network = new MultiLayerNetwork(list);
    network.init();
    INDArray first = network.params().dup();
    INDArray c = Nd4j.rand(B, H, T).dup('c');
    INDArray timeMajor = c.permute(2, 0, 1).dup('c').permute(1, 2, 0);
    INDArray part = Nd4j.concat(0, Nd4j.ones(2, H, T), c);
    INDArray labels = labels(kind, DataType.FLOAT);

    network.fit(c, labels);
    INDArray expected = network.params().dup();
    for (INDArray x :
        new INDArray[] {c.dup('f'), timeMajor, part.get(NDArrayIndex.interval(2, 2 + B))}) {
      network.setParams(first);
      network.fit(x, labels);
      assertThat(network.params()).isEqualTo(expected);
    }
  }

  /** Against the equations, in float64: h_T of a bidirectional layer is that of each direction. */
  @Test
  void concatenationIsLastStepMaximumAndMeanOfRealSteps() {
    Layer conf = Kind.CONCAT.layer();
    var layer = conf.instantiate(conf(conf), null, 0, null, false, DataType.DOUBLE);
    INDArray x = Nd4j.randn(DataType.DOUBLE, B, H, T);
    layer.setMaskArray(Nd4j.createFromArray(MASK));
    layer.setInput(x, LayerWorkspaceMgr.noWorkspaces());

    INDArray y = layer.activate(false, LayerWorkspaceMgr.noWorkspaces());

    assertThat(y.shape()).containsExactly(B, 3 * H);
    for (int b = 0; b < B; b++) {
      for (int j = 0; j < H; j++) {
        double sum = 0;
        double largest = Double.NEGATIVE_INFINITY;
        double first = Double.NaN;
        double last = 0;
        int count = 0;
        for (int t = 0; t < T; t++) {
          if (MASK[b][t] == 1) {
            last = x.getDouble(b, j, t);
            first = count++ == 0 ? last : first;
            sum += last;
            largest = Math.max(largest, last);
          }
        }
        double end = j < H / 2 ? last : first;
        assertThat(y.getDouble(b, j)).isEqualTo(count == 0 ? 0 : end);
        assertThat(y.getDouble(b, H + j)).isEqualTo(count == 0 ? 0 : largest);
        assertThat(y.getDouble(b, 2 * H + j))
            .isCloseTo(count == 0 ? 0 : sum / count, within(1e-15));
      }
    }
  }

  @Test
  void noiseRegularisationAndConstraintsAreDl4jsAndSpareGainsAndBiases() {
    Layer layer =
        new MultiHeadSelfAttention.Builder(2)
            .nIn(H)
            .weightNoise(new DropConnect(0.5))
            .l2(0.5)
            .constrainWeights(new MaxNormConstraint(0.1, 0))
            .build();
    MultiLayerNetwork network = network(layer, Kind.SELF, DataType.FLOAT, new Sgd(0.1));
    INDArray x = Nd4j.rand(B, I, T);
    double squares = 0;
    for (String key : new String[] {"Wq", "Wk", "Wv", "Wo"}) {
      squares += Math.pow(network.getLayer(1).getParam(key).norm2Number().doubleValue(), 2);
    }
    network.getLayer(1).getParam("bv").assign(3);

    double regularisation = network.getLayer(1).calcRegularizationScore(true);
    INDArray quiet = network.output(x).dup();
    INDArray noisy = network.output(x, true).dup();
    network.fit(x, labels(Kind.SELF, DataType.FLOAT));

    assertThat(regularisation).isCloseTo(0.5 * 0.5 * squares, within(1e-4));
    assertThat(noisy.distance2(quiet)).isGreaterThan(1e-3);
    INDArray columns = network.getLayer(1).getParam("Wk").norm2(0);
    assertThat(columns.maxNumber().doubleValue()).isLessThanOrEqualTo(0.1 + 1e-6);
    assertThat(network.getLayer(1).getParam("bv").norm2Number().doubleValue()).isGreaterThan(1);

    Layer gains = new LayerNormalization.Builder().nIn(H).l2(0.5).build();
    MultiLayerNetwork normal = network(gains, Kind.NORMALIZATION, DataType.FLOAT, new Sgd(0.1));
    assertThat(normal.getLayer(1).getParam("gain")).isEqualTo(Nd4j.ones(H));
    assertThat(normal.getLayer(1).getParam("bias")).isEqualTo(Nd4j.zeros(H));
    assertThat(normal.getLayer(1).calcRegularizationScore(true)).isZero();
  }

  @ParameterizedTest
  @EnumSource(
      value = DataType.class,
      names = {"FLOAT", "DOUBLE"})
  void attentionWeightsOfARowSumToOneAndAreZeroAtMaskedSteps(DataType type) {
    MultiLayerNetwork network = network(Kind.ADDITIVE.layer(), Kind.ADDITIVE, type, new Sgd(0.1));
    INDArray mask = Nd4j.createFromArray(MASK);

    network.output(Nd4j.randn(type, B, I, T), false, mask, null);
    INDArray weights = AdditiveAttention.weights(network.getLayer(1));

    assertThat(weights.shape()).containsExactly(B, T);
    for (int b = 0; b < B; b++) {
      double sum = 0;
      for (int t = 0; t < T; t++) {
        double weight = weights.getDouble(b, t);
        assertThat(weight > 0).as("weight of %d, %d", b, t).isEqualTo(MASK[b][t] == 1);
        sum += weight;
      }
      // roundings of at most T weights that sum to 1
      assertThat(sum).isCloseTo(b == 3 ? 0 : 1, within(type == DataType.FLOAT ? 1e-6 : 1e-12));
    }
  }

  @Test
  void weightsOfAnotherLayerAreRefused() {
    MultiLayerNetwork network = network(Kind.SELF.layer(), Kind.SELF, DataType.FLOAT, new Sgd(0.1));

    assertThatThrownBy(() -> AdditiveAttention.weights(network.getLayer(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "Layer MultiHeadSelfAttention(6, 2 heads) has no attention weights: it is not an AdditiveAttention");
  }

  @ParameterizedTest
  @EnumSource
  void inputsAndMasksThatDoNotFitAreRefused(Kind kind) {
    var layer =
        kind.layer()
            .instantiate(conf(kind.layer()), null, 0, Nd4j.zeros(1, 500), false, DataType.FLOAT);
    var workspaces = LayerWorkspaceMgr.noWorkspaces();
    String expected =
        kind.ordinal() < Kind.ADDITIVE.ordinal() ? "(B, H, T)" : "(B, H, T) with H = 6";

    assertThatThrownBy(() -> layer.activate(Nd4j.zeros(B, H), false, workspaces))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Input of layer head has shape [4, 6], expected " + expected);
    if (kind.ordinal() >= Kind.ADDITIVE.ordinal()) {
      assertThatThrownBy(() -> layer.activate(Nd4j.zeros(B, 7, T), false, workspaces))
          .hasMessage("Input of layer head has shape [4, 7, 5], expected (B, H, T) with H = 6");
    }
    layer.setMaskArray(Nd4j.ones(B, T + 1));
    assertThatThrownBy(() -> layer.activate(Nd4j.zeros(B, H, T), false, workspaces))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Mask of layer head has shape [4, 6], expected (B, T) = (4, 5)");
  }

  private static NeuralNetConfiguration conf(Layer layer) {
    return new NeuralNetConfiguration.Builder().updater(new Sgd(0.1)).layer(layer).build();
  }

  @Test
  void layersThatCannotBeAreRefusedWhenTheyAreBuilt() {
    assertThatThrownBy(() -> new LayerNormalization.Builder().name("norm").nIn(6).nOut(5).build())
        .hasMessage(
            "Layer norm has as many outputs as inputs, but nIn is 6 and nOut is 5; leave nOut out");
    assertThatThrownBy(() -> new MultiHeadSelfAttention.Builder(0))
        .hasMessage("heads is 0, must be at least 1");
    assertThatThrownBy(() -> new AdditiveAttention.Builder().attentionSize(0))
        .hasMessage("attentionSize is 0, must be at least 1");
    assertThatThrownBy(
            () ->
                network(
                    new MultiHeadSelfAttention.Builder(4).name("self").nIn(H).build(),
                    Kind.SELF,
                    DataType.FLOAT,
                    new Sgd(0.1)))
        .hasMessage("heads is 4, must divide the 6 inputs of layer self");
  }

  @ParameterizedTest
  @EnumSource
  void aLayerWithoutTimeBelowIsRefused(Kind kind) {
    var list =
        new NeuralNetConfiguration.Builder()
            .list()
            .layer(new DenseLayer.Builder().nOut(H).build())
            .layer(kind.layer())
            .layer(output(kind));

    assertThatThrownBy(() -> list.setInputType(InputType.feedForward(I)).build())
        .hasStackTraceContaining(
            "Layer head takes the outputs (B, H, T) of a recurrent layer, but its input is InputTypeFeedForward");
  }

  @ParameterizedTest
  @CsvSource({
    // parameters, and numbers kept of a sequence and twice as many while training
    "ADDITIVE, 33, 25",
    "SELF, 168, 120",
    "NORMALIZATION, 12, 10"
  })
  void memoryReportCountsParametersAndWhatIsKept(Kind kind, long parameters, long kept) {
    MultiLayerNetwork network = network(kind.layer(), kind, DataType.FLOAT, new Sgd(0.1));

    LayerMemoryReport report =
        network.getLayer(1).conf().getLayer().getMemoryReport(InputType.recurrent(H, T));

    assertThat(report.getParameterSize()).isEqualTo(parameters);
    assertThat(report.getWorkingMemoryVariableInference()).isEqualTo(kept);
    assertThat(report.getWorkingMemoryVariableTrain()).containsEntry(CacheMode.NONE, 2 * kept);
  }

  private static Bidirectional below() {
    return new Bidirectional(new Recurrent.Builder(Cell.GRU).nIn(I).nOut(H / 2).build());
  }

  private static MultiLayerNetwork network(
      Layer layer, Kind kind, DataType type, IUpdater updater) {
    var network =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .seed(7)
                .dataType(type)
                .updater(updater)
                .list()
                .layer(below())
                .layer(layer)
                .layer(output(kind))
                .setInputType(InputType.recurrent(I, T))
                .build());
    network.init();
    return network;
  }

  private static Layer output(Kind kind) {
    return kind.keepsTime()
        ? new RnnOutputLayer.Builder(LossFunctions.LossFunction.MSE)
            .nIn(H)
            .nOut(2)
            .activation(Activation.IDENTITY)
            .build()
        : new OutputLayer.Builder(LossFunctions.LossFunction.MSE)
            .nIn(H)
            .nOut(2)
            .activation(Activation.IDENTITY)
            .build();
  }

  private static INDArray labels(Kind kind, DataType type) {
    return kind.keepsTime() ? Nd4j.rand(type, B, 2, T) : Nd4j.rand(type, B, 2);
  }
}
