package io.sluice.recurrent.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.dropout.ExampleDropout;
import io.sluice.recurrent.head.AdaptiveSoftmax;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.layer.BidirectionalRecurrent;
import io.sluice.recurrent.layer.LastStep;
import io.sluice.recurrent.layer.Recurrent;
import io.sluice.recurrent.layer.StockLayers;
import io.sluice.recurrent.model.ModelSpec.Output;
import io.sluice.recurrent.optim.Batch;
import io.sluice.recurrent.optim.BatchGradient;
import io.sluice.recurrent.optim.GlobalNormClipping;
import io.sluice.recurrent.optim.TrainingStep;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
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
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;
import org.nd4j.linalg.schedule.FixedSchedule;

class NetworksTest {
  private static final OptimizerSpec ADAM = OptimizerSpec.constantAdam(0.01);

  @BeforeAll
  static void oneThread() {
    NativeThreads.set(1);
  }

  @Test
  void oneLstmLayerHasFourTimesIhPlusHhPlusHParameters() {
    ModelSpec spec = spec(Cell.LSTM, false, 0, Output.LAST, List.of(11), Head.regression(2));

    long parameters = Networks.create(spec, ADAM, 1).numParams();

    assertThat(parameters).isEqualTo(4 * (7 * 11 + 11 * 11 + 11) + (11 * 2 + 2));
  }

  @ParameterizedTest
  @CsvSource({
    "LSTM, false, LAST",
    "LSTM, true, LAST",
    "LSTM, true, SEQUENCE",
    "PEEPHOLE_LSTM, false, SEQUENCE",
    "PEEPHOLE_LSTM, true, LAST",
    "GRU, false, LAST",
    "GRU, true, SEQUENCE",
    "RNN, false, LAST",
    "RNN, true, SEQUENCE"
  })
  void summaryCountsWhatTheNetworkHas(Cell cell, boolean bidirectional, Output output) {
    var spec =
        new ModelSpec(
            7,
            6,
            cell,
            List.of(5, 4, 3),
            bidirectional,
            0.1,
            output,
            List.of(9, 8),
            1,
            Precision.F32,
            Head.quantiles(3, List.of(0.2, 0.8)));

    MultiLayerNetwork network = Networks.create(spec, ADAM, 1);

    assertThat(ModelSummary.of(spec).parameters()).isEqualTo(network.numParams());
    long[] shape = network.output(Nd4j.zeros(2, 7, 6)).shape();
    assertThat(shape)
        .containsExactly(output == Output.LAST ? new long[] {2, 6} : new long[] {2, 6, 6});
  }

  @Test
  void adaptiveSoftmaxIsPartOfTheOneBlockAndOfTheSummary() {
    Head head = Head.classes(50, List.of()).with(new AdaptiveSoftmax(List.of(10, 30), 2));
    ModelSpec spec =
        new ModelSpec(
                1,
                6,
                Cell.LSTM,
                List.of(5, 4),
                false,
                0.1,
                Output.SEQUENCE,
                List.of(),
                1,
                Precision.F32,
                head)
            .with(WordEmbedding.of(50, 3));
    MultiLayerNetwork network = Networks.create(spec, ADAM, 1);
    List<ModelSummary.LayerSummary> layers = ModelSummary.of(spec).layers();

    assertThat(ModelSummary.of(spec).parameters()).isEqualTo(network.numParams());
    GlobalNormClipping.requireOneBlock(network);
    assertThat(network.output(Nd4j.ones(2, 1, 6)).shape()).containsExactly(2, 50, 6);
    assertThat(layers.get(3).name()).isEqualTo("head: classes, adaptive from [10, 30]");
    // 4 inputs: 12 of the head, then 2 with 20 words and 1 with 20, as often as Zipf's law says
    assertThat(layers.get(3).forwardFlops())
        .isEqualTo(
            Math.round(
                6
                    * 2
                    * (4 * 12
                        + Math.log(3) / Math.log(50) * 2 * (4 + 20)
                        + Math.log(5 / 3.0) / Math.log(50) * (4 + 20))));
    assertThatThrownBy(() -> spec.with(new WordEmbedding(50, 4, false, 0, true)))
        .hasMessage("embedding.tied is true, must be false with an adaptive softmax");
    assertThatThrownBy(() -> Head.regression(2).with(head.adaptive()))
        .hasMessageEndingWith("with a head of kind REGRESSION; only classes have it");
  }

