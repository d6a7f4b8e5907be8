package io.sluice.scoring.batch;

import io.sluice.scoring.bundle.Decision;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.bundle.Predictor;
import io.sluice.sequences.dataset.Segment;
import java.util.Collections;
import java.util.Iterator;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.util.CollectionAccumulator;

/**
 * One task: the segments of a Spark partition in, scored windows out, a batch at a time.
 *
 * @param task its bundle and device
 * @param batchSize windows a forward pass
 * @param interval share of actual values the interval should hold
 * @param decision what class probabilities stand for
 * @param observed what was there to look at, one element per task
 */
record WindowScoring(
    ScoringTask task,
    int batchSize,
    double interval,
    Decision decision,
    CollectionAccumulator<ObservedInputs> observed)
    implements FlatMapFunction<Iterator<Segment>, ScoredWindow> {

  @Override
  public Iterator<ScoredWindow> call(Iterator<Segment> segments) {
    if (!segments.hasNext()) {
      return Collections.emptyIterator(); // an empty partition opens no bundle
    }
    ModelBundle bundle = task.bundle();
    Predictor predictor = bundle.newPredictor().on(task.device());
    ScoringTask.atEnd(predictor);
    return new ScoredWindows(
        segments,
        bundle.contract(),
        predictor,
        batchSize,
        interval,
        decision,
        TaskContext.getPartitionId(),
        observed::add);
  }
}
