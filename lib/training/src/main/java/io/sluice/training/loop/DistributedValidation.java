package io.sluice.training.loop;

import io.sluice.failure.UserFailure;
import io.sluice.recurrent.layer.KernelMemory;
import io.sluice.recurrent.optim.FlatFloats;
import io.sluice.sequences.spark.JobDescription;
import org.apache.commons.lang3.exception.ExceptionUtils;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** The validation loss of the driver's network, computed by Spark tasks. */
public final class DistributedValidation {
  private DistributedValidation() {}

  /**
   * Mean loss over the validation split.
   *
   * @param workers one number from 0 a partition
   */
  public static double loss(
      JavaSparkContext spark,
      Broadcast<RunPlan> plan,
      JavaRDD<Integer> workers,
      MultiLayerNetwork network) {
    int count = workers.getNumPartitions();
    Broadcast<float[]> parameters = spark.broadcast(FlatFloats.of(network.params()));
    try (var ignored = JobDescription.set(spark.sc(), "validation loss")) {
      return workers
          .map(worker -> part(plan.value(), parameters.value(), worker, count))
          .collect()
          .stream()
          .reduce(new ValidationLoss.Sum(0, 0), ValidationLoss.Sum::plus)
          .mean();
    } catch (RuntimeException e) {
      throw userFailure(e);
    } finally {
      parameters.destroy();
    }
  }

  private static ValidationLoss.Sum part(
      RunPlan plan, float[] parameters, int worker, int workers) {
    MultiLayerNetwork network = plan.network();
    FlatFloats.put(parameters, network.params());
    try {
      return new ValidationLoss(plan.examples(), plan).of(network, worker, workers);
    } finally {
      KernelMemory.free(network);
    }
  }

  /** A worker's own message, where it has one for the user, in place of Spark's. */
  public static RuntimeException userFailure(RuntimeException e) {
    UserFailure failure = ExceptionUtils.throwableOfType(e, UserFailure.class);
    return failure == null ? e : failure;
  }
}
