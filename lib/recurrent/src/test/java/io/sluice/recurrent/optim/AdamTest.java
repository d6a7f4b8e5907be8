package io.sluice.recurrent.optim;

import static io.sluice.recurrent.TensorAssert.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.serde.JsonMappers;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.lossfunctions.LossFunctions;
import org.nd4j.linalg.schedule.FixedSchedule;
import org.nd4j.linalg.schedule.ISchedule;

class AdamTest {
  private static final ISchedule COSINE = new CosineDecay(1, 0, 0, 60);

  /** Algorithm 1 as its authors write it, in float64; and AdamW as PyTorch does. */
  private static final class Formulas {
    private final double[] m;
    private final double[] v;

    Formulas(int P) {
      m = new double[P];
      v = new double[P];
    }

    double[] update(double[] g, double rate, int t) {
      double[] update = new double[g.length];
      for (int k = 0; k < g.length; k++) {
        m[k] = 0.9 * m[k] + (1 - 0.9) * g[k];
        v[k] = 0.999 * v[k] + (1 - 0.999) * g[k] * g[k];
        double mean = m[k] / (1 - Math.pow(0.9, t));
        double square = v[k] / (1 - Math.pow(0.999, t));
        update[k] = rate * mean / (Math.sqrt(square) + 1e-8);
      }
      return update;
    }

    void step(double[] w, double[] g, double rate, int t, double[] decay) {
      double[] update = update(g, rate, t);
      for (int k = 0; k < w.length; k++) {
        w[k] *= 1 - rate * decay[k];
        w[k] -= update[k];
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    // rounding of 50 float32 sums: m is a sum of gradients of both signs
    "FLOAT, 1e-6",
    "DOUBLE, 1e-14"
  })
  void updatesAndMomentsAreThoseOfTheFormulas(DataType type, double tolerance) {
    int P = 2 * FloatBlocks.SIZE + 77;
    double[] scales = {1e4, 1, 1e-3, 1e-7, 3e-9, 1e-12};
    var random = new Random(8);
    var formulas = new Formulas(P);
    INDArray state = Nd4j.ones(type, 1, 2L * P);
    GradientUpdater<?> adam = new Adam(COSINE).instantiate(state, true);
    for (int step = 0; step < 50; step++) {
      INDArray gradient = Nd4j.create(type, 1, P);
      for (int k = 0; k < P; k++) {
        gradient.putScalar(k, scales[k % scales.length] * random.nextGaussian());
      }
      double rate = COSINE.valueAt(step, 0);
      double[] expected = formulas.update(gradient.toDoubleVector(), rate, step + 1);

      adam.applyUpdater(gradient, step, 0);

      // an update of gradients around s is around s / (s + ε): as accurate for the smallest
      double[] actual = gradient.toDoubleVector();
      for (int k = 0; k < P; k++) {
        double usual = scales[k % scales.length] / (scales[k % scales.length] + 1e-8);
        actual[k] /= usual;
        expected[k] /= usual;
      }
      assertClose("update " + step, actual, expected, tolerance);
    }
    double[] moments = state.toDoubleVector();
    for (int k = 0; k < P; k++) {
      double scale = scales[k % scales.length];
      assertThat(Math.abs(moments[k] - formulas.m[k])).isLessThan(tolerance * scale);
      assertThat(Math.abs(moments[P + k] - formulas.v[k])).isLessThan(tolerance * scale * scale);
    }
  }

