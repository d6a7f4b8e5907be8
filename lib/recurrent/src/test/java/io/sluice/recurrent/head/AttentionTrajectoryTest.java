package io.sluice.recurrent.head;

import static io.sluice.recurrent.TensorAssert.assertClose;

import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.CellShape;
import io.sluice.recurrent.kernel.GoldenFile;
import io.sluice.recurrent.layer.Recurrent;
import io.sluice.recurrent.optim.Adam;
import io.sluice.recurrent.optim.Batch;
import io.sluice.recurrent.optim.CosineDecay;
import io.sluice.recurrent.optim.GlobalNormClipping;
import io.sluice.recurrent.optim.TrainingStep;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.lossfunctions.LossFunctions;
import org.nd4j.linalg.schedule.ISchedule;

/**
 * Twenty steps of training of a DL4J network with attention, as it runs in the jobs: {@code
 * Recurrent}, {@code AdditiveAttention} and {@code OutputLayer} through {@code TrainingStep}, with
 * {@code Adam}. PyTorch's run is the judge.
 */
class AttentionTrajectoryTest {
  static Stream<GoldenFile> trajectories() {
    return GoldenFile.all().stream().filter(f -> f.kind().equals("attention_lstm_classifier"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("trajectories")
  void aNetworkWithAttentionTrainsAsPyTorchs(GoldenFile golden) {
    NativeThreads.set(1);
    int B = golden.size("B");
    int T = golden.size("T");
    int I = golden.size("I");
    var updater = new TwoBiases(golden);
    MultiLayerNetwork network = network(golden, updater);
    network.setParams(parameters(golden, "initial."));
    INDArray x = Nd4j.createFromArray(golden.values("x")).reshape('c', B, T, I).permute(0, 2, 1);
    INDArray labels = Nd4j.zeros(B, golden.size("classes"));
    for (int b = 0; b < B; b++) {
      labels.putScalar(b, (int) golden.values("labels")[b], 1);
    }
    x = x.castTo(DataType.FLOAT);

    network.output(x);
    INDArray attention = AdditiveAttention.weights(network.getLayer(golden.size("layers")));
    var step = new TrainingStep(network);
    double[] losses = new double[golden.values("losses").length];
    for (int k = 0; k < losses.length; k++) {
      losses[k] = step.run(new Batch(x, labels, null));
    }

    // float32: 6e-8 a number, and Adam divides by small deviations
    double tolerance = 1e-4;
    assertClose(
        "attention",
        attention.dup('c').data().asDouble(),
        golden.values("attention_weights_step0"),
        tolerance);
    assertClose("losses", losses, golden.values("losses"), tolerance);
    assertClose(
        "norms",
        updater.norms.stream().mapToDouble(Double::doubleValue).toArray(),
        golden.values("gradient_norms_before_clipping"),
        tolerance);
    assertClose(
        "parameters",
        withoutScoreBias(golden, network.params().dup()),
        withoutScoreBias(golden, parameters(golden, "final.")),
        tolerance);
  }

  /** A softmax does not see that bias: its gradient is rounding, which Adam makes steps of. */
  private static double[] withoutScoreBias(GoldenFile golden, INDArray parameters) {
    double[] values = parameters.data().asDouble();
    int behind = golden.values("final.fc.weight").length + golden.values("final.fc.bias").length;
    values[values.length - behind - 1] = 0;
    return values;
  }

  private static MultiLayerNetwork network(GoldenFile golden, IUpdater updater) {
    var list =
        new NeuralNetConfiguration.Builder().updater(new GlobalNormClipping(updater, 0)).list();
    for (int l = 0; l < golden.size("layers"); l++) {
      CellShape shape = shape(golden, l);
      list.layer(
          new Recurrent.Builder(Cell.LSTM).nIn(shape.inputSize()).nOut(shape.hiddenSize()).build());
    }
    list.layer(
        new AdditiveAttention.Builder()
            .nIn(golden.size("H"))
            .attentionSize(golden.values("initial.attention_hidden.bias").length)
            .build());
    list.layer(
        new OutputLayer.Builder(LossFunctions.LossFunction.MCXENT)
            .nIn(golden.size("H"))
            .nOut(golden.size("classes"))
            .activation(Activation.SOFTMAX)
            .build());
    var network = new MultiLayerNetwork(list.build());
    network.init();
    return network;
  }

  private static CellShape shape(GoldenFile golden, int layer) {
    int H = golden.size("H");
    return new CellShape(Cell.LSTM, layer == 0 ? golden.size("I") : H, H);
  }

  /** All parameters in the order of the network's flat array. */
  private static INDArray parameters(GoldenFile golden, String prefix) {
    var parts = new ArrayList<INDArray>();
    for (int l = 0; l < golden.size("layers"); l++) {
      parts.add(Nd4j.createFromArray(golden.block(shape(golden, l), prefix + "lstm.", "_l" + l)));
    }
    for (String name :
        List.of(
            "attention_hidden.weight",
            "attention_hidden.bias",
            "attention_score.weight",
            "attention_score.bias",
            "fc.weight",
            "fc.bias")) {
      parts.add(Nd4j.createFromArray(golden.values(prefix + name)));
    }
    return Nd4j.concat(0, parts.toArray(INDArray[]::new)).castTo(DataType.FLOAT);
  }

  /**
   * Adam with clipping where each bias of an LSTM stands for PyTorch's two, which have the same
   * gradient: the norm counts it twice, and their sum moves twice.
   */
  private static final class TwoBiases implements IUpdater {
    private static final long serialVersionUID = 1L;

    final List<Double> norms = new ArrayList<>();
    private final GoldenFile golden;
    private final Adam adam;

    TwoBiases(GoldenFile golden) {
      this.golden = golden;
      this.adam =
          new Adam(
              new CosineDecay(
                  golden.values("learning_rate")[0], 0, 0, golden.size("cosine_T_max")));
    }

    private List<INDArray> biases(INDArray flat) {
      var biases = new ArrayList<INDArray>();
      long start = 0;
      for (int l = 0; l < golden.size("layers"); l++) {
        CellShape shape = shape(golden, l);
        long end = start + shape.parameterCount();
        biases.add(flat.get(NDArrayIndex.interval(start + shape.parameter("b").offset(), end)));
        start = end;
      }
      return biases;
    }

    private void clip(INDArray gradient) {
      double squares = Math.pow(gradient.norm2Number().doubleValue(), 2);
      for (INDArray bias : biases(gradient)) {
        squares += Math.pow(bias.norm2Number().doubleValue(), 2);
      }
      norms.add(Math.sqrt(squares));
      // PyTorch's clip_grad_norm_ adds 1e-6 to the norm
      double factor = golden.values("max_grad_norm")[0] / (Math.sqrt(squares) + 1e-6);
      gradient.muli(Math.min(1, factor));
    }

    @Override
    public GradientUpdater<?> instantiate(INDArray view, boolean initialize) {
      GradientUpdater<?> behind = adam.instantiate(view, initialize);
      return new GradientUpdater<TwoBiases>() {
        @Override
        public void applyUpdater(INDArray gradient, int iteration, int epoch) {
          clip(gradient);
          behind.applyUpdater(gradient, iteration, epoch);
          biases(gradient).forEach(bias -> bias.muli(2));
        }

        @Override
        public TwoBiases getConfig() {
          return TwoBiases.this;
        }

        @Override
        public void setState(Map<String, INDArray> state, boolean initialize) {
          behind.setState(state, initialize);
        }

        @Override
        public Map<String, INDArray> getState() {
          return behind.getState();
        }

        @Override
        public void setStateViewArray(INDArray view, long[] shape, char order, boolean initialize) {
          behind.setStateViewArray(view, shape, order, initialize);
        }
      };
    }

    @Override
    public GradientUpdater<?> instantiate(Map<String, INDArray> state, boolean initialize) {
      throw new UnsupportedOperationException("the network has one flat state");
    }

    @Override
    public long stateSize(long parameters) {
      return adam.stateSize(parameters);
    }

    @Override
    public double getLearningRate(int iteration, int epoch) {
      return adam.getLearningRate(iteration, epoch);
    }

    @Override
    public boolean hasLearningRate() {
      return true;
    }

    @Override
    public void setLrAndSchedule(double rate, ISchedule schedule) {
      adam.setLrAndSchedule(rate, schedule);
    }

    @Override
    public IUpdater clone() {
      return this;
    }
  }
}
