package io.sluice.training.sharing;

import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.scoring.device.GpuScheduling;
import java.time.Duration;
import java.util.Optional;
import org.apache.spark.SparkContext;
import org.apache.spark.resource.ResourceProfile;

/** The slots that the cluster of a session has for tasks that compute. */
public final class Cluster {
  /** Executors register one by one: their number has settled once it stands still this long. */
  private static final Duration SETTLED = Duration.ofSeconds(3);

  private static final Duration TICK = Duration.ofMillis(200);

  private final SparkContext spark;
  private final Optional<ResourceProfile> profile;

  /**
   * @param choice where the tasks compute: with a GPU each, there are as many slots as GPUs at most
   */
  public Cluster(SparkContext spark, DeviceChoice choice) {
    this.spark = spark;
    this.profile = GpuScheduling.profile(spark, choice);
  }

  /** What the tasks ask for; empty where it is what all tasks do. */
  Optional<ResourceProfile> profile() {
    return profile;
  }

  /** As a person reads it: "4 task slots", or "4 task slots with a GPU". */
  public String words(int slots) {
    return "%d task slots%s".formatted(slots, profile.isPresent() ? " with a GPU" : "");
  }

  /** Tasks that can run at once, now. */
  public int slots() {
    return spark.maxNumConcurrentTasks(
        profile.orElseGet(spark.resourceProfileManager()::defaultResourceProfile));
  }

  /** Tasks that can run at once in one executor, of those that are there; at least 1. */
  public int slotsPerExecutor() {
    if (spark.isLocal()) {
      return slots();
    }
    // as slots() counts them: their storage, which getExecutorMemoryStatus counts, comes later
    int executors = spark.getExecutorIds().size();
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
