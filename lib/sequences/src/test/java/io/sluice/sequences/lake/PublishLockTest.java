package io.sluice.sequences.lake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.failure.OperationFailedException;
import io.sluice.sequences.lake.PublishLock.Wording;
import io.sluice.sequences.lake.TroubledFileSystem.Trouble;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PublishLockTest {
  private static final Duration TEN_MINUTES = Duration.ofMinutes(10);
  private final Configuration hadoop = new Configuration();
  @TempDir Path folder;
  private String target;
  private Path lockFile;

  @BeforeEach
  void nameTheTarget() {
    target = folder.resolve("dataset").toUri().toString();
    lockFile = folder.resolve("dataset.lock");
  }

  @Test
  void aSecondPublisherIsRefusedAndToldWhoHolds() {
    try (var held = PublishLock.acquire(target, "run-1", TEN_MINUTES, hadoop)) {
      held.requireHeld();

      assertThatThrownBy(() -> PublishLock.acquire(target, "run-2", TEN_MINUTES, hadoop))
          .isInstanceOf(OperationFailedException.class)
          .hasMessageMatching(
              "Cannot publish to \\S+/dataset: run run-1 on host \\S+ \\(process %d, since \\S+\\) is publishing there\\. Wait for it to end; if it is dead, its lock \\S+/dataset\\.lock is taken over 600 s after its last sign of life\\."
                  .formatted(ProcessHandle.current().pid()));
    }

    assertThat(lockFile).doesNotExist();
    PublishLock.acquire(target, "run-2", TEN_MINUTES, hadoop).close();
  }

  @RepeatedTest(5)
  void ofManyAtOnceOneHoldsAtATime() throws Exception {
    var inside = new AtomicInteger();
    var most = new AtomicInteger();
    var acquired = new AtomicInteger();

    atOnce(
        8,
        () -> {
          for (int i = 0; i < 20; i++) {
            try (var lock = PublishLock.acquire(target, "run", TEN_MINUTES, hadoop)) {
              most.accumulateAndGet(inside.incrementAndGet(), Math::max);
              acquired.incrementAndGet();
              Thread.sleep(1);
              inside.decrementAndGet();
            } catch (OperationFailedException refused) {
              Thread.sleep(1);
            }
          }
          return null;
        });

    assertThat(most).hasValue(1);
    assertThat(acquired.get()).isPositive();
  }

  @RepeatedTest(5)
  void aStaleLockIsTakenOverByOne() throws Exception {
    writeLock(new LockHolder("id", "dead", "elsewhere", "", 1, "2024-01-01T00:00:00Z"));
    Files.setLastModifiedTime(lockFile, FileTime.from(Instant.now().minusSeconds(700)));
    var winners = new ArrayList<PublishLock>();

    atOnce(
        8,
        () -> {
          try {
            PublishLock lock = PublishLock.acquire(target, "run", TEN_MINUTES, hadoop);
            synchronized (winners) {
              winners.add(lock);
            }
          } catch (OperationFailedException refused) {
            assertThat(refused).hasMessageContaining("Cannot publish to");
          }
          return null;
        });

    assertThat(winners).hasSize(1);
    winners.get(0).requireHeld();
    winners.get(0).close();
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void aLockOfALivingRunElsewhereIsRespected() throws IOException {
    writeLock(new LockHolder("id", "alive", "elsewhere", "", 1, "2024-01-01T00:00:00Z"));
    Files.setLastModifiedTime(lockFile, FileTime.from(Instant.now().minusSeconds(500)));

    assertThatThrownBy(() -> PublishLock.acquire(target, "run", TEN_MINUTES, hadoop))
        .hasMessageContaining(
            "run alive on host elsewhere (process 1, since 2024-01-01T00:00:00Z)");
  }

  @Test
  void aProcessThatIsGoneFromThisMachineHoldsNothing() throws IOException {
    LockHolder self = LockHolder.self("dead");
    org.junit.jupiter.api.Assumptions.assumeFalse(self.processes().isEmpty(), "not Linux");
    long noSuchProcess = 4_194_305; // one above Linux's highest process number
    writeLock(
        new LockHolder(
            "id", "dead", self.host(), self.processes(), noSuchProcess, self.startedAt()));

    PublishLock.acquire(target, "run", TEN_MINUTES, hadoop).close();

    assertThat(lockFile).doesNotExist();
  }

  @Test
  void aHeldLockStaysFresh() throws IOException {
    var heartbeat = new HeartbeatByHand();
    try (var held =
        PublishLock.acquire(target, "run-1", TEN_MINUTES, Wording.PUBLISH, hadoop, heartbeat)) {
      Files.setLastModifiedTime(lockFile, FileTime.from(Instant.now().minusSeconds(700)));

      heartbeat.beat.run();

      assertThat(heartbeat.interval).isEqualTo(TEN_MINUTES.dividedBy(4));
      assertThatThrownBy(() -> PublishLock.acquire(target, "run-2", TEN_MINUTES, hadoop))
          .isInstanceOf(OperationFailedException.class)
          .hasMessageContaining("run run-1 on host");
      held.requireHeld();
    }
    assertThat(heartbeat.isShutdown()).isTrue();
  }

  @Test
  void whoLostTheLockMayNotPublish() throws IOException {
    try (var lost = PublishLock.acquire(target, "run-1", TEN_MINUTES, hadoop)) {
      LockHolder rival = new LockHolder("id", "run-2", "h7", "", 5, "2024-01-01T00:00:00Z");
      writeLock(rival);

      assertThatThrownBy(lost::requireHeld)
          .isInstanceOf(OperationFailedException.class)
          .hasMessage(
              "Cannot publish to %s: the lock %s.lock was taken by run run-2 on host h7 (process 5, since 2024-01-01T00:00:00Z). Nothing was changed; run again."
                  .formatted(target, target));
    }
    assertThat(lockFile).as("the rival's lock is not ours to delete").exists();
  }

  @Test
  void aHalfWrittenLockCounts() throws IOException {
    Files.writeString(lockFile, "{\"lockId\": ");

    assertThatThrownBy(() -> PublishLock.acquire(target, "run", TEN_MINUTES, hadoop))
        .hasMessageContaining("another run is publishing there");
    Files.setLastModifiedTime(lockFile, FileTime.from(Instant.now().minusSeconds(700)));
    PublishLock.acquire(target, "run", TEN_MINUTES, hadoop).close();
  }

  @Test
  void withoutPermissionTheMessageSaysSo() {
    Configuration forbidden = TroubledFileSystem.with(Trouble.WRITES_ARE_FORBIDDEN);
    String elsewhere = "troubled:" + folder + "/new/dataset";

    assertThatThrownBy(() -> PublishLock.acquire(elsewhere, "run", TEN_MINUTES, forbidden))
        .isInstanceOf(OperationFailedException.class)
        .hasMessageStartingWith("Cannot write %s.lock: no permission".formatted(elsewhere));
  }

  private void writeLock(LockHolder holder) throws IOException {
    Files.writeString(lockFile, new ObjectMapper().writeValueAsString(holder));
  }

  private static void atOnce(int threads, Callable<Void> body) throws Exception {
    var pool = Executors.newFixedThreadPool(threads);
    try {
      for (Future<Void> done : pool.invokeAll(java.util.Collections.nCopies(threads, body))) {
        done.get();
      }
    } finally {
      pool.shutdown();
    }
  }

  /** Keeps what it is asked to repeat, for the test to run. */
  private static final class HeartbeatByHand extends ScheduledThreadPoolExecutor {
    private Runnable beat;
    private Duration interval;

    HeartbeatByHand() {
      super(1);
    }

    @Override
    public ScheduledFuture<?> scheduleWithFixedDelay(
        Runnable command, long initialDelay, long delay, TimeUnit unit) {
      beat = command;
      interval = Duration.of(delay, unit.toChronoUnit());
      return null;
    }
  }
}
