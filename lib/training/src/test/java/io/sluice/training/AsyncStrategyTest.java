package io.sluice.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.DatagramSocket;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

class AsyncStrategyTest {
  @RegisterExtension static final LocalSpark SPARK = LocalSpark.of(2);

  @TempDir Path folder;

  @BeforeAll
  static void configureAeron() {
    // as the submit scripts set them
    System.setProperty("aeron.publication.unblock.timeout", "60000000000");
    System.setProperty("aeron.term.buffer.length", "4194304");
  }

  @Test
  void learnsASineAndGoesOnAtTheEndOfAnEpoch() throws Exception {
    var run = new TrainerRun(folder, SPARK.session());
    LearnableWindows dataset = new SineWindows(200, 50).learnable();
    String[] settings = {
      "train.strategy=async-gradient-sharing",
      "train.workers=2",
      "train.epochs=12",
      "train.async.port=" + freePort()
    };
    // stopped after two epochs by a patience that ignores small gains
    TrainReport half =
        run.train(
            dataset,
            Stream.concat(
                    Stream.of(settings),
                    Stream.of(
                        "train.early-stopping-patience=1", "train.early-stopping-min-delta=100"))
                .toArray(String[]::new));
    assertThat(half.epochs()).isEqualTo(2);
    assertThat(half.strategy()).isEqualTo("async-gradient-sharing");

    TrainReport rest = run.train(dataset, settings);

    assertThat(rest.resumedFrom()).isEqualTo(half.checkpoint());
    assertThat(rest.epochs()).isEqualTo(12);
    assertThat(rest.steps()).isEqualTo(12 * 13);
    // the sine has a variance of 0.5: a network that learned nothing has that loss
    assertThat(rest.bestValidationLoss()).isLessThan(0.3);
    assertThat(rest.distanceMoved()).isGreaterThan(0.1);
  }

  private static int freePort() throws Exception {
    try (var socket = new DatagramSocket(0)) {
      return socket.getLocalPort();
    }
  }
}
