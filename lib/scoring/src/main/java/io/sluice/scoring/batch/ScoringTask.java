package io.sluice.scoring.batch;

import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.kernel.Device;
import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.device.TaskDevice;
import java.io.Serializable;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkContext;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.CollectionAccumulator;
import org.apache.spark.util.SerializableConfiguration;
import org.apache.spark.util.TaskCompletionListener;
import scala.Option;

/**
 * The bundle and the device of the tasks of a run.
 *
 * @param bundleUri where the executor finds the bundle
 * @param bundleHash which bundle that must be
 * @param threads native threads
 * @param choice where to compute
 * @param devices on which it was computed, one element per task
 * @param complaints of devices that are not what they should be
 * @param hadoop to open the lake with
 */
record ScoringTask(
    String bundleUri,
    String bundleHash,
    int threads,
    DeviceChoice choice,
    CollectionAccumulator<String> devices,
    CollectionAccumulator<String> complaints,
    Broadcast<SerializableConfiguration> hadoop)
    implements Serializable, AutoCloseable {

  /** On the driver; closing it takes from the tasks what they share. */
  static ScoringTask of(
      ModelBundle bundle, ScoreSettings settings, SparkContext spark, Configuration hadoop) {
    return new ScoringTask(
        bundle.uri(),
        bundle.hash(),
        settings.threads(),
        settings.device(),
        accumulator(spark, "devices"),
        accumulator(spark, "complaints of devices"),
        JavaSparkContext.fromSparkContext(spark).broadcast(new SerializableConfiguration(hadoop)));
  }

  static <T> CollectionAccumulator<T> accumulator(SparkContext spark, String name) {
    var accumulator = new CollectionAccumulator<T>();
    accumulator.register(spark, Option.apply(name), false);
    return accumulator;
  }

  /** In a task: its bundle. */
  ModelBundle bundle() {
    NativeThreads.set(threads);
    return ExecutorBundles.open(bundleUri, bundleHash, hadoop.value().value());
  }

  /** In a task: its device, until the task ends. */
  Device device() {
    TaskDevice own = TaskDevice.of(choice);
    atEnd(own);
    devices.add(own.device().toString());
    own.device().complaint().ifPresent(complaints::add);
    return own.device();
  }

  /** In a task: closes something when it ends, before what was there already. */
  static void atEnd(AutoCloseable resource) {
    TaskCompletionListener closes =
        task -> {
          try {
            resource.close();
          } catch (Exception e) {
            throw new IllegalStateException("a task could not give back what it held", e);
          }
        };
    TaskContext.get().addTaskCompletionListener(closes);
  }

  /** On the driver, after the tasks: on which devices they computed. */
  String devicesUsed() {
    return Device.summary(devices.value().stream().distinct().sorted().toList());
  }

  /** On the driver, after the tasks: each complaint once. */
  List<String> complaintsMade() {
    return complaints.value().stream().distinct().toList();
  }

  @Override
  public void close() {
    hadoop.destroy();
  }
}
