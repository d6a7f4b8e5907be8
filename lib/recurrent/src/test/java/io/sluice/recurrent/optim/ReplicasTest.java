package io.sluice.recurrent.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.layer.KernelMemory;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions;

class ReplicasTest {
  private final MultiLayerNetwork network = network();

  @Test
  void allComputeWithTheNetworksParametersAsTheyAreNow() {
    try (var replicas = new Replicas(network, 3)) {
      network.params().assign(2);

      List<Float> outputs = replicas.each((replica, rank) -> outputOf(replica, rank));

      // two inputs of weight 2 each, and a bias of 2
      assertThat(outputs).containsExactly(2f, 6f, 10f);
    }
  }

  private static float outputOf(MultiLayerNetwork replica, int rank) {
    INDArray input = Nd4j.valueArrayOf(new long[] {1, 2}, (float) rank);
    return replica.output(input).getFloat(0);
  }

  @Test
  void eachHasAThreadThatStaysItsOwn() {
    try (var replicas = new Replicas(network, 3)) {
      List<Thread> first = replicas.each((replica, rank) -> Thread.currentThread());
      List<Thread> second = replicas.each((replica, rank) -> Thread.currentThread());

      assertThat(second).isEqualTo(first).doesNotHaveDuplicates();
      assertThat(first.get(0)).isSameAs(Thread.currentThread());
    }
  }

  @Test
  void randomNumbersFollowTheCallersSeedAndDifferBetweenReplicas() {
    try (var replicas = new Replicas(network, 3)) {
      Nd4j.getRandom().setSeed(5);
      List<Float> first = replicas.each((replica, rank) -> Nd4j.rand(1).getFloat(0));
      List<Float> next = replicas.each((replica, rank) -> Nd4j.rand(1).getFloat(0));
      Nd4j.getRandom().setSeed(5);
      List<Float> again = replicas.each((replica, rank) -> Nd4j.rand(1).getFloat(0));

      assertThat(first).doesNotHaveDuplicates();
      assertThat(next).doesNotContainAnyElementsOf(first);
      assertThat(again).isEqualTo(first);
    }
  }

  @Test
  void theStepAndEpochAreThoseOfTheNetwork() {
    try (var replicas = new Replicas(network, 2)) {
      network.getLayerWiseConfigurations().setIterationCount(17);
      network.getLayerWiseConfigurations().setEpochCount(3);

      assertThat(replicas.each((replica, rank) -> replica.getIterationCount()))
          .containsExactly(17, 17);
      assertThat(replicas.each((replica, rank) -> replica.getEpochCount())).containsExactly(3, 3);
    }
  }

  @Test
  void aFailureOfOneReachesTheCallerWhenAllAreDone() {
    var done = new AtomicInteger();
    try (var replicas = new Replicas(network, 3)) {
      assertThatThrownBy(
              () ->
                  replicas.each(
                      (replica, rank) -> {
                        if (rank == 1) {
                          throw new IllegalStateException("replica 1 has no memory");
                        }
                        return done.incrementAndGet();
                      }))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("replica 1 has no memory");
      assertThat(done).hasValue(2);
    }
  }

  @Test
  void anErrorOfOneLeavesAfterAllHaveEnded() throws Exception {
    for (int failing = 0; failing < 2; failing++) {
      int rankOfError = failing;
      var done = new AtomicInteger();
      var failed = new CountDownLatch(1);
      try (var replicas = new Replicas(network(), 2)) {
        assertThatThrownBy(
                () ->
                    replicas.each(
                        (replica, rank) -> {
                          if (rank == rankOfError) {
                            failed.countDown();
                            throw new OutOfMemoryError("no native memory is left");
                          }
                          awaitUninterrupted(failed);
                          pause();
                          return done.incrementAndGet();
                        }))
            .isInstanceOf(OutOfMemoryError.class)
            .hasMessage("no native memory is left");
        assertThat(done).hasValue(1);
      }
    }
  }

  /** Long enough for a thread that does not wait to go on. */
  private static void pause() {
    try {
      Thread.sleep(100);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void closingFreesTheMemoryOfAllKernels() {
    MultiLayerNetwork recurrent = recurrent();
    INDArray x = Nd4j.randn(DataType.FLOAT, 4, 3, 7);
    List<MultiLayerNetwork> all;
    try (var replicas = new Replicas(recurrent, 2)) {
      all =
          replicas.each(
              (replica, rank) -> {
                replica.output(x);
                return replica;
              });
      assertThat(all).allMatch(each -> KernelMemory.bytes(each) > 0);
    }
    assertThat(all).hasSize(2).allMatch(each -> KernelMemory.bytes(each) == 0);
  }

  @Test
  void memoryThatAnAbandonedReplicaComputesOnStays() {
    MultiLayerNetwork recurrent = recurrent();
    INDArray x = Nd4j.randn(DataType.FLOAT, 4, 3, 7);
    var computes = new CountDownLatch(1);
    var replicas = new Replicas(recurrent, 2);
    recurrent.output(x);

    assertThatThrownBy(
            () ->
                replicas.each(
                    (replica, rank) -> {
                      if (rank == 0) {
                        Thread.currentThread().interrupt();
                      } else {
                        awaitUninterrupted(computes);
                      }
                      return rank;
                    }))
        .hasMessage("Interrupted while replicas were computing");

    assertThat(Thread.interrupted()).isTrue();
    replicas.close();
    assertThat(KernelMemory.bytes(recurrent)).isPositive();
    computes.countDown();
  }

  /** As a native call does not end when its thread is interrupted. */
  private static void awaitUninterrupted(CountDownLatch latch) {
    while (true) {
      try {
        latch.await();
        return;
      } catch (InterruptedException e) {
        // goes on
      }
    }
  }

  private static MultiLayerNetwork recurrent() {
    return Networks.create(
        new ModelSpec(
            3,
            7,
            Cell.LSTM,
            List.of(8),
            false,
            0,
            ModelSpec.Output.LAST,
            List.of(),
            1,
            Precision.F32,
            Head.regression(1)),
        OptimizerSpec.constantAdam(1e-3),
        1);
  }

  @Test
  void noReplicaIsNoNetwork() {
    assertThatThrownBy(() -> new Replicas(network, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("count is 0, must be at least 1");
    assertThatThrownBy(() -> new TrainingStep(new Replicas(network, 1), 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("count is 0, must be at least 1");
  }

  private static MultiLayerNetwork network() {
    var network =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .updater(new GlobalNormClipping(new Sgd(0.1), 1))
                .list()
                .layer(
                    new OutputLayer.Builder(LossFunctions.LossFunction.MSE)
                        .nIn(2)
                        .nOut(1)
                        .activation(Activation.IDENTITY)
                        .build())
                .build());
    network.init();
    return network;
  }
}
