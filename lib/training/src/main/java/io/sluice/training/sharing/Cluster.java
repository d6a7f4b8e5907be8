package io.sluice.training.sharing;

import java.time.Duration;
import org.apache.spark.SparkContext;

/** The task slots of the cluster that a session has. */
public final class Cluster {
  /** Executors register one by one: their number has settled once it stands still this long. */
  private static final Duration SETTLED = Duration.ofSeconds(3);

  private static final Duration TICK = Duration.ofMillis(200);

  private final SparkContext spark;

  public Cluster(SparkContext spark) {
    this.spark = spark;
  }

  /** Tasks that can run at once, now. */
  public int slots() {
    return spark.maxNumConcurrentTasks(spark.resourceProfileManager().defaultResourceProfile());
  }

  /** Tasks that can run at once in one executor, of those that are there; at least 1. */
  public int slotsPerExecutor() {
    int executors = spark.getExecutorMemoryStatus().size() - 1; // the driver is one of them
    return Math.max(1, slots() / Math.max(1, executors));
  }

  /**
   * Tasks that can run at once when all executors have come that will come: it waits until their
   * number stands still, at most as long as {@code timeout}.
   *
   * @return at least 1
   */
  public int slots(Duration timeout) {
    long end = System.nanoTime() + timeout.toNanos();
    int last = slots();
    long since = System.nanoTime();
    while (System.nanoTime() - end < 0
        && (last == 0 || System.nanoTime() - since < SETTLED.toNanos())) {
      pause();
      int now = slots();
      if (now != last) {
        last = now;
        since = System.nanoTime();
      }
    }
    return Math.max(1, last);
  }

  /**
   * Waits until there are so many slots, at most as long as {@code timeout}.
   *
   * @return how many there are then
   */
  public int awaitSlots(int wanted, Duration timeout) {
    long end = System.nanoTime() + timeout.toNanos();
    int now = slots();
    while (now < wanted && System.nanoTime() - end < 0) {
      pause();
      now = slots();
    }
    return now;
  }

  private static void pause() {
    try {
      Thread.sleep(TICK.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while waiting for executors", e);
    }
  }
}