  @ParameterizedTest
  @CsvSource({"4, false, false", "3, false, true", "4, true, false", "3, true, false"})
  void embeddingIsPartOfTheOneBlockAndOfTheSummary(int size, boolean tied, boolean frozen)
      throws IOException {
    ModelSpec spec =
        new ModelSpec(
                1,
                6,
                Cell.LSTM,
                List.of(5, 4),
                false,
                0.1,
                Output.SEQUENCE,
                List.of(),
                1,
                Precision.F32,
                Head.classes(11, List.of()))
            .with(new WordEmbedding(11, size, frozen, 0.2, tied));
    MultiLayerNetwork network = Networks.create(spec, ADAM, 1);
    INDArray ids = Nd4j.createFromArray(new float[][][] {{{0, 3, 10, 3, 2, 1}}});

    assertThat(ModelSummary.of(spec).parameters()).isEqualTo(network.numParams());
    GlobalNormClipping.requireOneBlock(network);
    assertThat(network.output(ids).shape()).containsExactly(1, 11, 6);
    assertThat(network.getLayerNames())
        .containsExactlyElementsOf(
            tied && size != 4
                ? List.of("embedding", "recurrent-0", "recurrent-1", "projection", "head")
                : List.of("embedding", "recurrent-0", "recurrent-1", "head"));
    var out = new ByteArrayOutputStream();
    ModelSerializer.writeModel(network, out, true);
    MultiLayerNetwork read =
        ModelSerializer.restoreMultiLayerNetwork(new ByteArrayInputStream(out.toByteArray()));
    assertThat(read.output(ids)).isEqualTo(network.output(ids));
    INDArray before = network.getParam("0_W").dup();
    new TrainingStep(network).run(new Batch(ids, ids, null));
    assertThat(network.getParam("0_W").equals(before)).isEqualTo(frozen);
    assertThat(read.output(ids)).isNotEqualTo(network.output(ids));
  }