  @ParameterizedTest
  @CsvSource({
    // the same gradients on both sides; parameters of 6e-8 precision move 50 times
    "FLOAT, 0, 2e-6",
    "FLOAT, 0.1, 2e-6",
    "DOUBLE, 0, 1e-14",
    "DOUBLE, 0.1, 1e-14"
  })
  void fitMovesParametersAsPyTorchDoes(DataType type, double decay, double tolerance) {
    ISchedule rate = new CosineDecay(0.05, 0, 0, 60);
    MultiLayerNetwork network = network(new GlobalNormClipping(new Adam(rate), 0), type, decay);
    int P = Math.toIntExact(network.numParams());
    double[] parameters = network.params().toDoubleVector();
    // weights of the layers, 2 · 3 and 3 · 1, are before their biases
    double[] decays = new double[P];
    for (int k : new int[] {0, 1, 2, 3, 4, 5, 9, 10, 11}) {
      decays[k] = decay;
    }
    var formulas = new Formulas(P);
    INDArray x = Nd4j.createFromArray(new double[][] {{1, 2}, {3, -1}, {0, 4}}).castTo(type);
    INDArray y = Nd4j.createFromArray(new double[][] {{5}, {-4}, {9}}).castTo(type);
    for (int step = 0; step < 50; step++) {
      network.setInput(x);
      network.setLabels(y);
      network.computeGradientAndScore();
      double[] gradient = network.getFlattenedGradients().div(3).toDoubleVector();

      network.fit(x, y);

      formulas.step(parameters, gradient, rate.valueAt(step, 0), step + 1, decays);
      assertClose("step " + step, network.params().toDoubleVector(), parameters, tolerance);
    }
  }

  @Test
  void momentsOfParametersWithoutGradientNeverBecomeDenormal() {
    int P = 40;
    INDArray state = Nd4j.create(DataType.FLOAT, 1, 2L * P);
    for (int k = 0; k < P; k++) {
      state.putScalar(k, (float) Math.pow(10, -30 - k / 3.0));
      state.putScalar(P + k, (float) Math.pow(10, -30 - k / 3.0));
    }
    GradientUpdater<?> adam = new Adam(COSINE).instantiate(state, false);

    for (int step = 0; step < 50; step++) {
      adam.applyUpdater(Nd4j.zeros(DataType.FLOAT, 1, P), step, 0);

      for (float each : state.toFloatVector()) {
        assertThat(each).matches(x -> x == 0 || Math.abs(x) >= Float.MIN_NORMAL, "is normal");
      }
    }
  }

  @Test
  void aNumberThatIsNoneStaysInItsParameter() {
    INDArray gradient = Nd4j.createFromArray(1f, Float.NaN, -2f).reshape(1, 3);

    new Adam(COSINE).instantiate(Nd4j.create(1, 6), true).applyUpdater(gradient, 0, 0);

    assertThat(gradient.getFloat(1)).isNaN();
    assertThat(gradient.getFloat(0)).isEqualTo(1f);
    assertThat(gradient.getFloat(2)).isEqualTo(-1f);
  }

  @Test
  void gradientsWithGapsOrInAnotherOrderMoveAsOthersDo() {
    INDArray values = Nd4j.randn(DataType.FLOAT, 6, 4);
    INDArray whole = values.dup('c').reshape(1, 24);
    INDArray gaps = Nd4j.create(DataType.FLOAT, 24, 2).getColumn(1).assign(values.reshape(24));
    INDArray columns = values.dup('f');

    new Adam(COSINE).instantiate(Nd4j.create(1, 48), true).applyUpdater(whole, 0, 0);
    new Adam(COSINE).instantiate(Nd4j.create(1, 48), true).applyUpdater(gaps, 0, 0);
    new Adam(COSINE)
        .instantiate(Map.of("M", Nd4j.ones(6, 4), "V", Nd4j.ones(6, 4)), true)
        .applyUpdater(columns, 0, 0);

    // ND4J and Java round another way
    assertClose("gaps", gaps.toDoubleVector(), whole.toDoubleVector(), 1e-6);
    assertClose("columns", columns.dup('c').ravel().toDoubleVector(), whole.toDoubleVector(), 1e-6);
  }

