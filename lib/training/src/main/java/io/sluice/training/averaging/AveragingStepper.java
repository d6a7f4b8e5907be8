package io.sluice.training.averaging;

import io.sluice.sequences.spark.JobDescription;
import io.sluice.training.checkpoint.Checkpoint.Position;
import io.sluice.training.loop.DistributedValidation;
import io.sluice.training.loop.RunPlan;
import io.sluice.training.loop.StepPlan;
import io.sluice.training.loop.StepTime;
import io.sluice.training.loop.Stepper;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaFutureAction;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.storage.StorageLevel;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.spark.impl.multilayer.SparkDl4jMultiLayer;
import org.nd4j.linalg.schedule.ISchedule;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * W Spark tasks step on their own parts of each batch; every few steps dl4j-spark's {@code
 * ParameterAveragingTrainingMaster} averages parameters and optimizer state, each worker's by its
 * number of windows.
 *
 * <p>Averaging after every step of plain gradient descent is one step on the whole batch, exactly.
 * With momentum, with clipping (each worker clips its own gradient) or less frequent averages it is
 * an approximation.
 *
 * <p>Each average is one call of the master with W × frequency batches, already in W partitions, so
 * that it neither splits, moves, caches nor drops any: what it would do with a whole epoch. The
 * workers' places in the order are tied to executors by a cached RDD of the worker numbers. The
 * master counts {@code frequency} steps whatever was done and knows no checkpoint; steps and epochs
 * are counted here.
 *
 * <p>With more than two workers sums are added in the order in which tasks finish: equal runs agree
 * to float32 rounding, not bit for bit.
 */
public final class AveragingStepper implements Stepper {
  private static final Logger LOG = LoggerFactory.getLogger(AveragingStepper.class);
  private static final long LEAVE_SECONDS = 10;

  private final JavaSparkContext spark;
  private final WorkerPlan plan;
  private final StepPlan steps;
  private final int frequency;
  private final BooleanSupplier stopAsked;
  private final MultiLayerNetwork network;
  private final Broadcast<WorkerPlan> broadcast;
  private final Broadcast<RunPlan> run;
  private final JavaRDD<Integer> workers;

  /**
   * @param workers tasks that share each batch
   * @param frequency steps between two averages
   * @param stopAsked whether the run is asked to stop
   */
  public AveragingStepper(
      JavaSparkContext spark, RunPlan run, int workers, int frequency, BooleanSupplier stopAsked) {
    this.spark = spark;
    this.plan = new WorkerPlan(run, workers);
    this.steps = plan.run().steps();
    this.frequency = frequency;
    this.stopAsked = stopAsked;
    this.network = plan.run().network();
    this.broadcast = spark.broadcast(plan);
    this.run = spark.broadcast(run);
    List<Integer> numbers = IntStream.range(0, workers).boxed().toList();
    this.workers = spark.parallelize(numbers, workers).persist(StorageLevel.MEMORY_AND_DISK());
    if (spark.defaultParallelism() < workers) {
      LOG.warn(
          "train.workers is {} and Spark has {} task slots: workers take turns. Lower train.workers or raise the number of executors.",
          workers,
          spark.defaultParallelism());
    }
  }

  @Override
  public MultiLayerNetwork network() {
    return network;
  }

  @Override
  public Steps steps(Position from, ISchedule learningRate) {
    var master = new AveragingMaster(broadcast, learningRate, frequency);
    var averaging = new SparkDl4jMultiLayer(spark, network, master);
    var loader = new WorkerBatches(broadcast);
    return new Steps() {
      private int next = from.stepOfEpoch();

      @Override
      public boolean hasNext() {
        return next < steps.stepsPerEpoch();
      }

      @Override
      public Taken next() {
        if (!hasNext()) {
          throw new NoSuchElementException("no more steps in this epoch");
        }
        // averages stand at the same steps of an epoch wherever a run goes on
        int count = Math.min(frequency - next % frequency, steps.stepsPerEpoch() - next);
        master.nextSteps(next, count);
        average(averaging, loader, from.epoch(), next, count);
        master.release();
        long windows = IntStream.range(next, next + count).mapToLong(steps::windowsAt).sum();
        next += count;
        return new Taken(
            count,
            windows,
            averaging.getScore(),
            master.gradientNorm(),
            StepTime.NONE,
            stopAsked.getAsBoolean());
      }

      @Override
      public void close() {
        master.release();
      }
    };
  }

  /** Steps [first, first + count) of the epoch, then an average. */
  private void average(
      SparkDl4jMultiLayer averaging, WorkerBatches loader, int epoch, int first, int count) {
    int done = network.getIterationCount();
    JavaRDD<String> slices =
        workers.flatMap(
            worker ->
                IntStream.range(first, first + count)
                    .mapToObj(step -> new WorkerBatches.Address(epoch, step, worker).text())
                    .iterator());
    String story = "train epoch %d, steps %d to %d".formatted(epoch + 1, first + 1, first + count);
    try (var ignored = JobDescription.set(spark.sc(), story)) {
      averaging.fitPaths(slices, loader);
    } catch (RuntimeException e) {
      throw DistributedValidation.userFailure(e);
    }
    network.getLayerWiseConfigurations().setIterationCount(done + count);
  }

  @Override
  public double validationLoss() {
    return DistributedValidation.loss(spark, run, workers, network);
  }

  /** Workers begin each average with the parameters of the driver. */
  @Override
  public void requireAgreement(long step) {}

  @Override
  public void close() {
    leaveDatasets();
    workers.unpersist(false);
    broadcast.destroy();
    run.destroy();
  }

  /** A run that ends within an epoch leaves files open in its executors, which may live on. */
  private void leaveDatasets() {
    if (spark.sc().isStopped()) {
      return;
    }
    String id = plan.run().runId();
    JavaFutureAction<Void> leaving;
    try (var ignored = JobDescription.set(spark.sc(), "close datasets")) {
      leaving = workers.foreachAsync(worker -> WorkerBatches.leave(id));
    }
    try {
      leaving.get(LEAVE_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      LOG.debug("Datasets may still be open in executors", e);
      leaving.cancel(true);
    } catch (InterruptedException e) {
      leaving.cancel(true);
      Thread.currentThread().interrupt();
    }
  }
}
