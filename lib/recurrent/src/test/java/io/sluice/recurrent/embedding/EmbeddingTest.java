package io.sluice.recurrent.embedding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.head.VocabularyOutput;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.layer.Recurrent;
import io.sluice.recurrent.layer.TimeMajor;
import io.sluice.recurrent.pass.TrainingPass;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import org.deeplearning4j.gradientcheck.GradientCheckUtil;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.config.Sgd;

/** The layer as a citizen of DL4J's networks. */
class EmbeddingTest {
  private static final int V = 9;
  private static final int E = 4;
  private static final int B = 3;
  private static final int T = 5;

  @BeforeEach
  void seed() {
    NativeThreads.set(1);
    Nd4j.getRandom().setSeed(3);
  }

  @AfterEach
  void float32() {
    Nd4j.setDefaultDataTypes(DataType.FLOAT, DataType.FLOAT);
  }

  @Test
  void outputIsTheRowOfEachIdInTimeMajorMemory() {
    MultiLayerNetwork network = network(embedding().build(), DataType.FLOAT, new Sgd(1));
    INDArray ids = ids();

    INDArray out = network.feedForwardToLayer(0, ids).get(1);

    INDArray W = network.getParam("0_W");
    assertThat(W.shape()).containsExactly(V, E);
    assertThat(W.minNumber().doubleValue()).isBetween(-0.1, -0.05);
    assertThat(W.maxNumber().doubleValue()).isBetween(0.05, 0.1);
    assertThat(out.shape()).containsExactly(B, E, T);
    for (int b = 0; b < B; b++) {
      for (int t = 0; t < T; t++) {
        for (int j = 0; j < E; j++) {
          assertThat(out.getFloat(b, j, t)).isEqualTo(W.getFloat(ids.getInt(b, 0, t), j));
        }
      }
    }
    assertThat(new TimeMajor().steps(out).data().address()).isEqualTo(out.data().address());
  }

  @ParameterizedTest
  @CsvSource({"false, 0", "true, 0", "true, 0.4"})
  void backwardMatchesCentralDifferences(boolean masked, double dropped) {
    Nd4j.setDefaultDataTypes(DataType.DOUBLE, DataType.DOUBLE);
    MultiLayerNetwork network =
        network(embedding().wordDropout(dropped).build(), DataType.DOUBLE, new NoOp());

    boolean agrees =
        GradientCheckUtil.checkGradients(
            new GradientCheckUtil.MLNConfig()
                .net(network)
                .input(ids().castTo(DataType.DOUBLE))
                .labels(ids().castTo(DataType.DOUBLE))
                .inputMask(masked ? mask().castTo(DataType.DOUBLE) : null)
                .labelMask(masked ? mask().castTo(DataType.DOUBLE) : null)
                .epsilon(1e-6)
                // central differences of a float64 loss: (1e-6)² truncation, 1e-16/1e-6 rounding
                .maxRelError(1e-5)
                .minAbsoluteError(1e-8)
                .print(GradientCheckUtil.PrintMode.FAILURES_ONLY)
                // the same words are dropped in every evaluation
                .callEachIter(n -> Nd4j.getRandom().setSeed(99)));

    assertThat(agrees).isTrue();
  }

  @Test
  void trainedByFitItIsDl4jsEmbedding() {
    var stock =
        new EmbeddingSequenceLayer.Builder()
            .name("embedding")
            .nIn(V)
            .nOut(E)
            .weightInit(WeightInit.XAVIER)
            .hasBias(false)
            .build();
    MultiLayerNetwork theirs = network(stock, DataType.FLOAT, new Sgd(0.5));
    MultiLayerNetwork own = network(embedding().build(), DataType.FLOAT, new Sgd(0.5));
    for (String key : List.of("1_W", "1_RW", "1_b", "2_W", "2_b")) {
      own.getParam(key).assign(theirs.getParam(key));
    }
    own.getParam("0_W").assign(theirs.getParam("0_W"));
    var batch = new DataSet(ids(), ids().add(1).muli(0.5), null, null);
    batch.setLabels(Nd4j.math().floor(batch.getLabels()));

    for (int step = 0; step < 3; step++) {
      theirs.fit(batch);
      own.fit(batch);

      assertThat(own.score()).isEqualTo(theirs.score());
    }
    // float32 sums in another order
    assertThat(worst(own.getParam("0_W"), theirs.getParam("0_W"))).isLessThan(1e-6);
    assertThat(worst(own.getParam("1_W"), theirs.getParam("1_W"))).isLessThan(1e-6);
  }

