package io.sluice.recurrent.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Device;
import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.recurrent.kernel.DeviceMemoryException;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.layer.KernelMemory;
import io.sluice.recurrent.model.Attention;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.model.WordEmbedding;
import io.sluice.recurrent.optim.Batch;
import io.sluice.recurrent.optim.LossScale;
import io.sluice.recurrent.optim.Replicas;
import io.sluice.recurrent.optim.TrainingStep;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Networks train on a GPU as they do on the CPU, which is the judge. */
class GpuTrainingTest {
  private static final int STEPS = 20;
  private static final int B = 12;
  private static final int T = 30;
  private static final int V = 40;

  private static final OptimizerSpec ADAM =
      new OptimizerSpec(
          OptimizerSpec.Algorithm.ADAM,
          2e-3,
          0,
          OptimizerSpec.Schedule.CONSTANT,
          STEPS,
          0,
          1,
          1,
          1,
          1,
          0,
          1);

  @BeforeAll
  static void machineHasAGpu() {
    Assumptions.assumeTrue(Cuda.problem().isEmpty(), () -> Cuda.problem().get());
  }

  @ParameterizedTest
  @EnumSource(
      value = Cell.class,
      names = {"LSTM", "GRU", "RNN"})
  void alikeLayersInOneCallTrainAsOnTheCpu(Cell cell) {
    requireAlike(numbers(cell, Precision.F32, 0, Attention.NONE, 32, 32, 32), windows(), 2);
  }

  @ParameterizedTest
  @EnumSource(
      value = Cell.class,
      names = {"LSTM", "GRU", "RNN"})
  void layersOneByOneWithDropoutBetweenTrainAsOnTheCpu(Cell cell) {
    requireAlike(numbers(cell, Precision.F32, 0.3, Attention.additive(8), 32, 24), windows(), 1);
  }

  @Test
  void textsOfManyLengthsReadInBothDirectionsTrainAsOnTheCpu() {
    requireAlike(texts(Precision.F32), documents(), 2);
  }

  @ParameterizedTest
  @EnumSource(
      value = Precision.class,
      names = {"TF32", "BF16", "F16"})
  void fewerBitsLearnWhatFloat32Learns(Precision precision) {
    Batch batch = documents();
    double[] expected = losses(Networks.create(texts(Precision.F32), ADAM, 4), batch, 1);
    double[] actual = onGpu(Networks.create(texts(precision), ADAM, 4), batch, 1);

    // 10, 8 and 11 bits
    for (int k = 0; k < STEPS; k++) {
      assertThat(actual[k]).as("loss of step %d", k).isCloseTo(expected[k], within(0.02));
    }
    assertThat(actual[STEPS - 1]).isLessThan(0.9 * actual[0]);
  }

  @Test
  void halfPrecisionHalvesItsLossScaleUntilGradientsAreFinite() {
    MultiLayerNetwork network =
        Networks.create(numbers(Cell.LSTM, Precision.F16, 0, Attention.NONE, 32, 32), ADAM, 4);
    Batch batch = windows();
    batch.labels().muli(50);
    try (Device.Bound bound = gpu(DeviceChoice.GPU).bind();
        var replicas = new Replicas(network, 1)) {
      var step = new TrainingStep(replicas, 1);
      step.update().setLossScale(new LossScale(1 << 24, 0));
      int leftOut = 0;
      for (int k = 0; k < 60; k++) {
        assertThat(step.run(batch)).isFinite();
        leftOut += step.update().wasLeftOut() ? 1 : 0;
      }

      assertThat(leftOut).isBetween(1, 24);
      assertThat(step.update().lossScale().orElseThrow().value())
          .isEqualTo((1 << 24) / Math.pow(2, leftOut));
      assertThat(network.params().isNaN().any()).isFalse();
    }
  }

  @Test
  void sequencesInPiecesWithStatesCarriedGiveWhatTheCpuGives() {
    MultiLayerNetwork network =
        Networks.create(numbers(Cell.LSTM, Precision.F32, 0, Attention.NONE, 32, 32), ADAM, 4);
    INDArray x = windows().features();
    INDArray expected = network.rnnTimeStep(x);
    network.rnnClearPreviousState();
    KernelMemory.free(network);

    try (Device.Bound bound = gpu(DeviceChoice.GPU).bind()) {
      INDArray whole = network.rnnTimeStep(x);
      assertThat(whole.distance2(expected)).isLessThan(1e-4);
      KernelMemory.free(network);
    }
  }

  @Test
  void onAFullGpuLayersGoOnOnTheCpu() {
    ModelSpec spec = numbers(Cell.LSTM, Precision.F32, 0.3, Attention.NONE, 32, 24);
    Batch batch = windows();
    double[] expected = losses(Networks.create(spec, ADAM, 4), batch, 1);
    MultiLayerNetwork network = Networks.create(spec, ADAM, 4);
    double[] actual;

    try (var hog = new Hog()) {
      hog.takeAllBut(0);
      actual = trained(network, batch, 1, DeviceChoice.AUTO);
    }

    for (int k = 0; k < STEPS; k++) {
      assertThat(actual[k]).as("loss of step %d", k).isCloseTo(expected[k], within(1e-4));
    }
  }

