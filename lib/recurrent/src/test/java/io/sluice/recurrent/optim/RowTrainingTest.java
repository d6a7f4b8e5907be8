package io.sluice.recurrent.optim;

import static io.sluice.recurrent.TensorAssert.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.embedding.Embedding;
import io.sluice.recurrent.embedding.RowGradient;
import io.sluice.recurrent.embedding.TouchedRows;
import io.sluice.recurrent.head.VocabularyOutput;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.layer.Recurrent;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.linalg.learning.regularization.WeightDecay;
import org.nd4j.linalg.schedule.FixedSchedule;

/** Steps of a network over an embedding, of whose rows a batch touches few. */
class RowTrainingTest {
  private static final int V = 700;

  /** No multiple of a block, nor a divisor. */
  private static final int E = 7;

  private static final int T = 6;
  private static final int B = 8;
  private static final RowBlock ROWS = new RowBlock(V, E);

  @BeforeEach
  void oneThread() {
    NativeThreads.set(1);
  }

  static Stream<Arguments> updates() {
    IUpdater adam = new Adam(new FixedSchedule(0.02), ROWS);
    return Stream.of(
        Arguments.of("SGD", new Sgd(0.3), 0, null),
        Arguments.of("SGD, clipped", new Sgd(0.3), 0.05, null),
        Arguments.of("SGD, clipped, decayed", new Sgd(0.3), 0.05, new RowWeightDecay(0.1, E)),
        Arguments.of("SGD, all decayed", new Sgd(0.3), 0, new WeightDecay(0.1, true)),
        Arguments.of("Adam", adam, 0, null),
        Arguments.of("AdamW, clipped", adam, 0.05, new RowWeightDecay(0.1, E)),
        Arguments.of("Adam of all rows", new Adam(new FixedSchedule(0.02)), 0.05, null),
        Arguments.of("Nesterov", new Nesterovs(0.1, 0.9), 0.05, null),
        Arguments.of("RMSProp", new RmsProp(0.01), 0.05, new RowWeightDecay(0.1, E)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("updates")
  void stepsByTouchedRowsAreThoseByAllToTheBit(
      String name, IUpdater updater, double maxNorm, Regularization decay) {
    MultiLayerNetwork byRows = network(updater, maxNorm, decay, 0.2);
    MultiLayerNetwork dense = byRows.clone();
    var step = new TrainingStep(byRows);
    var update =
        new ParameterUpdate(dense, false, FlatGradient.dense(ParameterUpdate.gradient(dense)));

    for (Batch batch : batches(12)) {
      double loss = step.run(batch);
      double expected = BatchGradient.of(dense, batch, null, 1);
      update.apply(B, expected);

      assertThat(loss).isEqualTo(expected);
      assertThat(GlobalNormClipping.lastNorm(byRows)).isEqualTo(GlobalNormClipping.lastNorm(dense));
      assertThat(ParameterHash.of(byRows.params())).isEqualTo(ParameterHash.of(dense.params()));
      requireSameState(byRows, dense);
    }
  }

  @Test
  void fitTakesTheSameSteps() {
    IUpdater adam = new Adam(new FixedSchedule(0.02), ROWS);
    MultiLayerNetwork byRows = network(adam, 0.05, new RowWeightDecay(0.1, E), 0);
    MultiLayerNetwork fitted = byRows.clone();
    var step = new TrainingStep(byRows);

    for (Batch batch : batches(5)) {
      step.run(batch);
      fitted.fit(new DataSet(batch.features(), batch.labels()));

      assertThat(byRows.params()).isEqualTo(fitted.params());
      requireSameState(byRows, fitted);
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 3", "2, 1", "3, 2"})
  void threadsAndMicroBatchesTakeTheSameSteps(int threads, int microBatches) {
    for (IUpdater updater : List.of(new Sgd(0.3), new RmsProp(0.001))) {
      MultiLayerNetwork whole = network(updater, 0.05, null, 0.2);
      MultiLayerNetwork cut = whole.clone();
      var step = new TrainingStep(whole);
      try (var replicas = new Replicas(cut, threads)) {
        var cutStep = new TrainingStep(replicas, microBatches);
        for (Batch batch : batches(8)) {
          assertThat(cutStep.run(batch)).isCloseTo(step.run(batch), within(1e-5));
        }
      }
      // float32 sums in another order
      assertThat(cut.params().sub(whole.params()).amaxNumber().doubleValue()).isLessThan(2e-5);
    }
  }

  @Test
  void sgdAndAdamKeepTheListOfTouchedRows() {
    for (IUpdater updater : List.of(new Sgd(0.3), new Adam(new FixedSchedule(0.02), ROWS))) {
      MultiLayerNetwork network = network(updater, 0, null, 0);
      new TrainingStep(network).run(batches(1).get(0));

      TouchedRows touched = RowGradient.of(network).orElseThrow().keepTouched();
      assertThat(touched.areAll()).isFalse();
      assertThat(touched.count()).isBetween(20, B * T);
    }
  }

  @Test
  void frozenRowsStay() {
    MultiLayerNetwork network =
        network(new Adam(new FixedSchedule(0.02), ROWS), 0.05, new RowWeightDecay(0.1, E), 0, true);
    INDArray before = network.params().dup();
    var step = new TrainingStep(network);

    batches(3).forEach(step::run);

    assertThat(network.getParam("0_W"))
        .isEqualTo(before.reshape(before.length()).get(rows()).reshape(V, E));
    assertThat(network.getParam("1_W").amaxNumber()).isNotEqualTo(0);
    assertThat(network.params()).isNotEqualTo(before);
  }

  private static INDArrayIndex rows() {
    return NDArrayIndex.interval(0, V * E);
  }

  /** One row touched at steps 1, 2 and 5, against the formulas in float64. */
  @Test
  void adamMovesARowOnlyWhereItHasAGradient() {
    var block = new RowBlock(3, 4);
    var adam = new Adam(new FixedSchedule(0.1), 0.9, 0.99, 1e-6, block);
    var updater = adam.instantiate(Nd4j.zeros(1, 2 * 14), true);
    var random = new Random(2);
    double[] m = new double[14];
    double[] v = new double[14];
    for (int step = 1; step <= 6; step++) {
      float[] gradient = new float[14];
      for (int k = 0; k < 14; k++) {
        boolean moves = k >= 12 || k / 4 == 1 && (step <= 2 || step == 5) || k / 4 == 2;
        gradient[k] = moves ? random.nextFloat() - 0.5f : 0;
      }
      double[] expected = new double[14];
      for (int k = 0; k < 14; k++) {
        if (gradient[k] != 0) {
          m[k] = 0.9 * m[k] + 0.1 * gradient[k];
          v[k] = 0.99 * v[k] + 0.01 * gradient[k] * gradient[k];
          double mean = m[k] / (1 - Math.pow(0.9, step));
          double square = v[k] / (1 - Math.pow(0.99, step));
          expected[k] = 0.1 * mean / (Math.sqrt(square) + 1e-6);
        }
      }
      INDArray update = Nd4j.createFromArray(gradient).reshape(1, 14);
      updater.applyUpdater(update, step - 1, 0);

      // a few float32 roundings of numbers below 1
      assertClose("update of step " + step, update.data().asDouble(), expected, 5e-7);
      assertClose("m", updater.getState().get("M").dup().data().asDouble(), m, 5e-7);
      assertClose("v", updater.getState().get("V").dup().data().asDouble(), v, 5e-7);
    }
  }

  @Test
  void modelZipKeepsWhatIsDoneToRows() throws IOException {
    IUpdater adam = new Adam(new FixedSchedule(0.02), ROWS);
    MultiLayerNetwork network = network(adam, 0.05, new RowWeightDecay(0.1, E), 0.2);
    var step = new TrainingStep(network);
    List<Batch> batches = batches(4);
    batches.subList(0, 2).forEach(step::run);
    var out = new ByteArrayOutputStream();
    ModelSerializer.writeModel(network, out, true);

    MultiLayerNetwork read =
        ModelSerializer.restoreMultiLayerNetwork(new ByteArrayInputStream(out.toByteArray()));
    var goesOn = new TrainingStep(read);
    batches.subList(2, 4).forEach(step::run);
    batches.subList(2, 4).forEach(goesOn::run);

    assertThat(read.getLayerWiseConfigurations().getConf(0).getLayer())
        .isEqualTo(network.getLayerWiseConfigurations().getConf(0).getLayer());
    assertThat(ParameterHash.of(read.params())).isEqualTo(ParameterHash.of(network.params()));
    requireSameState(read, network);
  }

  @Test
  void anExampleWithoutALabelTakesNothingFromTheOthers() {
    MultiLayerNetwork network = network(new Sgd(0.3), 0, null, 0);
    MultiLayerNetwork other = network.clone();
    Batch batch = batches(1).get(0);
    var gradient = FlatGradient.of(network);
    gradient.zeroRows();
    BatchGradient.of(network, batch, null, 1);
    INDArray rows = gradient.whole().get(rows()).dup();

    INDArray one = Nd4j.zeros(1, 1, T);
    BatchGradient.of(network, new Batch(one, one, Nd4j.zeros(1, 1)), null, 1);

    assertThat(gradient.whole().get(rows())).isEqualTo(rows);
    assertThat(gradient.others().amaxNumber().doubleValue()).isZero();
    BatchGradient.of(other, new Batch(one, one, Nd4j.zeros(1, 1)), null, 1);
    assertThat(ParameterUpdate.gradient(other).amaxNumber().doubleValue()).isZero();
  }

  private static void requireSameState(MultiLayerNetwork actual, MultiLayerNetwork expected) {
    INDArray state = expected.getUpdater().getStateViewArray();
    if (state != null) {
      assertThat(ParameterHash.of(actual.getUpdater().getStateViewArray()))
          .isEqualTo(ParameterHash.of(state));
    }
  }

  private static List<Batch> batches(int count) {
    var random = new Random(5);
    var batches = new ArrayList<Batch>();
    for (int k = 0; k < count; k++) {
      INDArray ids = Nd4j.create(floats(random, B * T), new long[] {B, 1, T}, 'c');
      INDArray labels = Nd4j.create(floats(random, B * T), new long[] {B, 1, T}, 'c');
      batches.add(new Batch(ids, labels, null, random.longs(B).toArray()));
    }
    return batches;
  }

  /** Small ids more often than large ones. */
  private static float[] floats(Random random, int n) {
    float[] ids = new float[n];
    for (int k = 0; k < n; k++) {
      ids[k] = (int) (V * Math.pow(random.nextDouble(), 3));
    }
    return ids;
  }

  private static MultiLayerNetwork network(
      IUpdater updater, double maxNorm, Regularization decay, double wordDropout) {
    return network(updater, maxNorm, decay, wordDropout, false);
  }

  private static MultiLayerNetwork network(
      IUpdater updater, double maxNorm, Regularization decay, double wordDropout, boolean frozen) {
    Embedding embedding =
        new Embedding.Builder()
            .name("embedding")
            .nIn(V)
            .nOut(E)
            .wordDropout(wordDropout)
            .frozen(frozen)
            .build();
    if (decay != null) {
      embedding.setRegularization(new ArrayList<>(List.of(decay)));
    }
    var recurrent = new Recurrent.Builder(Cell.LSTM).nIn(E).nOut(5).build();
    var network =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .seed(5)
                .updater(new GlobalNormClipping(updater, maxNorm))
                .list()
                .layer(embedding)
                .layer(recurrent)
                .layer(new VocabularyOutput.Builder().name("head").nOut(V).build())
                .setInputType(InputType.recurrent(1, T))
                .build());
    network.init();
    return network;
  }
}
