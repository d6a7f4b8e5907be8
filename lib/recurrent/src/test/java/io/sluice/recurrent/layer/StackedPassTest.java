package io.sluice.recurrent.layer;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Device;
import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.kernel.RecordingAccelerator;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.optim.Batch;
import io.sluice.recurrent.optim.LossScale;
import io.sluice.recurrent.optim.Replicas;
import io.sluice.recurrent.optim.TrainingStep;
import java.util.List;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The CPU, layer by layer, is the judge of stacks on a GPU that the test makes up. */
class StackedPassTest {
  private static final OptimizerSpec SGD =
      new OptimizerSpec(
          OptimizerSpec.Algorithm.SGD,
          0.1,
          0,
          OptimizerSpec.Schedule.CONSTANT,
          8,
          0,
          1,
          1,
          1,
          1,
          0,
          0);

  private final INDArray x = Nd4j.rand(5, 3, 6);
  private final INDArray y = Nd4j.rand(5, 2);

  @BeforeEach
  void oneGpu() {
    RecordingAccelerator.have(1);
  }

  @AfterEach
  void putAway() {
    RecordingAccelerator.have(0);
  }

  private static Device.Bound bindGpu() {
    return Device.choose(DeviceChoice.AUTO, 0, true).bind();
  }

  @ParameterizedTest
  @EnumSource(
      value = Cell.class,
      names = {"LSTM", "GRU", "RNN"})
  void alikeLayersTrainInOneCallAsTheyDoOneByOne(Cell cell) {
    MultiLayerNetwork judge = network(cell, 0, false, 4, 4, 4);
    MultiLayerNetwork stacked = network(cell, 0, false, 4, 4, 4);
    var expected = new TrainingStep(judge);
    for (int k = 0; k < 3; k++) {
      expected.run(new Batch(x, y, null));
    }

    try (Device.Bound bound = bindGpu();
        var replicas = new Replicas(stacked, 2)) {
      var step = new TrainingStep(replicas, 2);
      for (int k = 0; k < 3; k++) {
        step.run(new Batch(x, y, null));
      }
      assertThat(RecordingAccelerator.made())
          .containsExactly(
              "0: stack of 3 F32 %s, I=3, H=4".formatted(cell),
              "0: stack of 3 F32 %s, I=3, H=4".formatted(cell));
      assertThat(KernelMemory.bytes(stacked)).isPositive();
    }

    assertThat(stacked.params().distance2(judge.params())).isLessThan(1e-6);
    assertThat(KernelMemory.bytes(stacked)).isZero();
  }

  @Test
  void aStackAboveAnotherLayerGivesThatItsGradient() {
    MultiLayerNetwork judge = network(Cell.LSTM, 0, false, 6, 4, 4);
    MultiLayerNetwork stacked = network(Cell.LSTM, 0, false, 6, 4, 4);
    new TrainingStep(judge).run(new Batch(x, y, null));

    try (Device.Bound bound = bindGpu();
        var replicas = new Replicas(stacked, 1)) {
      new TrainingStep(replicas, 1).run(new Batch(x, y, null));
      INDArray expected = judge.output(x);
      try (StackedPass pass = StackedPass.begin(stacked)) {
        assertThat(stacked.output(x).distance2(expected)).isLessThan(1e-6);
      }
    }

    assertThat(RecordingAccelerator.made())
        .extracting(made -> made.replaceAll(" on .*", ""))
        .containsExactly("0: F32 LSTM, I=3, H=6", "0: stack of 2 F32 LSTM, I=6, H=4");
    assertThat(stacked.params().distance2(judge.params())).isLessThan(1e-6);
  }

  @Test
  void whoAsksForEveryLayersOutputGetsIt() {
    MultiLayerNetwork network = network(Cell.LSTM, 0, false, 4, 4);
    List<INDArray> expected = network.feedForward(x);
    KernelMemory.free(network);

    try (Device.Bound bound = bindGpu()) {
      try (StackedPass pass = StackedPass.begin(network)) {
        network.output(x);
      }
      List<INDArray> outputs = network.feedForward(x);

      for (int l = 0; l < expected.size(); l++) {
        assertThat(outputs.get(l).distance2(expected.get(l))).isLessThan(1e-6);
      }
    }
  }

