package io.sluice.training;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.util.ShutdownHookManager;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hears SIGTERM while a run is under way, and gives it the time to write a checkpoint before
 * Spark's own shutdown takes its executors away.
 */
final class StopSignal implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(StopSignal.class);

  /** Schedulers that send SIGTERM follow it with SIGKILL: YARN, Kubernetes after 30 s. */
  private static final Duration PATIENCE = Duration.ofSeconds(28);

  /** Before Spark stops its context, which it does at 50, by a hook at Hadoop's 30. */
  private static final int PRIORITY = 100;

  /** For the thread of a run to say how it ended, before the process does. */
  private static final Duration LAST_WORDS = Duration.ofSeconds(2);

  private final Thread run = Thread.currentThread();
  private final CountDownLatch ended = new CountDownLatch(1);
  private final Runnable hook = this::stopAndWait;
  private volatile boolean asked;

  private StopSignal() {}

  /** Listens until it is closed. */
  static StopSignal listen() {
    var signal = new StopSignal();
    ShutdownHookManager.get()
        .addShutdownHook(signal.hook, PRIORITY, PATIENCE.toSeconds() + 5, TimeUnit.SECONDS);
    return signal;
  }

  /** Whether the run is asked to write a checkpoint and end. */
  boolean isAsked() {
    return asked;
  }

  /** Asks. */
  void ask() {
    asked = true;
  }

  private void stopAndWait() {
    LOG.warn("Asked to stop: writing a checkpoint first, within {} s", PATIENCE.toSeconds());
    ask();
    try {
      if (!ended.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        LOG.warn(
            "The checkpoint is not written after {} s; the run ends without it",
            PATIENCE.toSeconds());
      }
      run.join(LAST_WORDS.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** The run has ended; nothing is asked of it any more. */
  @Override
  public void close() {
    ended.countDown();
    if (!ShutdownHookManager.get().isShutdownInProgress()) {
      ShutdownHookManager.get().removeShutdownHook(hook);
    }
  }
}
