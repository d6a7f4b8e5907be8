package io.sluice.training.checkpoint;

import io.sluice.failure.OperationFailedException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes checkpoints while training goes on: {@link #save} hands over a snapshot and returns, and
 * waits only where the one before is not written yet, so that two snapshots are in memory at most.
 *
 * <p>A checkpoint that cannot be written (a full disk, a name node that is away) costs a warning,
 * because the ones before are still there and the disk may be free again at the next one. {@value
 * #FAILURES_IN_A_ROW} in a row end the run, and so does the last one of a run. A guard that refuses
 * ends it at once.
 *
 * <p>Where the parameters lie on several ranks, each has a writer: those {@link #ofStage of later
 * stages} write their parts and tell, and the first stage's waits for them and makes the
 * checkpoint.
 */
public final class CheckpointWriter implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(CheckpointWriter.class);
  private static final int FAILURES_IN_A_ROW = 3;

  /** A file system that neither writes nor fails within this time is left alone. */
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  private final Work work;
  private final Consumer<String> warned;
  private final ExecutorService thread;
  private Future<OperationFailedException> writing;

  /** In a row; belongs to the writer's thread, and to the caller once a write is done. */
  private int failures;

  /** Asked before each write, on the writer's thread. */
  public interface Guard {
    /**
     * @throws RuntimeException if nothing may be written any more; it ends the run
     */
    void requireMayWrite();
  }

  /** What a snapshot becomes, on the writer's thread. */
  private interface Work {
    /**
     * Null, or why the checkpoint is not written.
     *
     * @throws RuntimeException if the run must end
     */
    OperationFailedException on(Checkpoint snapshot);
  }

  /**
   * @param written told the URI of each checkpoint once it is there, on the writer's thread
   */
  public CheckpointWriter(CheckpointStore store, Guard guard, Consumer<String> written) {
    this(store, guard, written, LOG::warn);
  }

  /**
   * The same, for a process whose log is not what people look at.
   *
   * @param warned told of each checkpoint that could not be written, on the writer's thread
   */
  public CheckpointWriter(
      CheckpointStore store, Guard guard, Consumer<String> written, Consumer<String> warned) {
    this(store, guard, written, warned, new StageParts(1), Duration.ZERO);
  }

  /**
   * The writer of the first pipeline stage, whose snapshots are its own part of a checkpoint. A
   * part of another stage that is not written, or is late, is a failure to write the checkpoint.
   *
   * @param parts what the other stages tell
   * @param patience how long to wait, once a snapshot is handed over, for its other parts
   */
  public CheckpointWriter(
      CheckpointStore store,
      Guard guard,
      Consumer<String> written,
      Consumer<String> warned,
      StageParts parts,
      Duration patience) {
    this(
        snapshot -> {
          List<String> names;
          try {
            names = await(parts, snapshot, patience);
          } catch (OperationFailedException e) {
            store.removeParts(snapshot.position().step(), List.of());
            return e;
          }
          // after the wait, in which the run may have lost the folder
          guard.requireMayWrite();
          try {
            written.accept(store.save(snapshot, names));
            return null;
          } catch (OperationFailedException e) {
            return e;
          }
        },
        warned);
  }

  /**
   * The writer of a pipeline stage after the first. It warns of nothing and ends no run, because
   * the first stage counts what could not be written, and asks no guard, because a part is no
   * checkpoint.
   *
   * @param stage from 1
   * @param told brings what became of each part to the first stage's {@link StageParts}; called on
   *     the writer's thread
   */
  public static CheckpointWriter ofStage(
      CheckpointStore store, int stage, Consumer<StagePart> told) {
    return new CheckpointWriter(
        snapshot -> {
          told.accept(part(store, snapshot, stage));
          return null;
        },
        LOG::warn);
  }

  private CheckpointWriter(Work work, Consumer<String> warned) {
    this.work = work;
    this.warned = warned;
    this.thread =
        Executors.newSingleThreadExecutor(
            task -> {
              var thread = new Thread(task, "checkpoint-writer");
              thread.setDaemon(true);
              return thread;
            });
  }

  private static StagePart part(CheckpointStore store, Checkpoint snapshot, int stage) {
    long step = snapshot.position().step();
    try {
      return new StagePart(step, stage, true, store.savePart(snapshot, stage));
    } catch (OperationFailedException e) {
      return new StagePart(step, stage, false, e.getMessage());
    }
  }

  private static List<String> await(StageParts parts, Checkpoint snapshot, Duration patience) {
    try {
      return parts.await(snapshot.position().step(), patience);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while other ranks wrote their parts", e);
    }
  }

  /**
   * Hands a snapshot over, whose arrays must not change any more.
   *
   * @throws OperationFailedException if the ones before could not be written too often
   */
  public void save(Checkpoint snapshot) {
    OperationFailedException failure = await();
    if (failure != null && failures == FAILURES_IN_A_ROW) {
      throw failure;
    }
    writing = thread.submit(() -> write(snapshot));
  }

  /**
   * Waits until what was handed over is written; a later stage's part, and told.
   *
   * @throws OperationFailedException if the last one could not be written
   */
  public void finish() {
    OperationFailedException failure = await();
    if (failure != null) {
      throw failure;
    }
  }

  /** Null, or why it is not written. */
  private OperationFailedException write(Checkpoint snapshot) {
    OperationFailedException failure = work.on(snapshot);
    if (failure == null) {
      failures = 0;
      return null;
    }
    failures++;
    // now, not with the next one: that may be an hour away
    warned.accept(
        "%s That is failure %d in a row; %d end the run."
            .formatted(failure.getMessage(), failures, FAILURES_IN_A_ROW));
    return failure;
  }

  private OperationFailedException await() {
    if (writing == null) {
      return null;
    }
    try {
      return writing.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while a checkpoint was written", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException refusal) {
        throw refusal;
      }
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw new IllegalStateException(e.getCause());
    } finally {
      writing = null;
    }
  }

  /** Ends the thread, once a write under way is done. */
  @Override
  public void close() {
    thread.shutdown();
    try {
      if (!thread.awaitTermination(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        LOG.warn("A checkpoint was not written within {} s and is given up", PATIENCE.toSeconds());
        thread.shutdownNow();
      }
    } catch (InterruptedException e) {
      thread.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }
}