  @Test
  void whatIsNotAlikeOrHasSomethingBetweenComputesOneByOne() {
    for (MultiLayerNetwork network :
        List.of(
            network(Cell.LSTM, 0, false, 4, 5),
            network(Cell.LSTM, 0.2, false, 4, 4),
            network(Cell.LSTM, 0, true, 4, 4),
            network(Cell.PEEPHOLE_LSTM, 0, false, 4, 4))) {
      try (Device.Bound bound = bindGpu();
          var replicas = new Replicas(network, 1)) {
        new TrainingStep(replicas, 1).run(new Batch(x, y, null));
      }
    }

    assertThat(RecordingAccelerator.made()).noneMatch(made -> made.contains("stack"));
  }

  @Test
  void maskedStepsAndCarriedStatesComputeOneByOne() {
    MultiLayerNetwork network = network(Cell.GRU, 0, false, 4, 4);
    INDArray mask = Nd4j.ones(5, 6);
    mask.putScalar(2, 5, 0);
    INDArray expected = network.output(x, false, mask, null);
    INDArray step = network.rnnTimeStep(x);
    network.rnnClearPreviousState();
    KernelMemory.free(network);

    try (Device.Bound bound = bindGpu();
        StackedPass pass = StackedPass.begin(network)) {
      assertThat(network.output(x, false, mask, null).distance2(expected)).isLessThan(1e-6);
      assertThat(network.rnnTimeStep(x).distance2(step)).isLessThan(1e-6);
    }
    assertThat(RecordingAccelerator.made()).noneMatch(made -> made.contains("stack"));
    KernelMemory.free(network);
  }

  @Test
  void withoutMemoryForAStackLayersComputeOneByOne() {
    MultiLayerNetwork judge = network(Cell.LSTM, 0, false, 4, 4);
    MultiLayerNetwork stacked = network(Cell.LSTM, 0, false, 4, 4);
    new TrainingStep(judge).run(new Batch(x, y, null));
    RecordingAccelerator.haveMemoryFor(29);

    try (Device.Bound bound = bindGpu();
        var replicas = new Replicas(stacked, 1)) {
      new TrainingStep(replicas, 1).run(new Batch(x, y, null));
    }

    assertThat(RecordingAccelerator.made()).hasSize(3);
    assertThat(stacked.params().distance2(judge.params())).isLessThan(1e-6);
  }

  @Test
  void aStackInHalfPrecisionHasTheLossScale() {
    MultiLayerNetwork network = network(Cell.LSTM, 0, false, Precision.F16, 4, 4);
    RecordingAccelerator.overflowFrom(65536);

    try (Device.Bound bound = bindGpu();
        var replicas = new Replicas(network, 1)) {
      var step = new TrainingStep(replicas, 1);
      step.run(new Batch(x, y, null));
      assertThat(step.update().wasLeftOut()).isTrue();
      step.run(new Batch(x, y, null));
      assertThat(step.update().lossScale()).hasValue(new LossScale(32768, 1));
    }
  }

  private static MultiLayerNetwork network(
      Cell cell, double dropout, boolean layerNorm, Integer... sizes) {
    return network(cell, dropout, layerNorm, Precision.F32, sizes);
  }

  private static MultiLayerNetwork network(
      Cell cell, double dropout, boolean layerNorm, Precision precision, Integer... sizes) {
    var spec =
        new ModelSpec(
            3,
            6,
            cell,
            List.of(sizes),
            false,
            dropout,
            ModelSpec.Output.LAST,
            List.of(),
            1,
            precision,
            Head.regression(2),
            io.sluice.recurrent.model.Attention.NONE,
            layerNorm,
            false,
            0);
    return Networks.create(spec, SGD, 4);
  }
}
