package io.sluice.training.sharing;

import io.sluice.config.progress.Progress;
import io.sluice.failure.InsufficientClusterException;
import io.sluice.failure.OperationFailedException;
import io.sluice.recurrent.pipeline.StageNetwork;
import io.sluice.sequences.spark.JobDescription;
import io.sluice.training.checkpoint.Checkpoint;
import io.sluice.training.checkpoint.CheckpointStore;
import io.sluice.training.loop.PipelineLayout;
import io.sluice.training.loop.RunPlan;
import io.sluice.training.loop.Strategy;
import io.sluice.training.transport.Endpoint;
import io.sluice.training.transport.GroupKey;
import io.sluice.training.transport.TransportSettings;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaFutureAction;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.rdd.RDD;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;

/**
 * The loop in every rank of a Spark barrier stage, on the rank's part of each batch: gradients are
 * summed over the ranks at every step, so that all make the same update, and the result is that of
 * one process.
 *
 * <p>A stage that loses a rank is given up as a whole, and the next attempt goes on from the newest
 * checkpoint: with as many ranks as before if the executors come back within the time to join, else
 * with those that are left. The batches stay the same, so does the result.
 */
public final class GradientSharing implements Strategy {
  private static final Logger LOG = LoggerFactory.getLogger(GradientSharing.class);

  /** For the tasks of a run that is done to end. */
  private static final Duration WIND_DOWN = Duration.ofSeconds(30);

  // as Spark names them in SparkContext
  private static final String INTERRUPT = "spark.job.interruptOnCancel";

  private final SparkContext spark;
  private final RunPlan plan;
  private final int wanted;
  private final String name;
  private final GradientSharingSettings settings;
  private final Cluster cluster;

  /**
   * @param ranks wanted
   * @param name of the run, for the Spark UI
   */
  public GradientSharing(
      SparkContext spark, RunPlan plan, int ranks, String name, GradientSharingSettings settings) {
    this.spark = spark;
    this.plan = plan;
    this.wanted = ranks;
    this.name = name;
    this.settings = settings;
    this.cluster = new Cluster(spark, plan.device());
  }

  @Override
  public Checkpoint run(Checkpoint start, Surroundings around) {
    if (plan.isLast(start.position())) {
      return start;
    }
    try (var tasks = new RankTasks(spark, plan.runId())) {
      return run(start, around, tasks);
    }
  }

  private Checkpoint run(Checkpoint start, Surroundings around, RankTasks tasks) {
    Checkpoint from = start;
    int failures = 0;
    for (int number = 1; ; number++) {
      try {
        attempt(number, ranks(number), from, around, tasks);
        return newest(around, from);
      } catch (AttemptFailedException e) {
        Checkpoint next = newest(around, start);
        failures = next.position().step() > from.position().step() ? 1 : failures + 1;
        if (around.stopAsked().getAsBoolean()) {
          LOG.warn("Attempt {} failed while it was to stop: {}", number, e.getMessage());
          return next;
        }
        if (failures > settings.retries()) {
          throw givenUp(failures, next, e);
        }
        LOG.warn(
            "Attempt {} failed at epoch {} after step {} at least: {} Going on from step {}.",
            number,
            next.position().epoch() + 1,
            next.position().step(),
            sentence(e.getMessage()),
            next.position().step());
        tasks.end(e.lostExecutors());
        around.observer().restartsAt(next.position());
        from = next;
      }
    }
  }

  private static Checkpoint newest(Surroundings around, Checkpoint ifNone) {
    return around
        .checkpoints()
        .newest(ifNone.settings())
        .map(CheckpointStore.Found::checkpoint)
        .orElse(ifNone);
  }

  /** As many ranks as wanted, or after a failure as there are slots for. */
  private int ranks(int attempt) {
    int slots = cluster.awaitSlots(wanted, settings.joinTimeout());
    if (slots >= wanted) {
      return wanted;
    }
    int stages = stages();
    int least = Math.max(stages, settings.minWorkers());
    if (attempt == 1 || slots < least) {
      throw new InsufficientClusterException(
          "Cannot start %d ranks: the cluster has %s%s after %s. Add executors (--num-executors, --total-executor-cores), lower train.%s, or raise train.gradient-sharing.join-timeout if they only start slowly; run again to go on from the newest checkpoint."
              .formatted(
                  attempt == 1 ? wanted : least,
                  cluster.words(slots),
                  attempt == 1 ? "" : " left",
                  Progress.words(settings.joinTimeout()),
                  attempt == 1
                      ? "workers"
                      : stages > settings.minWorkers()
                          ? "pipeline.stages"
                          : "gradient-sharing.min-workers"));
    }
    LOG.warn(
        "Going on with {} of {} ranks: the cluster has no more task slots after {}. Batches and results stay the same.",
        slots / stages * stages,
        wanted,
        Progress.words(settings.joinTimeout()));
    return slots / stages * stages; // whole replicas
  }

  /** Ranks of a replica. */
  private int stages() {
    return plan.pipeline().map(PipelineLayout::stages).orElse(1);
  }

  /** What a rank is, where ranks are not alike. */
  private String role(int rank) {
    return plan.pipeline()
        .map(
            layout ->
                "pipeline stage %d of replica %d: %s"
                    .formatted(
                        layout.stageOf(rank),
                        layout.replicaOf(rank),
                        layout.placement().layersOf(layout.stageOf(rank))))
        .orElse("");
  }

