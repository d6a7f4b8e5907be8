package io.sluice.scoring.device;

import io.sluice.recurrent.kernel.Device;
import io.sluice.recurrent.kernel.DeviceChoice;
import java.util.Optional;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.resource.ResourceProfile;
import org.apache.spark.resource.ResourceProfileBuilder;
import org.apache.spark.resource.TaskResourceRequests;

/** How stages that compute recurrent layers come to their GPUs. */
public final class GpuScheduling {
  /** As Spark's settings name it. */
  static final String RESOURCE = "gpu";

  private static final String OF_EXECUTORS = "spark.executor.resource.gpu.amount";
  private static final String OF_TASKS = "spark.task.resource.gpu.amount";

  private GpuScheduling() {}

  /** Whether Spark gives its executors GPUs. */
  public static boolean executorsHaveGpus(SparkConf conf) {
    return conf.getDouble(OF_EXECUTORS, 0) > 0;
  }

  /** Whether the tasks of a stage that computes in executors do so on GPUs. */
  public static boolean tasksComputeOnGpus(SparkConf conf, DeviceChoice choice) {
    return choice != DeviceChoice.CPU && executorsHaveGpus(conf);
  }

  /**
   * What the tasks of a stage that computes ask for; empty where they ask for what all tasks do.
   * Spark knows it by then: slots can be counted for it.
   */
  public static Optional<ResourceProfile> profile(SparkContext spark, DeviceChoice choice) {
    SparkConf conf = spark.conf();
    boolean ownStage =
        !spark.isLocal() && tasksComputeOnGpus(conf, choice) && conf.getDouble(OF_TASKS, 0) == 0;
    return ownStage ? Optional.of(oneGpuATask(spark)) : Optional.empty();
  }

  private static ResourceProfile oneGpuATask(SparkContext spark) {
    ResourceProfile wanted =
        new ResourceProfileBuilder()
            .require(new TaskResourceRequests().resource(RESOURCE, 1))
            .build();
    var known = spark.resourceProfileManager().getEquivalentProfile(wanted);
    if (known.isDefined()) {
      return known.get();
    }
    spark.resourceProfileManager().addResourceProfile(wanted);
    return wanted;
  }

  /** Lets the stage of a dataset that computes ask for its GPUs. */
  public static <T> JavaRDD<T> withGpus(
      JavaRDD<T> computed, SparkContext spark, DeviceChoice choice) {
    return profile(spark, choice).map(computed::withResources).orElse(computed);
  }

  /**
   * Refuses {@code device = gpu} where tasks cannot have one.
   *
   * @throws io.sluice.failure.InsufficientClusterException if so
   */
  public static void require(SparkContext spark, DeviceChoice choice) {
    if (choice != DeviceChoice.GPU) {
      return;
    }
    if (spark.isLocal()) {
      Device.choose(choice, 0, false);
    } else if (!executorsHaveGpus(spark.conf())) {
      throw Device.refusal(TaskDevice.NONE_FROM_SPARK);
    }
  }
}