  @Test
  void networkSavedWithDl4jsAdamOpensAndItsStateGoesOnInThisOne() throws Exception {
    INDArray x = Nd4j.createFromArray(new float[][] {{1, 2}, {3, -1}, {0, 4}});
    INDArray y = Nd4j.createFromArray(new float[][] {{5}, {-4}, {9}});
    var theirs = new org.nd4j.linalg.learning.config.Adam(new FixedSchedule(0.01));
    MultiLayerNetwork old = network(new GlobalNormClipping(theirs, 1), DataType.FLOAT, 0);
    for (int step = 0; step < 5; step++) {
      old.fit(x, y);
    }
    var bytes = new ByteArrayOutputStream();
    ModelSerializer.writeModel(old, bytes, true);

    MultiLayerNetwork saved =
        ModelSerializer.restoreMultiLayerNetwork(
            new ByteArrayInputStream(bytes.toByteArray()), true);
    var ours = new Adam(new FixedSchedule(0.01));
    MultiLayerNetwork resumed = network(new GlobalNormClipping(ours, 1), DataType.FLOAT, 0);
    resumed.setParams(saved.params());
    resumed
        .getUpdater()
        .setStateViewArray(resumed, saved.getUpdater().getStateViewArray().dup(), false);
    resumed.getLayerWiseConfigurations().setIterationCount(5);
    for (int step = 0; step < 5; step++) {
      old.fit(x, y);
      resumed.fit(x, y);
    }

    assertThat(saved.getIterationCount()).isEqualTo(5);
    // gradients are far above ε; float32's 0.999 makes DL4J's 1 − β2 1.3e-5 smaller
    assertClose("w", resumed.params().toDoubleVector(), old.params().toDoubleVector(), 1e-5);
    assertClose(
        "m | v",
        resumed.getUpdater().getStateViewArray().toDoubleVector(),
        old.getUpdater().getStateViewArray().toDoubleVector(),
        1e-5);
  }

  @Test
  void itsJsonIsAFormat() throws Exception {
    var mapper = JsonMappers.getMapper();
    String json =
        """
        {
          "@class": "io.sluice.recurrent.optim.Adam",
          "learningRate": {
            "@class": "io.sluice.recurrent.optim.CosineDecay",
            "peak": 1.0, "floor": 0.0, "start": 0, "end": 60
          },
          "beta1": 0.8,
          "beta2": 0.99,
          "epsilon": 1.0E-6
        }
        """;
    IUpdater adam = new Adam(COSINE, 0.8, 0.99, 1e-6);

    assertThat(mapper.readTree(mapper.writeValueAsString(adam))).isEqualTo(mapper.readTree(json));
    assertThat(mapper.readValue(json, IUpdater.class)).isEqualTo(adam).isEqualTo(adam.clone());
  }

  @Test
  void anotherRateIsTakenWithAndWithoutASchedule() {
    var adam = new Adam(COSINE);

    adam.setLrAndSchedule(0.3, null);
    assertThat(adam.getLearningRate(7, 0)).isEqualTo(0.3);
    adam.setLrAndSchedule(Double.NaN, COSINE);
    assertThat(adam).isEqualTo(new Adam(COSINE));
  }

  @Test
  void settingsAndArraysThatDoNotFitAreRefused() {
    assertThatThrownBy(() -> new Adam(COSINE, 1, 0.999, 1e-8))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("beta1 is 1.0, must be in [0, 1)");
    assertThatThrownBy(() -> new Adam(COSINE, 0.9, Double.NaN, 1e-8))
        .hasMessage("beta2 is NaN, must be in [0, 1)");
    assertThatThrownBy(() -> new Adam(COSINE, 0.9, 0.999, 0))
        .hasMessage("epsilon is 0.0, must be above 0");
    var adam = new Adam(COSINE).instantiate(Nd4j.create(1, 6), true);
    assertThatThrownBy(() -> adam.applyUpdater(Nd4j.create(1, 4), 0, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("gradient has length 4, expected that of the state's moments, 3");
    assertThatThrownBy(() -> new Adam(COSINE).instantiate(Map.of("M", Nd4j.create(1, 3)), true))
        .hasMessage("The state has [M], expected exactly M and V");
  }

  private static MultiLayerNetwork network(IUpdater updater, DataType type, double decay) {
    var dense = new DenseLayer.Builder().nIn(2).nOut(3).activation(Activation.TANH).build();
    var head =
        new OutputLayer.Builder(LossFunctions.LossFunction.MSE)
            .nIn(3)
            .nOut(1)
            .activation(Activation.IDENTITY)
            .build();
    if (decay > 0) {
      dense.setRegularization(List.of(new DecoupledWeightDecay(decay)));
      head.setRegularization(List.of(new DecoupledWeightDecay(decay)));
    }
    var network =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .seed(12)
                .dataType(type)
                .updater(updater)
                .list()
                .layer(dense)
                .layer(head)
                .build());
    network.init();
    return network;
  }
}