  /** Takes what is free of GPU 0. */
  private static final class Hog implements AutoCloseable {
    private final CudaContext context = new CudaContext(0);
    private final List<DeviceBuffer> buffers = new ArrayList<>();

    void takeAllBut(long bytes) {
      context.enter();
      for (long size = 1L << 36; size >= 1 << 16; size /= 2) {
        while (Cuda.freeBytes(0) - bytes > size) {
          var buffer = new DeviceBuffer();
          try {
            buffer.atLeast(size, "a test");
          } catch (DeviceMemoryException e) {
            break;
          }
          buffers.add(buffer);
        }
      }
    }

    @Override
    public void close() {
      buffers.forEach(DeviceBuffer::close);
      context.close();
    }
  }

  private static void requireAlike(ModelSpec spec, Batch batch, int replicas) {
    MultiLayerNetwork judge = Networks.create(spec, ADAM, 4);
    MultiLayerNetwork network = Networks.create(spec, ADAM, 4);

    double[] expected = losses(judge, batch, replicas);
    double[] actual = onGpu(network, batch, replicas);

    for (int k = 0; k < STEPS; k++) {
      assertThat(actual[k]).as("loss of step %d", k).isCloseTo(expected[k], within(1e-4));
    }
    assertThat(expected[STEPS - 1]).isLessThan(expected[0]);
    // Adam divides by small deviations
    assertThat(network.params().distance2(judge.params()))
        .isLessThan(5e-3 * judge.params().norm2Number().doubleValue());
  }

  private static Device gpu(DeviceChoice choice) {
    return Device.choose(choice, 0, true);
  }

  private static double[] onGpu(MultiLayerNetwork network, Batch batch, int replicas) {
    return trained(network, batch, replicas, DeviceChoice.GPU);
  }

  private static double[] trained(
      MultiLayerNetwork network, Batch batch, int replicas, DeviceChoice choice) {
    Device device = gpu(choice);
    assertThat(device.isGpu()).isTrue();
    try (Device.Bound bound = device.bind()) {
      return losses(network, batch, replicas);
    }
  }

  private static double[] losses(MultiLayerNetwork network, Batch batch, int count) {
    var losses = new double[STEPS];
    try (var replicas = new Replicas(network, count)) {
      var step = new TrainingStep(replicas, 1);
      // at 2^16 half precision leaves out the first step
      step.update().setLossScale(new LossScale(1 << 10, 0));
      for (int k = 0; k < STEPS; k++) {
        losses[k] = step.run(batch);
        assertThat(step.update().wasLeftOut()).isFalse();
      }
      KernelMemory.free(network);
    }
    return losses;
  }

  private static ModelSpec numbers(
      Cell cell, Precision precision, double dropout, Attention attention, Integer... hidden) {
    return new ModelSpec(
        7,
        T,
        cell,
        List.of(hidden),
        false,
        dropout,
        ModelSpec.Output.LAST,
        List.of(),
        1,
        precision,
        Head.regression(2),
        attention,
        false,
        false,
        0);
  }

  private static ModelSpec texts(Precision precision) {
    return new ModelSpec(
            1,
            T,
            Cell.LSTM,
            List.of(32),
            true,
            0.2,
            ModelSpec.Output.LAST,
            List.of(),
            1,
            precision,
            Head.classes(2, List.of()),
            Attention.additive(8),
            false,
            false,
            0)
        .with(new WordEmbedding(V, 16, false, 0.1, false));
  }

  private static Batch windows() {
    var random = new Random(5);
    INDArray x = Nd4j.create(B, 7, T);
    INDArray y = Nd4j.create(B, 2);
    for (int b = 0; b < B; b++) {
      double level = random.nextGaussian();
      for (int i = 0; i < 7; i++) {
        for (int t = 0; t < T; t++) {
          x.putScalar(new int[] {b, i, t}, level + 0.5 * random.nextGaussian());
        }
      }
      y.putScalar(b, 0, level);
      y.putScalar(b, 1, -level);
    }
    return new Batch(x, y, null);
  }

  /** A text whose class shows in its words, of 1 to T of them. */
  private static Batch documents() {
    var random = new Random(6);
    INDArray ids = Nd4j.zeros(B, 1, T);
    INDArray mask = Nd4j.zeros(B, T);
    INDArray labels = Nd4j.zeros(B, 2);
    for (int b = 0; b < B; b++) {
      int label = b % 2;
      labels.putScalar(b, label, 1);
      int length = 1 + random.nextInt(T);
      for (int t = 0; t < (b == 0 ? T : length); t++) {
        ids.putScalar(new int[] {b, 0, t}, 2 * random.nextInt(V / 2) + label);
        mask.putScalar(b, t, 1);
      }
    }
    return new Batch(ids, mask, labels, null, new long[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  }
}
