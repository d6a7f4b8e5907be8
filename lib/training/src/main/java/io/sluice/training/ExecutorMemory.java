package io.sluice.training;

import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.training.sharing.Cluster;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;

/**
 * What an executor has for the ranks that run in it.
 *
 * @param ranks that run in it, at most
 * @param heapMebibytes of the Java heap
 * @param overheadMebibytes beside it
 * @param isLimited whether more than that ends the executor
 * @param nativeBytes that JavaCPP lets it reserve outside the heap
 */
record ExecutorMemory(
    int ranks, long heapMebibytes, long overheadMebibytes, boolean isLimited, long nativeBytes) {
  /** Spark's defaults where nothing is set. */
  private static final long LEAST_OVERHEAD_MIB = 384;

  /** Of the executors in which a run's workers compute. */
  static ExecutorMemory of(SparkContext spark, TrainSettings settings) {
    DeviceChoice device =
        Strategies.takesGpus(settings.strategy()) ? settings.device() : DeviceChoice.CPU;
    return of(spark, new Cluster(spark, device), settings.workers().orElseThrow());
  }

  static ExecutorMemory of(SparkContext spark, Cluster cluster, int workers) {
    SparkConf conf = spark.conf();
    boolean local = spark.isLocal();
    long heap = conf.getSizeAsMb("spark.executor.memory", "1g");
    boolean given = conf.contains("spark.executor.memoryOverhead");
    long overhead =
        given
            ? conf.getSizeAsMb("spark.executor.memoryOverhead")
            : Math.max(
                LEAST_OVERHEAD_MIB,
                (long) (heap * conf.getDouble("spark.executor.memoryOverheadFactor", 0.1)));
    return new ExecutorMemory(
        local ? workers : ranks(conf, cluster, workers),
        heap,
        overhead,
        !local && (given || isContainer(conf.get("spark.master", ""))),
        local ? NativeLimit.ofThisProcess() : NativeLimit.ofExecutors(conf, heap << 20));
  }

  private static int ranks(SparkConf conf, Cluster cluster, int workers) {
    int cpus = Math.max(1, conf.getInt("spark.task.cpus", 1));
    int slots =
        conf.contains("spark.executor.cores")
            ? conf.getInt("spark.executor.cores", cpus) / cpus
            : cluster.slotsPerExecutor();
    return Math.min(workers, Math.max(1, slots));
  }

  private static boolean isContainer(String master) {
    return master.startsWith("yarn") || master.startsWith("k8s");
  }

  /** Native memory of a rank, in bytes; 0 is no limit. */
  long rankBytes() {
    return isLimited ? (overheadMebibytes << 20) / ranks : 0;
  }

  /** What a rank may hold outside the heap, touched or only reserved, in bytes. */
  long rankLimit() {
    return Math.min(nativeBytes / ranks, isLimited ? rankBytes() : NativeLimit.NONE);
  }
}
