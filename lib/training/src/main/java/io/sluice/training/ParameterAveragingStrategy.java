package io.sluice.training;

import io.sluice.failure.UserFailure;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.storage.StorageLevel;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.spark.impl.multilayer.SparkDl4jMultiLayer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * W Spark tasks step on their own slices of each global batch; every few steps dl4j-spark's {@code
 * ParameterAveragingTrainingMaster} averages parameters and optimizer state.
 *
 * <p>Averaging after every step of plain gradient descent is one step on the global batch, exactly.
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
final class ParameterAveragingStrategy implements Strategy {
  private static final Logger LOG = LoggerFactory.getLogger(ParameterAveragingStrategy.class);

  private final JavaSparkContext spark;
  private final StepPlan plan;
  private final int averagingFrequency;
  private final Broadcast<WorkerPlan> broadcast;
  private final JavaRDD<Integer> workers;

  ParameterAveragingStrategy(JavaSparkContext spark, WorkerPlan workerPlan, int frequency) {
    this.spark = spark;
    this.plan = workerPlan.plan();
    this.averagingFrequency = frequency;
    this.broadcast = spark.broadcast(workerPlan);
    List<Integer> numbers = IntStream.range(0, plan.workers()).boxed().toList();
    this.workers =
        spark.parallelize(numbers, plan.workers()).persist(StorageLevel.MEMORY_AND_DISK());
    if (spark.defaultParallelism() < plan.workers()) {
      LOG.warn(
          "train.workers is {} and Spark has {} task slots: workers take turns. Lower train.workers or raise the number of executors.",
          plan.workers(),
          spark.defaultParallelism());
    }
  }

  @Override
  public double train(MultiLayerNetwork network, int epoch, RunLog run) {
    var master = new AveragingMaster(broadcast, run.learningRate(), averagingFrequency);
    var averaging = new SparkDl4jMultiLayer(spark, network, master);
    var loader = new WorkerBatches(broadcast);
    double lossSum = 0;
    long seen = 0;
    for (int first = 0; first < plan.stepsPerEpoch(); first += averagingFrequency) {
      int steps = Math.min(averagingFrequency, plan.stepsPerEpoch() - first);
      average(averaging, loader, network, epoch, first, steps);
      master.release();
      long windows = (long) steps * plan.batchSize();
      double loss = averaging.getScore();
      run.steps(steps, windows, loss, master.gradientNorm());
      lossSum += loss * windows;
      seen += windows;
    }
    return lossSum / seen;
  }

  /** Steps [first, first + steps) of the epoch, then an average. */
  private void average(
      SparkDl4jMultiLayer averaging,
      WorkerBatches loader,
      MultiLayerNetwork network,
      int epoch,
      int first,
      int steps) {
    spark.setJobDescription(
        "train epoch %d, steps %d to %d".formatted(epoch + 1, first + 1, first + steps));
    int done = network.getIterationCount();
    JavaRDD<String> slices =
        workers.flatMap(
            worker ->
                IntStream.range(first, first + steps)
                    .mapToObj(step -> new WorkerBatches.Address(epoch, step, worker).text())
                    .iterator());
    try {
      averaging.fitPaths(slices, loader);
    } catch (RuntimeException e) {
      throw userFailure(e);
    } finally {
      spark.setJobDescription(null);
    }
    network.getLayerWiseConfigurations().setIterationCount(done + steps);
  }

  @Override
  public double validationLoss(MultiLayerNetwork network) {
    Broadcast<WorkerPlan> shared = broadcast;
    Broadcast<float[]> parameters = spark.broadcast(network.params().dup().data().asFloat());
    spark.setJobDescription("validation loss");
    try {
      return workers
          .map(worker -> shared.value().validationLoss(parameters.value(), worker))
          .collect()
          .stream()
          .reduce(new ValidationLoss.Sum(0, 0), ValidationLoss.Sum::plus)
          .mean();
    } catch (RuntimeException e) {
      throw userFailure(e);
    } finally {
      spark.setJobDescription(null);
      parameters.destroy();
    }
  }

  /** A worker's own message, where it has one for the user, in place of Spark's. */
  private static RuntimeException userFailure(RuntimeException e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof UserFailure failure) {
        return failure;
      }
    }
    return e;
  }

  @Override
  public void close() {
    workers.unpersist(false);
    broadcast.destroy();
  }
}
