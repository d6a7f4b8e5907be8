package io.sluice.recurrent.optim;

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
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Steps whose gradients overflow in half precision, on a GPU that the test makes up. */
class HalfPrecisionTest {
  private static final OptimizerSpec ADAM =
      new OptimizerSpec(
          OptimizerSpec.Algorithm.ADAM,
          0.01,
          0,
          OptimizerSpec.Schedule.CONSTANT,
          8,
          0,
          1,
          1,
          1,
          1,
          0,
          1);

  private final Batch batch =
      new Batch(Nd4j.rand(new int[] {4, 3, 6}), Nd4j.rand(new int[] {4, 2}), null);

  @BeforeEach
  void twoGpus() {
    RecordingAccelerator.have(2);
  }

  @AfterEach
  void putAway() {
    RecordingAccelerator.have(0);
  }

  @Test
  void aStepThatOverflowsLeavesParametersAndOptimizerAsTheyAreAndHalvesTheScale() {
    MultiLayerNetwork network = network(Precision.F16, false);
    INDArray before = network.params().dup();
    RecordingAccelerator.overflowFrom(32768);
    try (Device.Bound bound = gpu(0).bind();
        var replicas = new Replicas(network, 1)) {
      var step = new TrainingStep(replicas, 1);

      double loss = step.run(batch);

      assertThat(loss).isFinite().isPositive();
      assertThat(step.update().wasLeftOut()).isTrue();
      assertThat(step.update().lossScale()).hasValue(new LossScale(32768, 0));
      assertThat(network.params()).isEqualTo(before);
      assertThat(network.getUpdater().getStateViewArray().norm2Number().doubleValue()).isZero();
      assertThat(network.getIterationCount()).isEqualTo(1);

      step.run(batch);
      step.run(batch);

      assertThat(step.update().wasLeftOut()).isFalse();
      assertThat(step.update().lossScale()).hasValue(new LossScale(16384, 1));
      assertThat(network.params()).isNotEqualTo(before);
    }
  }

  @Test
  void bothDirectionsOfALayerHaveTheScale() {
    MultiLayerNetwork network = network(Precision.F16, true);
    RecordingAccelerator.overflowFrom(65536);
    try (Device.Bound bound = gpu(0).bind();
        var replicas = new Replicas(network, 1)) {
      var step = new TrainingStep(replicas, 1);

      step.run(batch);

      assertThat(step.update().wasLeftOut()).isTrue();
      assertThat(RecordingAccelerator.made()).hasSize(4);
    }
  }

  @Test
  void ranksLeaveOutTheSameStepsThoughOneOverflows() throws Exception {
    var exchange = new InProcessExchange(2);
    ExecutorService threads = Executors.newFixedThreadPool(2);
    RecordingAccelerator.overflowFrom(16384);
    try {
      var running = new ArrayList<Future<MultiLayerNetwork>>();
      for (int r = 0; r < 2; r++) {
        int rank = r;
        // the other rank computes in float32 and never overflows by itself
        Device device = rank == 0 ? gpu(1) : Device.CPU;
        running.add(
            threads.submit(
                () -> {
                  MultiLayerNetwork network = network(Precision.F16, false);
                  try (Device.Bound bound = device.bind();
                      var replicas = new Replicas(network, 1)) {
                    var step = new TrainingStep(replicas, MicroBatches.ONE, exchange.rank(rank));
                    for (int k = 0; k < 3; k++) {
                      step.run(batch.part(rank, 2), 4);
                      assertThat(step.update().wasLeftOut()).isTrue();
                    }
                    step.run(batch.part(rank, 2), 4);
                    assertThat(step.update().wasLeftOut()).isFalse();
                    assertThat(step.update().lossScale()).hasValue(new LossScale(8192, 1));
                    return network;
                  }
                }));
      }

      MultiLayerNetwork first = running.get(0).get();
      assertThat(first.params()).isEqualTo(running.get(1).get().params());
      assertThat(first.params().norm2Number().doubleValue()).isFinite();
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void otherPrecisionsHaveNoScale() {
    for (Precision precision : List.of(Precision.F32, Precision.TF32, Precision.BF16)) {
      assertThat(new TrainingStep(network(precision, false)).update().lossScale()).isEmpty();
    }
  }

  @Test
  void replicasComputeOnTheDeviceOfWhoCallsThem() {
    try (Device.Bound bound = gpu(1).bind();
        var replicas = new Replicas(network(Precision.TF32, false), 2)) {
      new TrainingStep(replicas, 1).run(batch);
    }

    assertThat(RecordingAccelerator.made())
        .hasSize(4)
        .allMatch(made -> made.startsWith("1: TF32 LSTM"))
        .filteredOn(made -> made.endsWith("on replica-1"))
        .hasSize(2);
  }

  private static Device gpu(int number) {
    return Device.choose(DeviceChoice.GPU, number, true);
  }

  private static MultiLayerNetwork network(Precision precision, boolean bidirectional) {
    var spec =
        new ModelSpec(
            3,
            6,
            Cell.LSTM,
            List.of(5, 4),
            bidirectional,
            0,
            ModelSpec.Output.LAST,
            List.of(),
            1,
            precision,
            Head.regression(2));
    return Networks.create(spec, ADAM, 4);
  }
}
