package io.sluice.scoring.evaluation;

import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.scoring.device.GpuScheduling;
import io.sluice.sequences.spark.JobDescription;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import scala.reflect.ClassTag$;

/** Where the work is done: in the tasks of a Spark session, or here, one item after another. */
final class Workers {
  // results are merged in tasks, two levels deep, before the last few meet on the driver
  private static final int TREE_DEPTH = 2;

  private final SparkSession spark;
  private final Configuration hadoop;

  /**
   * @param spark null works here
   */
  Workers(SparkSession spark, Configuration hadoop) {
    this.spark = spark;
    this.hadoop = hadoop;
  }

  /** The session whose tasks work; empty where the work is done here. */
  Optional<SparkSession> spark() {
    return Optional.ofNullable(spark);
  }

  /** As many as work at once. */
  int tasks() {
    return spark == null ? 1 : spark.sparkContext().defaultParallelism();
  }

  /** The work on some of the items. */
  interface Work<T, R> extends Serializable {
    R on(Iterator<T> items, Configuration hadoop);
  }

  /** Makes one result of two; may change and return the first. */
  interface Merge<R> extends Serializable {
    R of(R first, R second);
  }

  /** Works on all items and merges the results; empty where there is no item. */
  <T extends Serializable, R> Optional<R> run(
      String description, List<T> items, Work<T, R> work, Merge<R> merge) {
    return run(description, items, work, merge, DeviceChoice.CPU);
  }

  /**
   * @param choice where the work computes; there may be fewer tasks at once where that is a GPU
   */
  <T extends Serializable, R> Optional<R> run(
      String description, List<T> items, Work<T, R> work, Merge<R> merge, DeviceChoice choice) {
    if (items.isEmpty()) {
      return Optional.empty();
    }
    if (spark == null) {
      return Optional.of(work.on(items.iterator(), hadoop));
    }
    var context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    int tasks = Math.min(items.size(), 4 * context.defaultParallelism());
    Broadcast<SerializableConfiguration> conf =
        spark
            .sparkContext()
            .broadcast(
                new SerializableConfiguration(hadoop),
                ClassTag$.MODULE$.apply(SerializableConfiguration.class));
    try (var ignored = JobDescription.set(spark.sparkContext(), description)) {
      JavaRDD<R> results =
          context
              .parallelize(new ArrayList<>(items), tasks)
              .mapPartitions(
                  part ->
                      part.hasNext()
                          ? List.of(work.on(part, conf.value().value())).iterator()
                          : List.<R>of().iterator());
      return Optional.of(
          GpuScheduling.withGpus(results, spark.sparkContext(), choice)
              .treeReduce(merge::of, TREE_DEPTH));
    } finally {
      conf.destroy();
    }
  }
}
