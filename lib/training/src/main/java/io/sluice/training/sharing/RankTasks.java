package io.sluice.training.sharing;

import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorRemoved;
import org.apache.spark.scheduler.SparkListenerStageSubmitted;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.scheduler.SparkListenerTaskStart;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The tasks of a run's attempts, as Spark knows them, and the executors that hold them.
 *
 * <p>An executor that hangs, or whose network is gone, keeps its slot: Spark believes in it until
 * {@code spark.network.timeout}, two minutes, and in one whose task never ends for ever. The ranks
 * know within seconds. So what still holds a task when an attempt is over is replaced, as Spark
 * itself replaces executors whose heartbeats stay out.
 */
final class RankTasks extends SparkListener implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RankTasks.class);

  /** Marks the jobs of this run. */
  private static final String RUN = "sluice.gradient-sharing.run";

  /** For a task whose rank was there to the end to notice that the attempt is over. */
  private static final Duration WIND_DOWN = Duration.ofSeconds(30);

  /** For one whose rank is lost. */
  private static final Duration LOST_WIND_DOWN = Duration.ofSeconds(2);

  private static final Duration TICK = Duration.ofMillis(50);

  private final SparkContext spark;
  private final String run;
  private final Set<Integer> stages = ConcurrentHashMap.newKeySet();

  /** Executors by task. */
  private final Map<Long, String> running = new ConcurrentHashMap<>();

  private volatile Attempt attempt;

  /** Listens until it is closed, and marks the jobs that this thread starts until then. */
  RankTasks(SparkContext spark, String run) {
    this.spark = spark;
    this.run = run;
    spark.setLocalProperty(RUN, run);
    spark.addSparkListener(this);
  }

  /** Whom to tell of lost executors from now on. */
  void tell(Attempt next) {
    attempt = next;
  }

  @Override
  public void onStageSubmitted(SparkListenerStageSubmitted stage) {
    if (stage.properties() != null && run.equals(stage.properties().getProperty(RUN))) {
      stages.add(stage.stageInfo().stageId());
    }
  }

  @Override
  public void onTaskStart(SparkListenerTaskStart task) {
    if (stages.contains(task.stageId())) {
      running.put(task.taskInfo().taskId(), task.taskInfo().executorId());
    }
  }

  @Override
  public void onTaskEnd(SparkListenerTaskEnd task) {
    running.remove(task.taskInfo().taskId());
  }

  @Override
  public void onExecutorRemoved(SparkListenerExecutorRemoved removed) {
    running.values().removeIf(removed.executorId()::equals);
    Attempt told = attempt;
    if (told != null) {
      told.executorLost(removed.executorId(), removed.reason());
    }
  }

  /**
   * Waits until no task of the attempts so far runs any more, and has the executors replaced whose
   * tasks go on.
   *
   * @param lost executors whose ranks are not heard of any more
   */
  void end(Set<String> lost) {
    long start = System.nanoTime();
    Set<String> left = executors();
    while (!left.isEmpty()) {
      long waited = System.nanoTime() - start;
      if (waited > (lost.containsAll(left) ? LOST_WIND_DOWN : WIND_DOWN).toNanos()) {
        left.forEach(this::replace);
        return;
      }
      pause();
      left = executors();
    }
  }

  private Set<String> executors() {
    return new TreeSet<>(running.values());
  }

  private void replace(String executor) {
    LOG.warn(
        "Executor {} still holds a task of the attempt that failed: asking Spark to replace it",
        executor);
    if (!spark.killAndReplaceExecutor(executor)) {
      LOG.warn(
          "Spark did not replace executor {}; its slot stays taken until Spark removes it by itself",
          executor);
    }
  }

  private static void pause() {
    try {
      Thread.sleep(TICK.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while an attempt was ended", e);
    }
  }

  @Override
  public void close() {
    spark.removeSparkListener(this);
    spark.setLocalProperty(RUN, null);
  }
}
