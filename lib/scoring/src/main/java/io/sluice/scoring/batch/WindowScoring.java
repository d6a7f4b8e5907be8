package io.sluice.scoring.batch;

import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.bundle.Predictor;
import io.sluice.scoring.device.TaskDevice;
import io.sluice.sequences.dataset.Segment;
import java.util.Collections;
import java.util.Iterator;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.CollectionAccumulator;
import org.apache.spark.util.SerializableConfiguration;
import org.apache.spark.util.TaskCompletionListener;

/**
 * One task: the segments of a Spark partition in, scored windows out, a batch at a time.
 *
 * @param bundleUri where the executor finds the bundle
 * @param bundleHash which bundle that must be
 * @param batchSize windows a forward pass
 * @param threads native threads
 * @param interval share of actual values the interval should hold
 * @param choice where to compute
 * @param devices on which it was computed, one element per task
 * @param complaints of devices that are not what they should be
 * @param observed what was there to look at, one element per task
 * @param hadoop to open the lake with
 */
record WindowScoring(
    String bundleUri,
    String bundleHash,
    int batchSize,
    int threads,
    double interval,
    DeviceChoice choice,
    CollectionAccumulator<String> devices,
    CollectionAccumulator<String> complaints,
    CollectionAccumulator<ObservedInputs> observed,
    Broadcast<SerializableConfiguration> hadoop)
    implements FlatMapFunction<Iterator<Segment>, ScoredWindow> {

  @Override
  public Iterator<ScoredWindow> call(Iterator<Segment> segments) {
    if (!segments.hasNext()) {
      return Collections.emptyIterator(); // an empty partition opens no bundle
    }
    NativeThreads.set(threads);
    ModelBundle bundle = ExecutorBundles.open(bundleUri, bundleHash, hadoop.value().value());
    TaskDevice own = TaskDevice.of(choice);
    TaskCompletionListener givesBack = task -> own.close();
    TaskContext.get().addTaskCompletionListener(givesBack);
    Predictor predictor = bundle.newPredictor().on(own.device());
    TaskCompletionListener closes = task -> predictor.close(); // called first: the last one added
    TaskContext.get().addTaskCompletionListener(closes);
    devices.add(own.device().toString());
    own.device().complaint().ifPresent(complaints::add);
    return new ScoredWindows(
        segments,
        bundle.contract(),
        predictor,
        batchSize,
        interval,
        TaskContext.getPartitionId(),
        observed::add);
  }
}