  @Test
  void activationRegularizationIsPartOfTheLossOfTrainingOnly() {
    ModelSpec plain = spec(Cell.LSTM, false, 0, Output.SEQUENCE, List.of(5), Head.regression(2));
    MultiLayerNetwork without = Networks.create(plain, ADAM, 1);
    MultiLayerNetwork with =
        Networks.create(plain.with(new Regularizers(0, null, 0, 0.5, 0.25)), ADAM, 1);
    with.setParams(without.params().dup());
    INDArray x = Nd4j.randn(DataType.FLOAT, 3, plain.inputSize(), plain.lookBack());
    INDArray y = Nd4j.randn(DataType.FLOAT, 3, 2, plain.lookBack());
    INDArray h = without.feedForward(x).get(1);
    long T = h.size(2);
    INDArray differences =
        h.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.interval(1, T))
            .sub(h.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.interval(0, T - 1)));
    double added =
        0.5 * h.mul(h).meanNumber().doubleValue()
            + 0.25 * differences.mul(differences).meanNumber().doubleValue();

    double expected = BatchGradient.of(without, new Batch(x, y, null), null, 1);
    double loss = BatchGradient.of(with, new Batch(x, y, null), null, 1);

    assertThat(added).isGreaterThan(1e-3);
    assertThat(loss).isCloseTo(expected + added, within(1e-6));
    assertThat(with.score(new DataSet(x, y))).isEqualTo(without.score(new DataSet(x, y)));
    assertThat(with.output(x)).isEqualTo(without.output(x));
  }

  @Test
  void droppedWeightsAreThoseOfTheStepAndHaveNoGradient() {
    ModelSpec spec =
        spec(Cell.GRU, false, 0, Output.SEQUENCE, List.of(16), Head.regression(2))
            .with(new Regularizers(0, null, 0.5, 0, 0));
    MultiLayerNetwork network = Networks.create(spec, ADAM, 3);
    Batch batch =
        new Batch(
            Nd4j.randn(DataType.FLOAT, 4, spec.inputSize(), spec.lookBack()),
            Nd4j.randn(DataType.FLOAT, 4, 2, 6),
            null);

    INDArray first = recurrentGradient(network, batch, 0);
    INDArray again = recurrentGradient(network, batch.part(1, 2), 0);
    INDArray later = recurrentGradient(network, batch, 1);
    INDArray otherSeed = recurrentGradient(Networks.create(spec, ADAM, 4), batch, 0);

    // 768 coins: four standard deviations
    double dropped = first.eq(0).castTo(first.dataType()).meanNumber().doubleValue();
    assertThat(dropped).isBetween(0.43, 0.57);
    assertThat(again.eq(0)).isEqualTo(first.eq(0));
    assertThat(later.eq(0)).isNotEqualTo(first.eq(0));
    assertThat(otherSeed.eq(0)).isNotEqualTo(first.eq(0));
  }

  private static INDArray recurrentGradient(MultiLayerNetwork network, Batch batch, int step) {
    network.getLayerWiseConfigurations().setIterationCount(step);
    BatchGradient.of(network, batch, null, 1);
    return network.gradient().getGradientFor("0_RW").dup();
  }

  @Test
  void dropoutRatesAreThoseOfTheirPlaces() {
    ModelSpec spec =
        spec(Cell.LSTM, false, 0.1, Output.SEQUENCE, List.of(5, 4), Head.regression(2));

    assertThat(kept(spec)).containsExactly(1.0, 0.9, 0.9);
    assertThat(kept(spec.with(new Regularizers(0.25, 0.5, 0, 0, 0))))
        .containsExactly(0.75, 0.9, 0.5);
    assertThat(kept(spec.with(new Regularizers(0.25, 0.0, 0, 0, 0))))
        .containsExactly(0.75, 0.9, 1.0);
    // the layer above the recurrent ones drops for the head
    assertThat(kept(spec.with(new Regularizers(0, 0.5, 0, 1, 0))))
        .containsExactly(1.0, 0.9, 0.5, 1.0);
  }

  /** As AWD-LSTM locks the masks of inputs and outputs; smoothness moves the head's below it. */
  @Test
  void variationalDropoutLocksTheMaskOfAHeadOfClassesAtEveryStepToo() {
    for (boolean smooth : new boolean[] {false, true}) {
      assertThat(locked(Output.SEQUENCE, Head.classes(7, List.of()), smooth))
          .as("%s", smooth)
          .containsExactly(true, true);
    }
    assertThat(locked(Output.SEQUENCE, Head.regression(2), false)).containsExactly(true, false);
    assertThat(locked(Output.LAST, Head.classes(7, List.of()), false)).containsExactly(true, false);
  }

  /** Of the layers that drop, lowest first. */
  private static List<Boolean> locked(Output output, Head head, boolean smooth) {
    var spec =
        new ModelSpec(
                3,
                6,
                Cell.LSTM,
                List.of(5, 4),
                false,
                0.3,
                output,
                List.of(),
                1,
                Precision.F32,
                head,
                Attention.NONE,
                false,
                true,
                0)
            .with(smooth ? new Regularizers(0, null, 0, 1, 1) : Regularizers.NONE);
    return Networks.create(spec, ADAM, 1).getLayerWiseConfigurations().getConfs().stream()
        .map(conf -> conf.getLayer().getIDropout())
        .filter(Objects::nonNull)
        .map(dropout -> ((ExampleDropout) dropout).isOncePerSeries())
        .toList();
  }

  private static List<Double> kept(ModelSpec spec) {
    return Networks.create(spec, ADAM, 1).getLayerWiseConfigurations().getConfs().stream()
        .map(conf -> conf.getLayer().getIDropout())
        .map(dropout -> dropout == null ? 1.0 : ((ExampleDropout) dropout).kept())
        .toList();
  }

  @Test
  void tiedHeadMultipliesByTheRowsOfTheEmbedding() {
    ModelSpec spec =
        new ModelSpec(
                1,
                6,
                Cell.LSTM,
                List.of(4),
                false,
                0,
                Output.SEQUENCE,
                List.of(),
                1,
                Precision.F32,
                Head.classes(11, List.of()))
            .with(new WordEmbedding(11, 4, false, 0, true));
    MultiLayerNetwork tied = Networks.create(spec, ADAM, 1);
    MultiLayerNetwork free =
        Networks.create(spec.with(new WordEmbedding(11, 4, false, 0, false)), ADAM, 2);
    for (String key : List.of("0_W", "1_W", "1_RW", "1_b", "2_b")) {
      free.getParam(key).assign(tied.getParam(key));
    }
    free.getParam("2_W").assign(tied.getParam("0_W").transpose());
    INDArray ids = Nd4j.createFromArray(new float[][][] {{{0, 3, 10, 3, 2, 1}}});

    assertThat(tied.output(ids)).isEqualTo(free.output(ids));
    assertThat(tied.score(new DataSet(ids, ids))).isEqualTo(free.score(new DataSet(ids, ids)));
    BatchGradient.of(tied, new Batch(ids, ids, null), null, 1);
    BatchGradient.of(free, new Batch(ids, ids, null), null, 1);
    INDArray both =
        free.gradient()
            .getGradientFor("0_W")
            .add(free.gradient().getGradientFor("2_W").transpose());
    assertThat(tied.gradient().getGradientFor("0_W").sub(both).amaxNumber().doubleValue())
        .isLessThan(1e-6);
  }

  @Test
  void tiedHeadIsNoPartOfAnotherNetwork() {
    ModelSpec spec =
        new ModelSpec(
                1,
                6,
                Cell.LSTM,
                List.of(4),
                false,
                0,
                Output.SEQUENCE,
                List.of(),
                1,
                Precision.F32,
                Head.classes(11, List.of()))
            .with(new WordEmbedding(11, 4, false, 0, true));
    MultiLayerNetwork part = Networks.part(spec, ADAM, 1, 1, 3, null, null);

    assertThatThrownBy(() -> part.output(Nd4j.zeros(1, 4, 6)))
        .hasMessage(
            "Layer head is tied to the embedding that its network begins with, 188 parameters before its own, but there are 144: it cannot be a part of another network");
  }

  @ParameterizedTest
  @CsvSource({
    "ADDITIVE, LAST, true",
    "ADDITIVE, LAST, false",
    "SELF_ATTENTION, LAST, true",
    "SELF_ATTENTION, MEAN, false",
    "SELF_ATTENTION, SEQUENCE, true",
    "NONE, MAX, true"
  })
  void attentionPoolingAndLayerNormArePartOfTheOneBlockAndOfTheSummary(
      Attention.Kind kind, Output output, boolean layerNorm) {
    Attention attention =
        switch (kind) {
          case NONE -> Attention.NONE;
          case ADDITIVE -> Attention.additive(9);
          case SELF_ATTENTION -> Attention.self(4);
        };
    ModelSpec spec = attentive(output, attention, layerNorm);

    MultiLayerNetwork network = Networks.create(spec, ADAM, 1);

    assertThat(ModelSummary.of(spec).parameters()).isEqualTo(network.numParams());
    assertThat(network.output(Nd4j.zeros(2, 7, 6)).shape())
        .containsExactly(output == Output.SEQUENCE ? new long[] {2, 2, 6} : new long[] {2, 2});
    GlobalNormClipping.requireOneBlock(network);
    assertThat(network.getLayerNames().stream().filter(name -> name.startsWith("layer-norm")))
        .hasSize(layerNorm ? 2 : 0);
    for (var conf : network.getLayerWiseConfigurations().getConfs()) {
      Layer layer = conf.getLayer() instanceof Bidirectional both ? both.getBwd() : conf.getLayer();
      // the layers that dropout stands between; attention and normalisation belong to those below
      assertThat(layer.getIDropout() != null)
          .as(layer.getLayerName())
          .isEqualTo(List.of("recurrent-1", "head").contains(layer.getLayerName()));
    }
  }

  @Test
  void summaryCountsTheProductsOfAttention() {
    ModelSpec additive = attentive(Output.LAST, Attention.additive(9), true);
    ModelSpec self = attentive(Output.LAST, Attention.self(1), false);

    // T = 6, 8 numbers in: hidden units, score and mean; then projections, scores and means
    assertThat(ModelSummary.of(additive).layers().get(4))
        .isEqualTo(
            new ModelSummary.LayerSummary(
                "additive attention",
                8,
                8,
                8 * 9 + 9 + 9 + 1,
                6 * 2 * (8 * 9 + 9 + 8),
                (6 * (9 + 1) + 8) * 4));
    assertThat(ModelSummary.of(self).layers().get(2))
        .isEqualTo(
            new ModelSummary.LayerSummary(
                "self-attention, 1 head",
                8,
                8,
                4 * (8 * 8 + 8),
                6 * 2 * (4 * 8 * 8) + 2 * 2 * 6 * 6 * 8,
                6 * 5 * 8 * 4));
    assertThat(ModelSummary.of(additive).layers().get(3))
        .isEqualTo(new ModelSummary.LayerSummary("layer norm", 8, 8, 16, 0, 6 * 10 * 4));
  }

  @Test
  void descriptionWithAttentionThatDoesNotFitIsRefused() {
    assertThatThrownBy(() -> attentive(Output.MAX, Attention.additive(9), false))
        .hasMessage("output is MAX, must be LAST with additive attention, which takes its place");
    assertThatThrownBy(() -> attentive(Output.LAST, Attention.self(3), false))
        .hasMessage(
            "attention.heads is 3, must be a divisor of the 8 outputs of the last recurrent layer");
    assertThatThrownBy(() -> new Attention(Attention.Kind.ADDITIVE, 3, 2))
        .hasMessage("heads is 2, must be 0 with attention of kind ADDITIVE");
    assertThatThrownBy(() -> Attention.self(0))
        .hasMessage("heads is 0, must be at least 1 with attention of kind SELF_ATTENTION");
  }

  @Test
  void stockNetworkOfOtherLayersIsRefused() {
    var list = new NeuralNetConfiguration.Builder().seed(3).updater(new Sgd(0.1)).list();
    list.layer(new LSTM.Builder().nOut(5).activation(Activation.TANH).build());
    list.layer(new OutputLayer.Builder(new LossMSE()).nOut(2).build());
    var stock = new MultiLayerNetwork(list.setInputType(InputType.recurrent(7, 6)).build());
    stock.init();

    assertThatThrownBy(
            () -> Networks.upToDate(attentive(Output.LAST, Attention.additive(9), true), stock))
        .hasMessage(
            "Cannot convert a network of DL4J's own layers: it has 2 layers with parameters, its description 6. Train the model again.");
  }

  /** Two bidirectional GRUs of 5 and 4 units. */
  private static ModelSpec attentive(Output output, Attention attention, boolean layerNorm) {
    return new ModelSpec(
        7,
        6,
        Cell.GRU,
        List.of(5, 4),
        true,
        0.1,
        output,
        List.of(),
        1,
        Precision.F32,
        Head.regression(2),
        attention,
        layerNorm,
        false,
        0);
  }

  @Test
  void summaryReadsAsATable() {
    ModelSpec spec = spec(Cell.LSTM, true, 0, Output.LAST, List.of(64), Head.regression(168));

    // 2 directions · 6 steps · 2 · 4·64 · (7 + 64) · 3 · 32 windows = 41.9 MFLOP
    assertThat(ModelSummary.of(spec).text(32).lines())
        .containsExactly(
            "layer                             inputs  outputs   parameters  MFLOP a step  MiB a step",
            "bidirectional LSTM                     7      128       36,864          41.9        0.56",
            "head: regression                     128      168       21,672           4.1        0.02",
            "sum                                                     58,536          46.0        0.58");
    assertThat(ModelSummary.of(spec).stepFlops(32))
        .isEqualTo(3L * 32 * (2 * 6 * 2 * 4 * 64 * (7 + 64) + 2 * 128 * 168));
    assertThat(ModelSummary.of(spec).stepBytes(32)).isEqualTo(32L * 4 * (2 * 6 * 6 * 64 + 168));
  }

  @Test
  void summaryCountsNoKeptNumbersOfAHeadOverClasses() {
    ModelSpec spec =
        spec(Cell.LSTM, false, 0, Output.SEQUENCE, List.of(64), Head.classes(50, List.of()));

    assertThat(ModelSummary.of(spec).layers().get(1))
        .isEqualTo(
            new ModelSummary.LayerSummary(
                "head: classes", 64, 50, 64 * 50 + 50, 6 * 2 * 64 * 50, 0));
  }

  @Test
  void dropoutIsOnEveryLayersInputButTheFirst() {
    var spec =
        new ModelSpec(
            7,
            6,
            Cell.LSTM,
            List.of(5, 4),
            false,
            0.3,
            Output.LAST,
            List.of(9),
            1,
            Precision.F32,
            Head.regression(1));

    var confs = Networks.create(spec, ADAM, 1).getLayerWiseConfigurations().getConfs();

    // two recurrent layers, the last step, a dense one and the head
    assertThat(confs).hasSize(5);
    assertThat(confs.get(0).getLayer().getIDropout()).isNull();
    for (int l : new int[] {1, 3, 4}) {
      Layer layer = confs.get(l).getLayer();
      assertThat(layer.getIDropout())
          .isEqualTo(new ExampleDropout(0.7, layer.getLayerName(), false));
    }
  }

  @Test
  void dropoutKeepsTheMeanAndIsOffWhenPredicting() {
    // an output layer over fixed inputs: with ones in and weights of one out, the output counts
    // the inputs that were kept, each scaled by 1 / 0.75
    var spec =
        new ModelSpec(
            1,
            1,
            Cell.RNN,
            List.of(2000),
            false,
            0.25,
            Output.LAST,
            List.of(),
            1,
            Precision.F32,
            Head.regression(1));
    MultiLayerNetwork network = Networks.create(spec, ADAM, 5);
    network.getLayer(0).getParam("W").assign(0);
    network.getLayer(0).getParam("b").assign(0.5);
    network.getOutputLayer().getParam("W").assign(1);
    double unit = Math.tanh(0.5);

    double predicted = network.output(Nd4j.zeros(1, 1, 1)).getDouble(0);
    double trained = network.output(Nd4j.zeros(1, 1, 1), true).getDouble(0);

    assertThat(predicted).isCloseTo(2000 * unit, within(0.1));
    double kept = trained / unit * 0.75;
    // 2000 coins of 0.75: mean 1500, standard deviation 19.4
    assertThat(kept).isBetween(1500 - 6 * 19.4, 1500 + 6 * 19.4).isNotCloseTo(2000, within(1.0));
    assertThat(kept).isCloseTo(Math.rint(kept), within(0.05));
  }

  @Test
  void forgetGateBiasStartsAsDescribed() {
    var spec =
        new ModelSpec(
            3,
            4,
            Cell.LSTM,
            List.of(2),
            false,
            0,
            Output.LAST,
            List.of(),
            2.5,
            Precision.F32,
            Head.regression(1));

    INDArray bias = Networks.create(spec, ADAM, 1).getLayer(0).getParam("b");

    // input, forget, candidate, output gate
    assertThat(bias.toFloatVector()).containsExactly(0, 0, 2.5f, 2.5f, 0, 0, 0, 0);
  }

  @Test
  void bidirectionalLastStepIsTheForwardStateOfTheLastAndTheBackwardStateOfTheFirstStep() {
    ModelSpec spec = spec(Cell.LSTM, true, 0, Output.LAST, List.of(4), Head.regression(1));
    MultiLayerNetwork network = Networks.create(spec, ADAM, 3);
    INDArray window = Nd4j.rand(1, 7, 6);
    INDArray states = network.feedForward(window).get(1);
    INDArray weights = network.getOutputLayer().getParam("W");
    INDArray bias = network.getOutputLayer().getParam("b");

    double output = network.output(window).getDouble(0);

    double expected = bias.getDouble(0);
    for (int u = 0; u < 4; u++) {
      expected += weights.getDouble(u, 0) * states.getDouble(0, u, 5);
      expected += weights.getDouble(4 + u, 0) * states.getDouble(0, 4 + u, 0);
    }
    assertThat(states.shape()).containsExactly(1, 8, 6);
    assertThat(output).isCloseTo(expected, within(1e-6));
  }

  @Test
  void seedDecidesTheParameters() {
    ModelSpec spec = spec(Cell.LSTM, false, 0, Output.LAST, List.of(5), Head.regression(1));

    INDArray first = Networks.create(spec, ADAM, 8).params();

    assertThat(Networks.create(spec, ADAM, 8).params()).isEqualTo(first);
    assertThat(Networks.create(spec, ADAM, 9).params()).isNotEqualTo(first);
  }

  @Test
  void weightsAreDrawnUniformFromASeedAndBiasesStay() {
    ModelSpec spec = spec(Cell.LSTM, false, 0, Output.LAST, List.of(5), Head.regression(1));
    MultiLayerNetwork network = Networks.create(spec, ADAM, 8);
    INDArray bias = network.getParam("0_b").dup();

    UniformWeights.draw(network, 0.25, 3);

    INDArray first = network.params().dup();
    INDArray weights = network.getParam("0_RW");
    assertThat(weights.maxNumber().doubleValue()).isBetween(0.2, 0.25);
    assertThat(weights.minNumber().doubleValue()).isBetween(-0.25, -0.2);
    assertThat(network.getParam("0_b")).isEqualTo(bias);
    UniformWeights.draw(network, 0.25, 3);
    assertThat(network.params()).isEqualTo(first);
    UniformWeights.draw(network, 0.25, 4);
    assertThat(network.params()).isNotEqualTo(first);
  }

  @Test
  void lossOfASequenceIsAMeanOverItsSteps() {
    for (Head head :
        List.of(
            Head.regression(2),
            Head.quantiles(2, List.of(0.3, 0.5)),
            Head.classes(2, List.of(1.0, 1.0)))) {
      ModelSpec spec = spec(Cell.LSTM, false, 0, Output.SEQUENCE, List.of(3), head);
      MultiLayerNetwork network = Networks.create(spec, ADAM, 3);
      network.params().assign(0);
      INDArray labels = Nd4j.zeros(5, 2, 6);
      labels
          .get(
              org.nd4j.linalg.indexing.NDArrayIndex.all(),
              org.nd4j.linalg.indexing.NDArrayIndex.point(0))
          .assign(1);

      double loss = network.score(new DataSet(Nd4j.zeros(5, 7, 6), labels));

      // outputs are 0 (probabilities ½), one target of two is 1
      double expected =
          switch (head.kind()) {
            case REGRESSION -> 0.5;
            case QUANTILES -> (0.3 + 0.5) / 2 / 2;
            case CLASSES -> Math.log(2);
          };
      assertThat(loss).as(head.kind().name()).isCloseTo(expected, within(1e-5));
    }
  }

  @ParameterizedTest
  @EnumSource(OptimizerSpec.Algorithm.class)
  void everyOptimizerLearnsAndComesBackFromItsFile(OptimizerSpec.Algorithm algorithm)
      throws Exception {
    ModelSpec spec =
        spec(Cell.LSTM, true, 0.1, Output.LAST, List.of(6), Head.quantiles(1, List.of(0.1, 0.9)));
    var optimizer =
        new OptimizerSpec(
            algorithm, 0.01, 0, OptimizerSpec.Schedule.COSINE, 100, 10, 1, 1, 1, 1, 0.01, 1);
    MultiLayerNetwork network = Networks.create(spec, optimizer, 4);
    INDArray before = network.params().dup();
    network.fit(new DataSet(Nd4j.rand(4, 7, 6), Nd4j.rand(4, 1)));
    assertThat(network.params().sub(before).norm2Number().doubleValue()).isPositive();

    var bytes = new ByteArrayOutputStream();
    ModelSerializer.writeModel(network, bytes, true);
    MultiLayerNetwork again =
        ModelSerializer.restoreMultiLayerNetwork(
            new ByteArrayInputStream(bytes.toByteArray()), true);

    assertThat(again.params()).isEqualTo(network.params());
    assertThat(again.getLayerWiseConfigurations()).isEqualTo(network.getLayerWiseConfigurations());
    GlobalNormClipping.requireOneBlock(again);
    if (algorithm != OptimizerSpec.Algorithm.SGD) {
      assertThat(again.getUpdater().getStateViewArray())
          .isEqualTo(network.getUpdater().getStateViewArray());
    }
    assertThat(again.output(Nd4j.ones(2, 7, 6))).isEqualTo(network.output(Nd4j.ones(2, 7, 6)));
  }

  @Test
  void anotherLearningRateReachesEveryLayerAndLeavesTheOptimizersState() throws Exception {
    ModelSpec spec = spec(Cell.LSTM, true, 0, Output.LAST, List.of(3, 2), Head.regression(1));
    MultiLayerNetwork network = Networks.create(spec, OptimizerSpec.constantAdam(0.1), 4);
    var batch = new DataSet(Nd4j.rand(4, 7, 6), Nd4j.rand(4, 1));
    network.fit(batch);
    INDArray state = network.getUpdater().getStateViewArray().dup();
    INDArray before = network.params().dup();

    GlobalNormClipping.setLearningRate(network, new FixedSchedule(0));

    assertThat(network.getUpdater().getStateViewArray()).isEqualTo(state);
    network.fit(batch);
    assertThat(network.params()).isEqualTo(before);
    var bytes = new ByteArrayOutputStream();
    ModelSerializer.writeModel(network, bytes, true);
    MultiLayerNetwork again =
        ModelSerializer.restoreMultiLayerNetwork(
            new ByteArrayInputStream(bytes.toByteArray()), true);
    GlobalNormClipping.requireOneBlock(again);
    again.fit(batch);
    assertThat(again.params()).isEqualTo(before);
  }

  @Test
  void weightDecayMovesWeightsAndNoBias() {
    ModelSpec spec = spec(Cell.LSTM, false, 0, Output.LAST, List.of(3), Head.regression(1));
    var optimizer =
        new OptimizerSpec(
            OptimizerSpec.Algorithm.SGD,
            0.5,
            0,
            OptimizerSpec.Schedule.CONSTANT,
            10,
            0,
            1,
            1,
            1,
            1,
            0.1,
            0);
    MultiLayerNetwork network = Networks.create(spec, optimizer, 4);
    network.getOutputLayer().getParam("W").assign(2);
    network.getOutputLayer().getParam("b").assign(3);
    INDArray input = Nd4j.zeros(2, 7, 6);

    // targets equal outputs: the gradient of the data is zero
    network.fit(new DataSet(input, network.output(input)));

    assertThat(network.getOutputLayer().getParam("W").getFloat(0))
        .isCloseTo(2 * (1 - 0.5f * 0.1f), within(1e-5f));
    assertThat(network.getOutputLayer().getParam("b").getFloat(0)).isCloseTo(3, within(1e-6f));
  }

  @Test
  void learnsToRememberTheFirstStep() {
    var spec =
        new ModelSpec(
            1,
            8,
            Cell.LSTM,
            List.of(10),
            false,
            0,
            Output.LAST,
            List.of(),
            1,
            Precision.F32,
            Head.regression(1));
    MultiLayerNetwork network = Networks.create(spec, OptimizerSpec.constantAdam(0.03), 2);
    var random = new Random(11);
    DataSet held = memory(random, 200);

    double before = network.score(held);
    for (int step = 0; step < 150; step++) {
      network.fit(memory(random, 32));
    }

    // a model that ignores the first step can do no better than the variance, 1/3
    assertThat(before).isGreaterThan(0.2);
    assertThat(network.score(held)).isLessThan(0.03);
  }

  /** Uniform noise in [−1, 1]; the target is the first of eight steps. */
  private static DataSet memory(Random random, int B) {
    INDArray input = Nd4j.create(B, 1, 8);
    INDArray target = Nd4j.create(B, 1);
    for (int b = 0; b < B; b++) {
      for (int t = 0; t < 8; t++) {
        input.putScalar(b, 0, t, 2 * random.nextDouble() - 1);
      }
      target.putScalar(b, 0, input.getDouble(b, 0, 0));
    }
    return new DataSet(input, target);
  }

  /** As this project made it before it had layers of its own. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void networkSavedWithStockLayersIsConverted(boolean bidirectional) throws Exception {
    ModelSpec spec =
        spec(Cell.LSTM, bidirectional, 0, Output.LAST, List.of(5, 4), Head.regression(2));
    var list = new NeuralNetConfiguration.Builder().seed(3).updater(new Sgd(0.1)).list();
    for (int l = 0; l < 2; l++) {
      var cell = new LSTM.Builder().nOut(5 - l).activation(Activation.TANH).build();
      list.layer(bidirectional ? new Bidirectional(cell) : l == 1 ? new LastTimeStep(cell) : cell);
    }
    if (bidirectional) {
      list.inputPreProcessor(2, new BothEnds(6));
    }
    list.layer(
        new OutputLayer.Builder(new LossMSE()).nOut(2).activation(Activation.IDENTITY).build());
    var stock = new MultiLayerNetwork(list.setInputType(InputType.recurrent(7, 6)).build());
    stock.init();
    var file = new ByteArrayOutputStream();
    ModelSerializer.writeModel(stock, file, false);
    INDArray x = Nd4j.rand(3, 7, 6);

    MultiLayerNetwork converted =
        Networks.upToDate(
            spec,
            ModelSerializer.restoreMultiLayerNetwork(
                new ByteArrayInputStream(file.toByteArray()), false));

    assertThat(StockLayers.areIn(stock)).isTrue();
    assertThat(StockLayers.areIn(converted)).isFalse();
    assertThat(converted.output(x).distance2(stock.output(x))).isLessThan(1e-5);
    assertThat(Networks.upToDate(spec, converted)).isSameAs(converted);
  }

  /** As this project made it before it had a bidirectional layer of its own. */
  @Test
  void networkSavedWithDl4jsBidirectionalWrapperIsConverted() throws Exception {
    ModelSpec spec = spec(Cell.GRU, true, 0.2, Output.LAST, List.of(5, 4), Head.regression(2));
    var list = new NeuralNetConfiguration.Builder().seed(3).updater(new Sgd(0.1)).list();
    for (int l = 0; l < 2; l++) {
      var cell = new Recurrent.Builder(Cell.GRU).nOut(5 - l);
      list.layer(new Bidirectional(l == 0 ? cell.build() : cell.dropOut(0.8).build()));
    }
    list.layer(new LastStep(true))
        .layer(
            new OutputLayer.Builder(new LossMSE()).nOut(2).activation(Activation.IDENTITY).build());
    var wrapped = new MultiLayerNetwork(list.setInputType(InputType.recurrent(7, 6)).build());
    wrapped.init();
    var file = new ByteArrayOutputStream();
    ModelSerializer.writeModel(wrapped, file, false);
    INDArray x = Nd4j.rand(3, 7, 6);

    MultiLayerNetwork converted =
        Networks.upToDate(
            spec,
            ModelSerializer.restoreMultiLayerNetwork(
                new ByteArrayInputStream(file.toByteArray()), false));

    assertThat(converted.params()).isEqualTo(wrapped.params());
    assertThat(converted.paramTable().keySet())
        .containsExactlyElementsOf(wrapped.paramTable().keySet());
    assertThat(converted.getLayer(0).conf().getLayer()).isInstanceOf(BidirectionalRecurrent.class);
    assertThat(converted.output(x).distance2(wrapped.output(x))).isLessThan(1e-5);
    assertThat(Networks.upToDate(spec, converted)).isSameAs(converted);
  }

  @ParameterizedTest
  @EnumSource(
      value = Output.class,
      names = {"LAST", "SEQUENCE"})
  void classNetworkSavedWithDl4jsOutputLayerIsReadAsItIs(Output output) throws Exception {
    ModelSpec spec = spec(Cell.GRU, false, 0, output, List.of(5), Head.classes(3, List.of()));
    var list =
        new NeuralNetConfiguration.Builder()
            .list()
            .layer(new Recurrent.Builder(Cell.GRU).nOut(5).build());
    if (output == Output.LAST) {
      list.layer(new LastStep(false)).layer(new OutputLayer.Builder().nOut(3).build());
    } else {
      list.layer(new RnnOutputLayer.Builder().nOut(3).build());
    }
    var stock = new MultiLayerNetwork(list.setInputType(InputType.recurrent(7, 6)).build());
    stock.init();
    var file = new ByteArrayOutputStream();
    ModelSerializer.writeModel(stock, file, false);
    INDArray x = Nd4j.rand(4, 7, 6);

    MultiLayerNetwork read =
        Networks.upToDate(
            spec,
            ModelSerializer.restoreMultiLayerNetwork(
                new ByteArrayInputStream(file.toByteArray()), false));
    MultiLayerNetwork today = Networks.create(spec, ADAM, 3);
    today.setParams(read.params());

    assertThat(read.output(x)).isEqualTo(stock.output(x));
    assertThat(today.output(x).distance2(stock.output(x))).isLessThan(1e-6);
    assertThat(today.getOutputLayer().paramTable().keySet())
        .isEqualTo(stock.getOutputLayer().paramTable().keySet());
  }

  @Test
  void oldNamesOfCellsAreRead() throws Exception {
    var mapper = new ObjectMapper();

    assertThat(mapper.readValue("\"graves-lstm\"", Cell.class)).isEqualTo(Cell.PEEPHOLE_LSTM);
    assertThat(mapper.readValue("\"simple-rnn\"", Cell.class)).isEqualTo(Cell.RNN);
    assertThat(mapper.writeValueAsString(Cell.RNN)).isEqualTo("\"rnn\"");
  }

  @Test
  void descriptionComesBackFromItsJson() throws Exception {
    var mapper = new ObjectMapper();
    var spec =
        new ModelSpec(
            7,
            6,
            Cell.PEEPHOLE_LSTM,
            List.of(5, 4),
            true,
            0.25,
            Output.SEQUENCE,
            List.of(9),
            1.5,
            Precision.F32,
            Head.quantiles(3, List.of(0.1, 0.9)),
            Attention.self(2),
            true,
            true,
            0.2);
    var optimizer =
        new OptimizerSpec(
            OptimizerSpec.Algorithm.NESTEROVS,
            0.5,
            0.1,
            OptimizerSpec.Schedule.STEP,
            10,
            2,
            0.3,
            4,
            5,
            6,
            0.1,
            3);

    String json = mapper.writeValueAsString(spec);

    assertThat(json)
        .contains("\"peephole-lstm\"", "\"sequence\"", "\"quantiles\"", "\"self-attention\"");
    assertThat(mapper.readValue(json, ModelSpec.class)).isEqualTo(spec);
    assertThat(mapper.readValue(mapper.writeValueAsString(optimizer), OptimizerSpec.class))
        .isEqualTo(optimizer);
  }

  private static ModelSpec spec(
      Cell cell,
      boolean bidirectional,
      double dropout,
      Output output,
      List<Integer> hidden,
      Head head) {
    return new ModelSpec(
        7, 6, cell, hidden, bidirectional, dropout, output, List.of(), 1, Precision.F32, head);
  }
}
