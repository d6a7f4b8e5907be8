package io.sluice.sequences.lake;

import io.sluice.failure.OperationFailedException;
import java.io.IOException;
import java.time.Duration;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FileUtil;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A folder that is built aside and then takes the place of another: whoever opens the target sees
 * all of the old folder or all of the new one, also after a crash at any moment.
 *
 * <pre>
 * target.staging-RUN   written by this run
 * target.old-RUN       the target while publish() is between its two renames
 * target.lock          this run's {@link PublishLock}, held from open to close
 * </pre>
 *
 * <p>{@code publish} renames target → old, staging → target, and deletes old. A crash between the
 * renames leaves no target but an old one; {@link #recover}, which every reader calls first and
 * {@code open} too, renames it back. What other dead runs left beside the target is deleted by the
 * next {@code open}.
 */
public final class StagedFolder implements AutoCloseable {
  /** A job's lock that was not renewed for so long is of a job that died. */
  public static final Duration LOCK_STALE_AFTER = Duration.ofMinutes(10);

  private static final Logger LOG = LoggerFactory.getLogger(StagedFolder.class);
  private static final String STAGING = ".staging-";
  private static final String OLD = ".old-";
  private static final Duration PUBLISH_TAKES = Duration.ofSeconds(10);

  private final Lake lake;
  private final String target;
  private final String staging;
  private final String old;
  private final PublishLock lock;
  private boolean published;

  private StagedFolder(Lake lake, String target, String runId, PublishLock lock) {
    this.lake = lake;
    this.target = target;
    this.staging = target + STAGING + runId;
    this.old = target + OLD + runId;
    this.lock = lock;
  }

  /**
   * Takes the target's lock, puts right what a dead run left, and makes an empty folder to write
   * to.
   *
   * @param staleAfter a lock older than this is taken as abandoned
   */
  public static StagedFolder open(
      String targetUri, String runId, Duration staleAfter, Configuration hadoop) {
    String target = withoutSlash(targetUri);
    Lake lake = Lake.of(hadoop);
    PublishLock lock = PublishLock.acquire(target, runId, staleAfter, hadoop);
    try {
      restore(lake, target);
      deleteLeftovers(lake, target);
      var folder = new StagedFolder(lake, target, runId, lock);
      lake.createFolder(folder.staging);
      return folder;
    } catch (RuntimeException e) {
      lock.close();
      throw e;
    }
  }

  /** Where to write: a URI beside the target. */
  public String uri() {
    return staging;
  }

  /** Where the folder will be once published. */
  public String targetUri() {
    return target;
  }

  /** Takes a file or folder of the target over unchanged, by copy; a missing one is an error. */
  public void keep(String relativePath) {
    var from = new Path(target + "/" + relativePath);
    var to = new Path(staging + "/" + relativePath);
    try {
      FileSystem fs = lake.fileSystem(target);
      fs.mkdirs(to.getParent());
      if (!FileUtil.copy(fs, from, fs, to, false, true, lake.hadoop())) {
        throw new IOException("copying from " + from + " failed");
      }
    } catch (IOException e) {
      throw Lake.writeFailure(to.toString(), e);
    }
  }

  /** Puts the staged folder in the target's place. */
  public void publish() {
    if (published) {
      throw new IllegalStateException(target + " is published already");
    }
    lock.requireHeld();
    boolean replaces = lake.exists(target);
    if (replaces) {
      rename(lake, target, old);
    }
    rename(lake, staging, target);
    published = true;
    if (replaces) {
      lake.deleteQuietly(old);
    }
  }

  /** Gives the lock back; an unpublished staged folder is deleted. */
  @Override
  public void close() {
    try {
      if (!published) {
        lake.deleteQuietly(staging);
      }
    } finally {
      lock.close();
    }
  }

  /**
   * Puts right a crash between the two renames of a publish: if the target is gone and its old
   * folder is there, the old one comes back. Waits a moment if a living run is publishing right
   * now. Costs one look where the target is there.
   */
  public static void recover(String targetUri, Configuration hadoop) {
    String target = withoutSlash(targetUri);
    Lake lake = Lake.of(hadoop);
    long deadline = System.nanoTime() + PUBLISH_TAKES.toNanos();
    while (!lake.exists(target) && oldOf(lake, target) != null) {
      try (var lock =
          PublishLock.acquire(target, "recovery", PUBLISH_TAKES.multipliedBy(60), hadoop)) {
        lock.requireHeld();
        restore(lake, target);
      } catch (OperationFailedException held) {
        if (System.nanoTime() > deadline) {
          throw held;
        }
        pause();
      }
    }
  }

  /** With the lock held: an old folder without a target is the target. */
  private static void restore(Lake lake, String target) {
    String old = oldOf(lake, target);
    if (old != null && !lake.exists(target)) {
      LOG.warn("A publish of {} was cut off between its renames; {} comes back", target, old);
      rename(lake, old, target);
    }
  }

  private static String oldOf(Lake lake, String target) {
    var path = new Path(target);
    return siblings(lake, path, OLD).findFirst().orElse(null);
  }

  private static void deleteLeftovers(Lake lake, String target) {
    var path = new Path(target);
    siblings(lake, path, OLD).forEach(lake::deleteQuietly);
    siblings(lake, path, STAGING).forEach(lake::deleteQuietly);
  }

  private static java.util.stream.Stream<String> siblings(Lake lake, Path target, String infix) {
    String parent = String.valueOf(target.getParent());
    return lake.children(parent).stream()
        .filter(name -> name.startsWith(target.getName() + infix))
        .map(name -> new Path(parent, name).toString());
  }

  private static void rename(Lake lake, String from, String to) {
    try {
      FileSystem fs = lake.fileSystem(from);
      if (!fs.rename(new Path(from), new Path(to))) {
        throw new IOException("renaming " + from + " failed");
      }
    } catch (IOException e) {
      throw Lake.writeFailure(to, e);
    }
  }

  private static void pause() {
    try {
      Thread.sleep(100);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while a publish was under way", e);
    }
  }

  private static String withoutSlash(String uri) {
    return uri.length() > 1 && uri.endsWith("/") ? uri.substring(0, uri.length() - 1) : uri;
  }
}
