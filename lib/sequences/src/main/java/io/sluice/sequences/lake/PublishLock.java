package io.sluice.sequences.lake;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.failure.OperationFailedException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a second publisher out of a folder: the file {@code <folder>.lock}, created only where
 * there is none. Its time is renewed while the lock is held; one that was not renewed for {@code
 * staleAfter}, or whose process is known to be gone, is taken over.
 *
 * <p><b>Guarantee.</b> Creation is as exclusive as {@link Lake#createExclusively}. An object store
 * without conditional writes creates last-writer-wins; the lock is read back after creation, so two
 * publishers that start within milliseconds of each other are told apart nearly always. {@link
 * #requireHeld} before the decisive rename narrows what is left.
 *
 * <p><b>Takeover</b> happens once for a given stale lock: whoever creates the marker that is named
 * after it may replace it, having looked again that it is still the same one.
 */
public final class PublishLock implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(PublishLock.class);
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Lake lake;
  private final String target;
  private final String file;
  private final LockHolder holder;
  private final ScheduledExecutorService heartbeat;

  private PublishLock(Lake lake, String target, LockHolder holder, Duration staleAfter) {
    this.lake = lake;
    this.target = target;
    this.file = file(target);
    this.holder = holder;
    this.heartbeat =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              var thread = new Thread(task, "publish-lock-heartbeat");
              thread.setDaemon(true);
              return thread;
            });
    long period = Math.max(1, staleAfter.toMillis() / 4);
    heartbeat.scheduleWithFixedDelay(this::renew, period, period, TimeUnit.MILLISECONDS);
  }

  /**
   * Takes the lock of a folder, or fails at once with an {@link OperationFailedException} that
   * names the holder.
   *
   * @param target the folder that will be published
   * @param runId the run that publishes
   * @param staleAfter a lock not renewed for this long is taken as abandoned
   */
  public static PublishLock acquire(
      String target, String runId, Duration staleAfter, Configuration hadoop) {
    Lake lake = Lake.of(hadoop);
    LockHolder self = LockHolder.self(runId);
    String file = file(target);
    if (!lake.createExclusively(file, text(self))) {
      try {
        takeOver(lake, lake.fileSystem(file), target, self, staleAfter);
      } catch (IOException e) {
        throw Lake.writeFailure(file, e);
      }
    }
    // an object store may have let two creations through: the last one stands
    requireHolder(lake, target, self);
    return new PublishLock(lake, target, self, staleAfter);
  }

  /** Fails if another publisher has taken the lock over, because this one was not heard of. */
  public void requireHeld() {
    requireHolder(lake, target, holder);
  }

  /** Gives the lock back. */
  @Override
  public void close() {
    heartbeat.shutdownNow();
    try {
      // a renewal under way would bring the file back
      if (!heartbeat.awaitTermination(30, TimeUnit.SECONDS)) {
        LOG.warn("The heartbeat of {} did not end; the lock may stay until it is stale", file);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (holder(lake, file).map(holder::equals).orElse(false)) {
      lake.deleteQuietly(file);
    }
  }

  private void renew() {
    try {
      if (holder(lake, file).map(holder::equals).orElse(false)) {
        lake.writeTextAtomically(file, text(holder)); // a new modification time on every store
      }
    } catch (RuntimeException e) {
      LOG.warn("Could not renew {}: {}", file, e.getMessage());
    }
  }

  private static void takeOver(
      Lake lake, FileSystem fs, String target, LockHolder self, Duration staleAfter)
      throws IOException {
    String file = file(target);
    Optional<LockHolder> found = holder(lake, file);
    Duration age = age(fs, file);
    boolean dead = found.map(LockHolder::isKnownDead).orElse(false);
    if (!dead && age.compareTo(staleAfter) < 0) {
      throw refusal(target, found, staleAfter);
    }
    String lockId = found.map(LockHolder::lockId).orElse("unreadable");
    String marker = file + ".takeover-" + lockId;
    if (!lake.createExclusively(marker, text(self))) {
      if (age(fs, marker).compareTo(staleAfter) > 0) {
        lake.deleteQuietly(marker); // its maker died before it was done; the next run gets through
      }
      throw refusal(target, holder(lake, marker), staleAfter);
    }
    try {
      Optional<LockHolder> now = holder(lake, file);
      if (!now.equals(found)) {
        throw refusal(target, now, staleAfter);
      }
      LOG.warn("Taking over {} from {}", file, found.map(LockHolder::toString).orElse("nobody"));
      lake.writeTextAtomically(file, text(self));
    } finally {
      lake.deleteQuietly(marker);
    }
  }

  private static void requireHolder(Lake lake, String target, LockHolder self) {
    Optional<LockHolder> now = holder(lake, file(target));
    if (!now.map(self::equals).orElse(false)) {
      throw new OperationFailedException(
          "Cannot publish to %s: the lock %s was taken by %s. Nothing was changed; run again."
              .formatted(
                  target, file(target), now.map(LockHolder::toString).orElse("nobody we know")));
    }
  }

  private static OperationFailedException refusal(
      String target, Optional<LockHolder> holder, Duration staleAfter) {
    return new OperationFailedException(
        ("Cannot publish to %s: %s is publishing there. Wait for it to end; if it is dead, its"
                + " lock %s is taken over %d s after its last sign of life.")
            .formatted(
                target,
                holder.map(LockHolder::toString).orElse("another run"),
                file(target),
                staleAfter.toSeconds()));
  }

  /** The holder; empty where there is no lock or its maker has not written it yet. */
  private static Optional<LockHolder> holder(Lake lake, String file) {
    try {
      FileSystem fs = lake.fileSystem(file);
      try (var in = fs.open(new Path(file))) {
        return Optional.of(JSON.readValue(in.readAllBytes(), LockHolder.class));
      }
    } catch (FileNotFoundException | JsonProcessingException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw Lake.readFailure("lock", file, e);
    }
  }

  private static Duration age(FileSystem fs, String file) throws IOException {
    try {
      FileStatus status = fs.getFileStatus(new Path(file));
      return Duration.between(Instant.ofEpochMilli(status.getModificationTime()), Instant.now());
    } catch (FileNotFoundException e) {
      return Duration.ZERO; // given back a moment ago: the caller is refused once and runs again
    }
  }

  static String file(String target) {
    return (target.endsWith("/") ? target.substring(0, target.length() - 1) : target) + ".lock";
  }

  private static String text(LockHolder holder) {
    try {
      return JSON.writeValueAsString(holder);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a lock holder is always JSON", e);
    }
  }
}
