package io.sluice.benchmarks;

import com.sun.management.GarbageCollectionNotificationInfo;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.Split;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryUsage;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import javax.management.NotificationEmitter;
import javax.management.openmbean.CompositeData;
import org.apache.spark.sql.SparkSession;

/**
 * Does a single series of ten million rows build in 2 GB of heap?
 *
 * <pre>lib/benchmarks/run.sh long-series [--record] [rows]</pre>
 *
 * <p>Reported is the most that was alive after a garbage collection, the whole process's peak, and
 * the time of one build with two threads. {@code run.sh} gives this benchmark {@code -Xmx2g}.
 *
 * <p>Result: results/long-series.json (2026-11-25, 2 cores of an AMD EPYC, 24 GB): yes, in 38 s,
 * one build.
 */
public final class LongSeriesBenchmark {
  private LongSeriesBenchmark() {}

  public static void main(String[] args) throws Exception {
    long rows = args.length > 0 ? Long.parseLong(args[0]) : 10_000_000;
    try (var scratch = new Scratch();
        SparkSession spark = Telemetry.spark(2)) {
      Path raw = scratch.path("raw");
      Telemetry.rows(spark, 1, rows, 2).write().parquet(raw.toString());
      var settings =
          Telemetry.settings(
              raw, scratch.path("lake"), "split { train = 1.0, validation = 0.0, test = 0.0 }");
      AtomicLong alive = watchHeap();

      long start = System.nanoTime();
      SequenceDataset dataset = Telemetry.open(Telemetry.build(spark, settings));
      double seconds = (System.nanoTime() - start) / 1e9;

      Turns.requireEqual(
          "windows",
          rows - (Telemetry.LOOK_BACK + Telemetry.HORIZON - 1L),
          dataset.windows(Split.TRAIN));
      double heap = (double) Runtime.getRuntime().maxMemory() / (1L << 30);
      new Report("long-series", "Does one series of ten million rows build in 2 GB of heap?")
          .put(
              "data",
              "%,d rows of 8 channels in one series; look-back %d, horizon %d, stride 1"
                  .formatted(rows, Telemetry.LOOK_BACK, Telemetry.HORIZON))
          .put("parts", dataset.parts(Split.TRAIN).size())
          .put("seconds", Report.rounded(seconds))
          .put("rowsPerSecond", Math.round(rows / seconds))
          .put("aliveAfterCollectionMiB", alive.get() >> 20)
          .put("peakOfTheProcessMiB", ProcessMemory.peakKibibytes() >> 10)
          .require("heapGiB", heap, "at most 2", heap <= 2)
          .finish();
    }
  }

  /** The largest heap seen after a collection, from now on. */
  private static AtomicLong watchHeap() {
    var most = new AtomicLong();
    for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
      ((NotificationEmitter) collector)
          .addNotificationListener(
              (notification, handback) -> {
                var data = (CompositeData) notification.getUserData();
                var info = GarbageCollectionNotificationInfo.from(data).getGcInfo();
                long used =
                    info.getMemoryUsageAfterGc().entrySet().stream()
                        .filter(pool -> isHeap(pool.getKey()))
                        .map(java.util.Map.Entry::getValue)
                        .mapToLong(MemoryUsage::getUsed)
                        .sum();
                most.accumulateAndGet(used, Math::max);
              },
              notification ->
                  notification
                      .getType()
                      .equals(GarbageCollectionNotificationInfo.GARBAGE_COLLECTION_NOTIFICATION),
              null);
    }
    return most;
  }

  private static boolean isHeap(String pool) {
    return pool.contains("Eden")
        || pool.contains("Survivor")
        || pool.contains("Old")
        || pool.contains("Tenured");
  }
}