  @Test
  void maskedStepsPutOutZerosAndTouchNothingWhateverTheirId() {
    MultiLayerNetwork network = network(embedding().build(), DataType.FLOAT, new Sgd(1));
    INDArray ids = ids();
    ids.putScalar(0, 0, 2, -7.5);
    INDArray before = network.getParam("0_W").dup();

    network.setLayerMaskArrays(mask(), null);
    INDArray out = network.feedForwardToLayer(0, ids).get(1);
    network.clearLayerMaskArrays();
    network.fit(new DataSet(ids, ids(), mask(), mask()));

    INDArray after = network.getParam("0_W");
    for (int j = 0; j < E; j++) {
      assertThat(out.getFloat(0, j, 2)).isZero();
      // id 8 stands under the mask only
      assertThat(after.getFloat(8, j)).isEqualTo(before.getFloat(8, j));
      assertThat(after.getFloat(2, j)).isNotEqualTo(before.getFloat(2, j));
    }
  }

  @Test
  void ofASequenceAWordIsDroppedWithAllItsOccurrences() {
    int words = 1000;
    var layer = new Embedding.Builder().nIn(words).nOut(1).wordDropout(0.25).build();
    MultiLayerNetwork network = network(layer, DataType.FLOAT, new Sgd(1));
    network.getParam("0_W").assign(1);
    INDArray once = Nd4j.arange(words).castTo(DataType.FLOAT).reshape(1, 1, words);
    INDArray twice = Nd4j.concat(2, once, once);
    INDArray ids = Nd4j.concat(0, twice, twice);

    INDArray first = dropped(network, ids, 4, 17, 18);
    INDArray again = dropped(network, ids, 4, 18, 17);
    INDArray later = dropped(network, ids, 5, 17, 18);

    int kept = 0;
    int both = 0;
    for (int v = 0; v < words; v++) {
      float factor = first.getFloat(0, 0, v);
      assertThat(factor).isIn(0f, 1 / 0.75f);
      assertThat(first.getFloat(0, 0, words + v)).isEqualTo(factor);
      assertThat(again.getFloat(1, 0, v)).isEqualTo(factor);
      kept += factor > 0 ? 1 : 0;
      both += factor > 0 && first.getFloat(1, 0, v) > 0 ? 1 : 0;
    }
    // binomial: four standard deviations of 1000 coins at 0.75 and at 0.75²
    assertThat(kept).isBetween(695, 805);
    assertThat(both).isBetween(500, 625);
    assertThat(later).isNotEqualTo(first);
    assertThat(network.feedForwardToLayer(0, ids).get(1).minNumber().floatValue()).isEqualTo(1);
  }

  private static INDArray dropped(MultiLayerNetwork network, INDArray ids, int step, long... keys) {
    network.setInput(ids);
    try (TrainingPass pass = TrainingPass.begin(step, keys, null)) {
      return network.feedForwardToLayer(0, true).get(1).dup();
    }
  }

  @Test
  void frozenRowsStayAndTheRestLearns() {
    MultiLayerNetwork network =
        network(embedding().frozen(true).l2(0.1).build(), DataType.FLOAT, new Sgd(1));
    INDArray before = network.params().dup();

    network.fit(new DataSet(ids(), ids()));

    INDArray moved = network.params().sub(before).reshape(network.numParams());
    assertThat(moved.get(interval(0, V * E)).amaxNumber().doubleValue()).isZero();
    assertThat(moved.get(interval(V * E, moved.length())).amaxNumber().doubleValue()).isPositive();
  }

  private static INDArrayIndex interval(long from, long to) {
    return NDArrayIndex.interval(from, to);
  }

  @Test
  void jsonAndModelZipKeepIt() throws IOException {
    MultiLayerNetwork network =
        network(
            embedding().wordDropout(0.2).frozen(true).tied(true).build(),
            DataType.FLOAT,
            new Sgd(1));
    MultiLayerConfiguration conf = network.getLayerWiseConfigurations();

    assertThat(MultiLayerConfiguration.fromJson(conf.toJson())).isEqualTo(conf);
    var out = new ByteArrayOutputStream();
    ModelSerializer.writeModel(network, out, true);
    MultiLayerNetwork read =
        ModelSerializer.restoreMultiLayerNetwork(new ByteArrayInputStream(out.toByteArray()));

    var embedding = (Embedding) read.getLayer(0).conf().getLayer();
    assertThat(embedding.getWordDropout()).isEqualTo(0.2);
    assertThat(embedding.isFrozen()).isTrue();
    assertThat(embedding.isTied()).isTrue();
    assertThat(read.output(ids())).isEqualTo(network.output(ids()));
  }

