package io.sluice.training.async;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.training.LocalSpark;
import java.io.File;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import org.apache.spark.SparkConf;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Two workers in one process; {@link AsyncGradientSharingIT} has two processes. */
class AsyncGradientSharingTest {
  private static final CountDownLatch NEVER = new CountDownLatch(1);

  @RegisterExtension static final LocalSpark SPARK = LocalSpark.of(2);

  @BeforeAll
  static void configureAeron() {
    AeronOptions.PROPERTIES.forEach(System::setProperty);
  }

  @Test
  void theDriversNetworkLearnsFromEveryUpdate() throws Exception {
    MultiLayerNetwork network = Halves.network();
    INDArray before = network.params().dup();
    double lossBefore = network.score(Halves.points(-1));
    AsyncGradientSharing.Epoch first;
    AsyncGradientSharing.Epoch second;

    try (var sharing = open(network, Halves.settings(freePort()))) {
      first = sharing.train(0, Halves.shares(20), Halves.LEARNING_RATE);
      second = sharing.train(1, Halves.shares(20), Halves.LEARNING_RATE);
    }

    assertThat(first.steps()).isEqualTo(40);
    assertThat(first.updatesApplied()).isEqualTo(first.updatesSent()).isPositive();
    assertThat(first.distanceMoved()).isPositive();
    assertThat(second.loss()).isLessThan(first.loss());
    assertThat(network.score(Halves.points(-1))).isLessThan(0.8 * lossBefore);
    assertThat(network.params().distance2(before)).isGreaterThan(first.distanceMoved() / 2);
    assertThat(network.getIterationCount()).isEqualTo(40);
  }

  @Test
  void leavesNoThreadAndNoFileBehind() throws Exception {
    Set<String> filesBefore = aeronFolders();

    try (var sharing = open(Halves.network(), Halves.settings(freePort()))) {
      sharing.train(0, Halves.shares(2), Halves.LEARNING_RATE);
      assertThat(aeronFolders()).hasSize(filesBefore.size() + 1);
    }

    assertThat(aeronFolders()).isEqualTo(filesBefore);
    assertThat(Thread.getAllStackTraces().keySet())
        .extracting(Thread::getName)
        .noneMatch(name -> name.contains("aeron") || name.contains("MessagesExecutorService"))
        .noneMatch(name -> name.startsWith("async-gradient-sharing"));
  }

  @Test
  void aRunThatStallsIsCancelledAndSparkGoesOn() throws Exception {
    var settings =
        new AsyncSettings(
            "127.0.0.1", freePort(), 0, 1e-3, Duration.ofSeconds(5), Duration.ofSeconds(2), false);

    try (var sharing = open(Halves.network(), settings)) {
      assertThatThrownBy(
              () ->
                  sharing.train(
                      0,
                      (epoch, worker) -> {
                        NEVER.await();
                        return null;
                      },
                      Halves.LEARNING_RATE))
          .hasMessage(
              "No update has reached the driver for 2 s in epoch 1 (0 before). No task has failed: see the executors' logs; raise train.async.stall-timeout if a step takes that long.");
    }

    assertThat(SPARK.session().range(0, 10, 1, 2).count()).isEqualTo(10);
  }

  @Test
  void aFailureOfALoaderIsTheRunsFailure() throws Exception {
    try (var sharing = open(Halves.network(), Halves.settings(freePort()))) {
      assertThatThrownBy(
              () ->
                  sharing.train(
                      0,
                      (epoch, worker) -> {
                        throw new IllegalStateException("part 7 is gone");
                      },
                      Halves.LEARNING_RATE))
          .hasStackTraceContaining("part 7 is gone");
    }
  }

  @Test
  void aTakenPortIsToldBeforeTheRun() throws Exception {
    try (var taken = new DatagramSocket(0, InetAddress.getByName("127.0.0.1"))) {
      int port = taken.getLocalPort();

      assertThatThrownBy(() -> open(Halves.network(), Halves.settings(port)))
          .hasMessageStartingWith(
              "Cannot start async-gradient-sharing, 1 problem(s):\n  - driver: UDP port 127.0.0.1:%d cannot be opened ("
                  .formatted(port))
          .hasMessageEndingWith("Free it, or change train.async.port or address");
    }
  }

  @Test
  void aSparkThatAuthenticatesIsRefused() {
    var spark = new SparkConf(false).set("spark.authenticate", "true");

    Preflight.requireAccepted(spark, true);
    assertThatThrownBy(() -> Preflight.requireAccepted(spark, false))
        .hasMessage(
            """
            Invalid configuration of this Spark application, 1 problem(s):
              - spark.authenticate: is true, and async-gradient-sharing sends over UDP, neither authenticated nor encrypted. Use train.strategy = gradient-sharing, or set train.async.accept-unauthenticated = true if every machine that reaches the executors' network is trusted""");
  }

  private static AsyncGradientSharing open(MultiLayerNetwork network, AsyncSettings settings) {
    return AsyncGradientSharing.open(SPARK.context(), network, 2, Halves::network, settings);
  }

  private static int freePort() throws Exception {
    return Endpoint.free("127.0.0.1", 0, 0).port();
  }

  private static Set<String> aeronFolders() {
    String[] names = new File("/dev/shm").list((folder, name) -> name.startsWith("aeron-"));
    return names == null ? Set.of() : Set.of(names).stream().collect(Collectors.toSet());
  }
}
