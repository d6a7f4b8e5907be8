package io.sluice.training.sharing;

import io.sluice.training.loop.Stepper;
import java.io.Serializable;
import org.apache.spark.SparkContext;
import org.apache.spark.util.LongAccumulator;

/** What all ranks have done in an attempt, as Spark's accumulators: the stage's page shows them. */
record RankCounters(
    LongAccumulator steps,
    LongAccumulator windows,
    LongAccumulator computeMillis,
    LongAccumulator allReduceMillis,
    LongAccumulator readMillis,
    LongAccumulator bytesSent)
    implements Serializable {

  static RankCounters create(SparkContext spark) {
    return new RankCounters(
        spark.longAccumulator("steps"),
        spark.longAccumulator("windows"),
        spark.longAccumulator("compute, ms"),
        spark.longAccumulator("all-reduce, ms"),
        spark.longAccumulator("reading, ms"),
        spark.longAccumulator("bytes sent"));
  }

  /**
   * @param first whether the rank that takes it is the one that counts what all do together
   */
  void add(Stepper.Taken taken, boolean first) {
    if (first) {
      steps.add(taken.count());
      windows.add(taken.windows());
    }
    computeMillis.add(taken.time().computeNanos() / 1_000_000);
    allReduceMillis.add(taken.time().exchangeNanos() / 1_000_000);
    readMillis.add(taken.time().readNanos() / 1_000_000);
    bytesSent.add(taken.time().bytesSent());
  }
}