  /** What the ranks of each stage go on from: their part of a checkpoint. */
  private List<Broadcast<Checkpoint>> send(Checkpoint from, JavaSparkContext java) {
    if (plan.pipeline().isEmpty()) {
      return List.of(java.broadcast(from));
    }
    long[] starts = StageNetwork.starts(plan.spec(), plan.layout().placement());
    long[] states = StageNetwork.stateStarts(plan.spec(), plan.layout().placement());
    long streams = from.carriedStates().length / states[stages()];
    var parts = new ArrayList<Broadcast<Checkpoint>>();
    for (int stage = 0; stage < stages(); stage++) {
      parts.add(
          java.broadcast(
              from.range(
                  starts[stage],
                  starts[stage + 1],
                  streams * states[stage],
                  streams * states[stage + 1])));
    }
    return parts;
  }

  private void attempt(
      int number, int ranks, Checkpoint from, Surroundings around, RankTasks tasks) {
    GroupKey key = GroupKey.create("%s-%d".formatted(plan.runId(), number));
    JavaSparkContext java = JavaSparkContext.fromSparkContext(spark);
    Broadcast<RunPlan> sentPlan = java.broadcast(plan);
    List<Broadcast<Checkpoint>> sentStarts = send(from, java);
    // each executor holds its start twice, as it came and as arrays: four times the parameters each
    Runnable forget = () -> sentStarts.forEach(start -> start.unpersist(false));
    var attempt = new Attempt(ranks, this::role, settings, around, forget);
    tasks.tell(attempt);
    try (Endpoint endpoint =
        Endpoint.listen(
            TransportSettings.ofSpark(SparkEnv.get())
                .withPort(settings.driverPort())
                .withHeartbeat(settings.heartbeat(), settings.silenceTimeout()),
            "driver",
            key,
            attempt)) {
      var task =
          new RankTask(
              sentPlan,
              sentStarts,
              key,
              endpoint.address(),
              ranks,
              settings,
              RankCounters.create(spark));
      JavaFutureAction<List<Integer>> job = submit(java, task, ranks, story(number, ranks, from));
      try {
        attempt.await(job::isDone);
        end(job);
      } finally {
        job.cancel(true);
      }
    } catch (IOException e) {
      throw new OperationFailedException(
          "Cannot listen for the ranks: %s. Set train.gradient-sharing.driver-port to a free port, or spark.driver.bindAddress to an address of this host."
              .formatted(e.getMessage()),
          e);
    } finally {
      sentPlan.destroy();
      sentStarts.forEach(Broadcast::destroy);
    }
  }

  private String story(int number, int ranks, Checkpoint from) {
    return "train %s: gradient sharing over %s, from step %d of %d%s"
        .formatted(
            name,
            stages() == 1
                ? "%d ranks".formatted(ranks)
                : "%d replicas of %d pipeline stages".formatted(ranks / stages(), stages()),
            from.position().step(),
            plan.steps().steps(),
            number == 1 ? "" : ", attempt " + number);
  }

  /**
   * @param story for the Spark UI
   */
  private JavaFutureAction<List<Integer>> submit(
      JavaSparkContext java, RankTask task, int ranks, String story) {
    ClassTag<Integer> tag = ClassTag$.MODULE$.apply(Integer.class);
    JavaRDD<Integer> numbers = java.parallelize(IntStream.range(0, ranks).boxed().toList(), ranks);
    RDD<Integer> ranked = numbers.rdd().barrier().mapPartitions(task, false, tag);
    cluster.profile().ifPresent(ranked::withResources);
    String interrupt = spark.getLocalProperty(INTERRUPT);
    try (var ignored = JobDescription.set(spark, story)) {
      // a cancelled rank may be waiting for what will not come
      spark.setLocalProperty(INTERRUPT, "true");
      return JavaRDD.fromRDD(ranked, tag).collectAsync();
    } finally {
      spark.setLocalProperty(INTERRUPT, interrupt);
    }
  }

  /** All ranks have said that they are done; their tasks end now. */
  private static void end(JavaFutureAction<List<Integer>> job) {
    try {
      job.get(WIND_DOWN.toSeconds(), TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while training", e);
    } catch (ExecutionException | TimeoutException e) {
      LOG.warn("All ranks were done, but their Spark job did not end well: {}", e.toString());
    }
  }

  private OperationFailedException givenUp(
      int failures, Checkpoint newest, AttemptFailedException last) {
    return new OperationFailedException(
        "Training failed %d time%s in a row%s. The last time: %s %s Raise train.gradient-sharing.retries if this cluster loses executors more often than a checkpoint is written, or set train.checkpoint.every-steps."
            .formatted(
                failures,
                failures == 1 ? "" : "s",
                " with no new checkpoint between",
                sentence(last.getMessage()),
                newest.position().step() == 0
                    ? "No checkpoint was written yet."
                    : "The newest checkpoint, of step %d, is in %s; run again to go on from it."
                        .formatted(newest.position().step(), plan.checkpoints().uri())),
        last);
  }

  private static String sentence(String text) {
    return text.endsWith(".") ? text : text + ".";
  }
}