  @Test
  void oneStepAtATimeGivesTheSame() {
    MultiLayerNetwork network = network(embedding().build(), DataType.FLOAT, new Sgd(1));
    INDArray whole = network.output(ids());

    for (int t = 0; t < T; t++) {
      INDArray step = network.rnnTimeStep(ids().get(all(), all(), interval(t, t + 1)));

      assertThat(worst(step, whole.get(all(), all(), interval(t, t + 1)))).isLessThan(1e-6);
    }
  }

  private static INDArrayIndex all() {
    return NDArrayIndex.all();
  }

  @ParameterizedTest
  @CsvSource({"9, 9", "-1, -1", "2.5, 2.5", "NaN, NaN", "1e9, 1000000000"})
  void idsThatAreNoneAreRefused(float id, String shown) {
    MultiLayerNetwork network = network(embedding().build(), DataType.FLOAT, new Sgd(1));
    INDArray ids = ids().castTo(DataType.DOUBLE);
    ids.putScalar(1, 0, 3, id);

    assertThatThrownBy(() -> network.output(ids))
        .hasMessage(
            "Id for layer embedding at sequence 1, time step 3 is %s, must be a whole number from 0 to 8; mask it if there is none",
            shown);
  }

  @Test
  void inputsAndSizesThatDoNotFitAreRefused() {
    MultiLayerNetwork network = network(embedding().build(), DataType.FLOAT, new Sgd(1));

    assertThatThrownBy(() -> network.output(Nd4j.zeros(B, 2, T)))
        .hasMessage("Input of layer embedding has shape [3, 2, 5], expected ids (B, 1, T)");
    assertThatThrownBy(() -> network.output(ids(), false, Nd4j.ones(B, 2), null))
        .hasMessage("Mask of layer embedding has shape [3, 2], expected (B, T) = (3, 5)");
    assertThatThrownBy(() -> embedding().nIn((1 << 24) + 1).build())
        .hasMessage(
            "Layer embedding has 16777217 words of 4 numbers, must be 1 to 16,777,216 words (ids are float32) of at least 1");
    assertThatThrownBy(() -> embedding().wordDropout(1))
        .hasMessage("wordDropout is 1.0, must be in [0, 1)");
    assertThatThrownBy(() -> list(embedding().build(), DataType.FLOAT, new Sgd(1), 2))
        .hasMessageStartingWith("Layer embedding takes ids (B, 1, T), but its input is ");
  }

  private static Embedding.Builder embedding() {
    return new Embedding.Builder().name("embedding").nIn(V).nOut(E);
  }

  /** Of ids 0 to 8; the last one stands at one place. */
  private static INDArray ids() {
    return Nd4j.createFromArray(
        new float[][][] {{{0, 2, 8, 2, 2}}, {{5, 1, 0, 3, 7}}, {{2, 4, 6, 1, 0}}});
  }

  private static INDArray mask() {
    return Nd4j.createFromArray(new float[][] {{1, 1, 0, 1, 1}, {1, 1, 1, 1, 1}, {1, 1, 1, 0, 0}});
  }

  private static MultiLayerNetwork network(Layer lowest, DataType type, IUpdater updater) {
    return list(lowest, type, updater, 1);
  }

  private static MultiLayerNetwork list(Layer lowest, DataType type, IUpdater updater, int inputs) {
    var list =
        new NeuralNetConfiguration.Builder()
            .seed(5)
            .dataType(type)
            .updater(updater)
            .list()
            .layer(lowest)
            .layer(new Recurrent.Builder(Cell.LSTM).nIn(nOut(lowest)).nOut(3).build())
            .layer(new VocabularyOutput.Builder().name("head").nIn(3).nOut(V).build());
    if (lowest instanceof Embedding) {
      // DL4J's takes the 1 for the size of its vocabulary
      list.setInputType(InputType.recurrent(inputs, T));
    }
    var network = new MultiLayerNetwork(list.build());
    network.init();
    return network;
  }

  private static long nOut(Layer layer) {
    return ((FeedForwardLayer) layer).getNOut();
  }

  private static double worst(INDArray actual, INDArray expected) {
    return actual.sub(expected).amaxNumber().doubleValue();
  }
}
