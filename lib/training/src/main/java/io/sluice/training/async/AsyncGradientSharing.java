package io.sluice.training.async;

import io.sluice.failure.OperationFailedException;
import io.sluice.failure.UserFailure;
import io.sluice.sequences.spark.JobDescription;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.apache.commons.lang3.exception.ExceptionUtils;
import org.apache.spark.ExceptionFailure;
import org.apache.spark.api.java.JavaFutureAction;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.storage.StorageLevel;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.schedule.ISchedule;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trains a network with dl4j-spark's asynchronous gradient sharing: each worker steps on its own
 * batches and sends what a step changed, thresholded and encoded, to the driver, which passes it on
 * to the others. Nobody waits for anybody; equal runs end with different parameters.
 *
 * <p>Every wait has an end: opening, an update that does not come, the end of an epoch. A failure
 * cancels the run's own Spark jobs and nothing else.
 *
 * <pre>{@code
 * try (var sharing = AsyncGradientSharing.open(spark, network, workers, networks, settings)) {
 *   for (int epoch = 0; epoch < epochs; epoch++) {
 *     sharing.train(epoch, shares, learningRate);
 *   }
 * }
 * }</pre>
 */
public final class AsyncGradientSharing implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(AsyncGradientSharing.class);
  private static final long WATCH_MILLIS = 500;
  private static final Duration CANCELLATION = Duration.ofSeconds(20);

  private final JavaSparkContext spark;
  private final MultiLayerNetwork network;
  private final AsyncRun run;
  private final JavaRDD<Integer> workers;
  private final AsyncMaster master;
  private boolean hasMoved;

  private AsyncGradientSharing(
      JavaSparkContext spark,
      MultiLayerNetwork network,
      AsyncRun run,
      JavaRDD<Integer> workers,
      AsyncMaster master) {
    this.spark = spark;
    this.network = network;
    this.run = run;
    this.workers = workers;
    this.master = master;
  }

  /**
   * What an epoch did.
   *
   * @param loss mean over the workers' steps, each by its own parameters before the step
   * @param steps of all workers
   * @param updatesSent by the workers
   * @param updatesApplied to the driver's network
   * @param distanceMoved L2 norm of the change in its parameters
   */
  public record Epoch(
      double loss, long steps, long updatesSent, long updatesApplied, double distanceMoved) {}

  /**
   * Checks the cluster and opens the driver's port.
   *
   * @param network holds the parameters, optimizer state and step to start from, then the results
   * @param workers Spark tasks that train; one that runs alone in its process trains at the same
   *     time as the others, those that share a process take turns
   * @param networks builds the workers' networks
   * @throws UserFailure with every reason why it cannot be
   */
  public static AsyncGradientSharing open(
      JavaSparkContext spark,
      MultiLayerNetwork network,
      int workers,
      NetworkSource networks,
      AsyncSettings settings) {
    Preflight.requireAccepted(spark.getConf(), settings.acceptUnauthenticated());
    var run =
        new AsyncRun(
            "sluice-" + UUID.randomUUID(),
            driver(spark, settings),
            ThreadLocalRandom.current().nextInt(1000, Integer.MAX_VALUE),
            networks,
            settings);
    List<Integer> numbers = IntStream.range(0, workers).boxed().toList();
    // cached, so that an executor keeps its worker from one epoch to the next
    JavaRDD<Integer> tasks =
        spark.parallelize(numbers, workers).persist(StorageLevel.MEMORY_AND_DISK());
    try {
      Preflight.check(spark, tasks, run);
      var master = new AsyncMaster(spark, run, network, workers);
      master.start();
      return new AsyncGradientSharing(spark, network, run, tasks, master);
    } catch (RuntimeException e) {
      tasks.unpersist(false);
      throw e;
    }
  }

  private static Endpoint driver(JavaSparkContext spark, AsyncSettings settings) {
    String host =
        settings.address().isEmpty()
            ? spark.getConf().get("spark.driver.host")
            : settings.address();
    try {
      return Endpoint.of(host, settings.port());
    } catch (UnknownHostException e) {
      throw new OperationFailedException(
          "The driver's host name %s has no address. Set train.async.address to the driver's address on the executors' network."
              .formatted(host),
          e);
    }
  }

  /**
   * Trains one epoch.
   *
   * @param epoch from 0
   * @param learningRate of the workers, by step
   * @throws OperationFailedException if it stalls, if updates are lost, or if the network did not
   *     learn
   */
  public Epoch train(int epoch, Shares shares, ISchedule learningRate) {
    INDArray before = network.params().dup();
    int step = network.getIterationCount();
    long appliedBefore = master.applied().count();

    AsyncMaster.Sums sums = watched(epoch, shares, learningRate);
    long sent = sums.sent().value();
    long applied = drained(appliedBefore, sent) - appliedBefore;

    long steps = sums.steps().value();
    network
        .getLayerWiseConfigurations()
        .setIterationCount(step + Math.toIntExact(steps / workers.getNumPartitions()));
    var done = new Epoch(sums.loss().value() / steps, steps, sent, applied, distance(before));
    requireLearned(done, epoch);
    hasMoved = true;
    return done;
  }

  /** Runs the epoch's job as long as updates keep coming. */
  private AsyncMaster.Sums watched(int epoch, Shares shares, ISchedule learningRate) {
    var job =
        new FutureTask<>(
            () -> {
              spark.setJobGroup(
                  run.id(), "train epoch %d, async-gradient-sharing".formatted(epoch + 1), true);
              return master.train(workers, epoch, shares, learningRate);
            });
    var thread = new Thread(job, "async-gradient-sharing-job");
    thread.setDaemon(true);
    var failures = new TaskFailures();
    spark.sc().addSparkListener(failures);
    thread.start();
    long applied = master.applied().count();
    long since = System.nanoTime();
    try {
      while (true) {
        try {
          return job.get(WATCH_MILLIS, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
          if (master.applied().count() > applied) {
            applied = master.applied().count();
            since = System.nanoTime();
          } else if (System.nanoTime() - since > run.settings().stallTimeout().toNanos()) {
            cancel(job);
            throw new OperationFailedException(
                "No update has reached the driver for %d s in epoch %d (%d before). %s; raise train.async.stall-timeout if a step takes that long."
                    .formatted(
                        run.settings().stallTimeout().toSeconds(),
                        epoch + 1,
                        applied,
                        failures.last().orElse("No task has failed: see the executors' logs")));
          }
        }
      }
    } catch (InterruptedException e) {
      cancel(job);
      Thread.currentThread().interrupt();
      throw new OperationFailedException("Interrupted in epoch %d".formatted(epoch + 1), e);
    } catch (ExecutionException e) {
      throw failure(e.getCause());
    } finally {
      spark.sc().removeSparkListener(failures);
    }
  }

  /** Remembers why a task failed: Spark itself tells only once all attempts have. */
  private static final class TaskFailures extends SparkListener {
    private final AtomicReference<String> last = new AtomicReference<>();

    @Override
    public void onTaskEnd(SparkListenerTaskEnd end) {
      if (end.reason() instanceof ExceptionFailure failure) {
        last.set(
            "A task on executor %s failed: %s"
                .formatted(end.taskInfo().executorId(), failure.description()));
      }
    }

    Optional<String> last() {
      return Optional.ofNullable(last.get());
    }
  }

  private void cancel(FutureTask<?> job) {
    spark.sc().cancelJobGroup(run.id());
    try {
      job.get(CANCELLATION.toSeconds(), TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      LOG.debug("The job was cancelled", e);
    } catch (TimeoutException e) {
      LOG.warn(
          "Tasks of async-gradient-sharing did not end within {} s of being cancelled",
          CANCELLATION.toSeconds());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Waits for updates that are still on their way; returns how many have been applied in all. */
  private long drained(long before, long sent) {
    try {
      long applied =
          master.applied().await(before + sent, run.settings().handshakeTimeout().toMillis());
      master.flush();
      if (applied < before + sent) {
        throw new OperationFailedException(
            "%d of %d updates that workers sent have not reached the driver within %d s: the network lost them. The driver's parameters lack what they learned; go on from the last checkpoint with fewer workers or another strategy."
                .formatted(
                    before + sent - applied, sent, run.settings().handshakeTimeout().toSeconds()));
      }
      return applied;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new OperationFailedException("Interrupted while updates were on their way", e);
    }
  }

  private double distance(INDArray before) {
    return network.params().distance2(before);
  }

  private void requireLearned(Epoch done, int epoch) {
    if (!Double.isFinite(done.distanceMoved())) {
      throw new OperationFailedException(
          "Parameters are not finite after epoch %d (mean loss %s). Lower train.learning-rate or the number of workers: stale updates add up."
              .formatted(epoch + 1, done.loss()));
    }
    if (done.distanceMoved() == 0 && done.updatesSent() == 0 && hasMoved) {
      LOG.warn(
          "No update reached the threshold in epoch {}: parameters stay as they are. A learning rate that falls to zero ends so; else lower train.async.threshold.",
          epoch + 1);
    } else if (done.distanceMoved() == 0) {
      throw new OperationFailedException(
          "The driver's parameters have not moved in epoch %d (%d steps, %d updates sent, %d applied). Lower train.async.threshold, or use train.strategy = gradient-sharing."
              .formatted(epoch + 1, done.steps(), done.updatesSent(), done.updatesApplied()));
    }
  }

  private static RuntimeException failure(Throwable cause) {
    UserFailure known = ExceptionUtils.throwableOfType(cause, UserFailure.class);
    if (known != null) {
      return known;
    }
    return cause instanceof RuntimeException e ? e : new IllegalStateException(cause);
  }

  /** A slot may be held by a task that does not end though it was cancelled. */
  private static void closeExecutors(JavaFutureAction<Void> closing) {
    try {
      closing.get(CANCELLATION.toSeconds(), TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      closing.cancel(true);
      LOG.warn("Executors may still hold their UDP ports: {}", e.toString());
    } catch (InterruptedException e) {
      closing.cancel(true);
      Thread.currentThread().interrupt();
    }
  }

  /** Closes the ports and ends the threads of the run, here and in the executors. */
  @Override
  public void close() {
    String id = run.id();
    try {
      if (!spark.sc().isStopped()) {
        try (var ignored = JobDescription.set(spark.sc(), "async-gradient-sharing: close ports")) {
          closeExecutors(workers.foreachAsync(worker -> ShareTrainer.close(id)));
        }
        workers.unpersist(false);
      }
    } finally {
      master.stop();
    }
  }
}
