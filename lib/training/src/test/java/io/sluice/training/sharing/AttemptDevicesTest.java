package io.sluice.training.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.failure.InsufficientClusterException;
import io.sluice.recurrent.kernel.Device;
import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.recurrent.kernel.RecordingAccelerator;
import io.sluice.training.Warnings;
import io.sluice.training.loop.RunObserver;
import io.sluice.training.loop.Strategy.Surroundings;
import io.sluice.training.loop.ThresholdSettings;
import io.sluice.training.transport.Endpoint;
import io.sluice.training.transport.GroupKey;
import io.sluice.training.transport.Security;
import io.sluice.training.transport.TransportSettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the driver makes of the devices that ranks join with. */
class AttemptDevicesTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final GradientSharingSettings settings =
      new GradientSharingSettings(
          GradientSharingSettings.Wire.F32,
          new ThresholdSettings(0, 0.05),
          0,
          0,
          1,
          0,
          PATIENCE,
          PATIENCE,
          PATIENCE);

  private final GroupKey key = GroupKey.create("devices-1");
  private final TransportSettings transport =
      Security.NONE.settings().withHeartbeat(settings.heartbeat(), PATIENCE);
  private final List<List<String>> told = new ArrayList<>();

  @BeforeEach
  void twoGpus() {
    RecordingAccelerator.have(2);
  }

  @AfterEach
  void putAway() {
    RecordingAccelerator.have(0);
  }

  @Test
  void ranksWithAGpuEachBeginAndAreTold() throws Exception {
    attempt(Device.choose(DeviceChoice.AUTO, 1, true), Device.choose(DeviceChoice.AUTO, 0, true));

    assertThat(told).containsExactly(List.of("GPU 1 (recording)", "GPU 0 (recording)"));
  }

  @Test
  void aMixOfGpusAndCpusIsRefusedWithWhoHasWhat() {
    try (var warnings = new Warnings(Attempt.class.getName())) {
      assertThatThrownBy(
              () ->
                  attempt(
                      Device.choose(DeviceChoice.AUTO, 1, true),
                      Device.choose(DeviceChoice.AUTO, 7, true)))
          .isInstanceOf(InsufficientClusterException.class)
          .hasMessage(
              "Some ranks have a GPU and others none, which they would wait for at every step: Rank 0 of 2 (executor 10 on host-0): GPU 1 (recording); Rank 1 of 2 (executor 11 on host-1): CPU. Give every rank one (spark.executor.resource.gpu.amount; device = gpu tells why one has none), or set device = cpu.");
      assertThat(warnings.messages)
          .first()
          .asString()
          .startsWith(
              "Computing on the CPU, though Spark assigned GPU 7: There is no GPU 7 here: this process sees 2, numbered from 0.");
    }
    assertThat(told).isEmpty();
  }

  /** Ranks that join, and are done as soon as they may begin. */
  private void attempt(Device... devices) throws Exception {
    var attempt = new Attempt(devices.length, rank -> "", settings, surroundings(), () -> {});
    ExecutorService threads = Executors.newFixedThreadPool(devices.length);
    var ranks = new ArrayList<Future<?>>();
    try (Endpoint driver = Endpoint.listen(transport, "driver", key, attempt)) {
      for (int r = 0; r < devices.length; r++) {
        int rank = r;
        ranks.add(
            threads.submit(
                () -> {
                  try (var member =
                      new RankMember(
                          rank, transport, key, driver.address(), PATIENCE, reason -> {})) {
                    member.join(List.of("here"), "1" + rank, "host-" + rank, devices[rank]);
                    member.done();
                  }
                  return null;
                }));
      }
      attempt.await(() -> false);
      for (Future<?> rank : ranks) {
        rank.get();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private Surroundings surroundings() {
    var observer =
        new RunObserver() {
          @Override
          public void devicesKnown(List<String> devices) {
            told.add(devices);
          }

          @Override
          public void restartsAt(io.sluice.training.checkpoint.Checkpoint.Position at) {}

          @Override
          public void stepsDone(StepsDone done) {}

          @Override
          public void epochDone(EpochDone done) {}

          @Override
          public void checkpointed(String uri) {}
        };
    return new Surroundings(null, () -> {}, observer, () -> false);
  }
}
