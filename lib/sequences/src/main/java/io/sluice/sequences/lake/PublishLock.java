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
 * Keeps a second publisher, or another second writer, out of a folder: the file {@code
 * <folder>.lock}, created only where there is none. Its time is renewed while the lock is held; one
 * that was not renewed for {@code staleAfter}, or whose process is known to be gone, is taken over.
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
  private final Wording wording;
  private final String file;
  private final LockHolder holder;
  private final ScheduledExecutorService heartbeat;

  /**
   * What the folder is held for, in the words of its refusals: "Cannot {@code attempt} FOLDER: run
   * 7 is {@code activity} there."
   *
   * @param attempt "publish to"
   * @param activity "publishing"
   * @param lost what a run is told that finds its lock taken over, a sentence
   * @param instead what to do other than to wait, ", or …"; may be empty
   */
  public record Wording(String attempt, String activity, String lost, String instead) {
    static final Wording PUBLISH =
        new Wording("publish to", "publishing", "Nothing was changed; run again.", "");
  }

  private PublishLock(
      Lake lake,
      String target,
      Wording wording,
      LockHolder holder,
      Duration staleAfter,
      ScheduledExecutorService heartbeat) {
    this.lake = lake;
    this.target = target;
    this.wording = wording;
    this.file = file(target);
    this.holder = holder;
    this.heartbeat = heartbeat;
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
    return acquire(target, runId, staleAfter, Wording.PUBLISH, hadoop);
  }

  /** Takes the lock of a folder for another use than publishing. */
  public static PublishLock acquire(
      String target, String runId, Duration staleAfter, Wording wording, Configuration hadoop) {
    return acquire(target, runId, staleAfter, wording, hadoop, newHeartbeat());
  }

  /**
   * @param heartbeat renews the lock from time to time; ends with it
   */
  static PublishLock acquire(
      String target,
      String runId,
      Duration staleAfter,
      Wording wording,
      Configuration hadoop,
      ScheduledExecutorService heartbeat) {
    Lake lake = Lake.of(hadoop);
    LockHolder self = LockHolder.self(runId);
    String file = file(target);
    if (!lake.createExclusively(file, text(self))) {
      try {
        takeOver(lake, lake.fileSystem(file), target, wording, self, staleAfter);
      } catch (IOException e) {
        throw Lake.writeFailure(file, e);
      }
    }
    // an object store may have let two creations through: the last one stands
    requireHolder(lake, target, wording, self);
    return new PublishLock(lake, target, wording, self, staleAfter, heartbeat);
  }

  /** Fails if another publisher has taken the lock over, because this one was not heard of. */
  public void requireHeld() {
    requireHolder(lake, target, wording, holder);
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

  /** Starts no thread before it has something to do. */
  private static ScheduledExecutorService newHeartbeat() {
    return Executors.newSingleThreadScheduledExecutor(
        task -> {
          var thread = new Thread(task, "publish-lock-heartbeat");
          thread.setDaemon(true);
          return thread;
        });
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
      Lake lake,
      FileSystem fs,
      String target,
      Wording wording,
      LockHolder self,
      Duration staleAfter)
      throws IOException {
    String file = file(target);
    Optional<LockHolder> found = holder(lake, file);
    Duration age = age(fs, file);
    boolean dead = found.map(LockHolder::isKnownDead).orElse(false);
    if (!dead && age.compareTo(staleAfter) < 0) {
      throw refusal(target, wording, found, staleAfter);
    }
    String lockId = found.map(LockHolder::lockId).orElse("unreadable");
    String marker = file + ".takeover-" + lockId;
    if (!lake.createExclusively(marker, text(self))) {
      if (age(fs, marker).compareTo(staleAfter) > 0) {
        lake.deleteQuietly(marker); // its maker died before it was done; the next run gets through
      }
      throw refusal(target, wording, holder(lake, marker), staleAfter);
    }
    try {
      Optional<LockHolder> now = holder(lake, file);
      if (!now.equals(found)) {
        throw refusal(target, wording, now, staleAfter);
      }
      LOG.warn("Taking over {} from {}", file, found.map(LockHolder::toString).orElse("nobody"));
      lake.writeTextAtomically(file, text(self));
    } finally {
      lake.deleteQuietly(marker);
    }
  }

  private static void requireHolder(Lake lake, String target, Wording wording, LockHolder self) {
    Optional<LockHolder> now = holder(lake, file(target));
    if (!now.map(self::equals).orElse(false)) {
      throw new OperationFailedException(
          "Cannot %s %s: the lock %s was taken by %s. %s"
              .formatted(
                  wording.attempt(),
                  target,
                  file(target),
                  now.map(LockHolder::toString).orElse("nobody we know"),
                  wording.lost()));
    }
  }

  private static OperationFailedException refusal(
      String target, Wording wording, Optional<LockHolder> holder, Duration staleAfter) {
    return new OperationFailedException(
        "Cannot %s %s: %s is %s there. Wait for it to end%s; if it is dead, its lock %s is taken over %d s after its last sign of life."
            .formatted(
                wording.attempt(),
                target,
                holder.map(LockHolder::toString).orElse("another run"),
                wording.activity(),
                wording.instead(),
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
