package io.sluice.training;

import io.sluice.config.progress.Progress;
import io.sluice.failure.InsufficientClusterException;
import io.sluice.failure.UserFailure;
import io.sluice.recurrent.memory.TrainingMemory;
import io.sluice.recurrent.model.ModelSummary;
import io.sluice.sequences.lake.Lake;
import io.sluice.training.TrainSettings.StrategyKind;
import io.sluice.training.loop.RunPlan;
import io.sluice.training.sharing.Cluster;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsAction;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What would end a run after it has begun, looked for before: all of it at once. */
final class Preflight {
  private static final Logger LOG = LoggerFactory.getLogger(Preflight.class);

  /** Spark's defaults where nothing is set. */
  private static final long LEAST_OVERHEAD_MIB = 384;

  /** Share of an executor's heap that Spark, and the rest of the run, leave to a rank's arrays. */
  private static final double HEAP_SHARE = 0.6;

  private static final double UNEVEN = 0.05;

  private final TrainSettings settings;
  private final RunPlan plan;
  private final TrainingMemory memory;
  private final List<String> problems = new ArrayList<>();

  private Preflight(TrainSettings settings, RunPlan plan, TrainingMemory memory) {
    this.settings = settings;
    this.plan = plan;
    this.memory = memory;
  }

  /**
   * @param memory native, of one rank
   * @throws InsufficientClusterException if the cluster cannot hold the run
   * @throws UserFailure if its results could not be written
   */
  static void require(
      TrainSettings settings,
      RunPlan plan,
      TrainingMemory memory,
      Optional<SparkContext> spark,
      Configuration hadoop) {
    var preflight = new Preflight(settings, plan, memory);
    if (settings.strategy() == StrategyKind.GRADIENT_SHARING) {
      preflight.cluster(spark.orElseThrow());
    }
    Optional<UserFailure> unwritable = preflight.registry(hadoop);
    if (!preflight.problems.isEmpty()) {
      unwritable.ifPresent(failure -> preflight.problems.add(failure.getMessage()));
      throw new InsufficientClusterException(preflight.message());
    }
    unwritable.ifPresent(
        failure -> {
          throw failure;
        });
  }

  private String message() {
    return problems.size() == 1
        ? problems.get(0)
        : "Cannot train, %d problems:\n  - %s"
            .formatted(problems.size(), String.join("\n  - ", problems));
  }

  private void cluster(SparkContext spark) {
    SparkConf conf = spark.conf();
    int workers = settings.workers().orElseThrow();
    if (conf.getBoolean("spark.dynamicAllocation.enabled", false)) {
      problems.add(
          "spark.dynamicAllocation.enabled is true, and Spark starts no barrier stage then. Set it to false for this job, with --conf after --.");
    } else {
      int slots = new Cluster(spark).awaitSlots(workers, settings.gradientSharing().joinTimeout());
      if (slots < workers) {
        problems.add(
            "train.workers is %d, and the cluster has %d task slots after %s. Set train.workers to at most that, add executors (--num-executors, --total-executor-cores), or raise train.gradient-sharing.join-timeout if they only start slowly."
                .formatted(
                    workers, slots, Progress.words(settings.gradientSharing().joinTimeout())));
      }
    }
    int cpus = Math.max(1, conf.getInt("spark.task.cpus", 1));
    int ranksInExecutor =
        spark.isLocal()
            ? workers
            : Math.min(workers, Math.max(1, conf.getInt("spark.executor.cores", cpus) / cpus));
    nativeMemory(conf, spark.isLocal(), ranksInExecutor);
    heap(conf, spark.isLocal(), ranksInExecutor);
    if (settings.threads() > cpus) {
      LOG.warn(
          "train.threads is {} and spark.task.cpus {}: ranks will share cores. Set spark.task.cpus to train.threads.",
          settings.threads(),
          cpus);
    }
    evenness(workers);
  }

  private void nativeMemory(SparkConf conf, boolean local, int ranks) {
    long needed = mebibytes(ranks * memory.total());
    long heap = conf.getSizeAsMb("spark.executor.memory", "1g");
    boolean limited =
        conf.contains("spark.executor.memoryOverhead") || isContainer(conf.get("spark.master", ""));
    long overhead =
        conf.contains("spark.executor.memoryOverhead")
            ? conf.getSizeAsMb("spark.executor.memoryOverhead")
            : Math.max(
                LEAST_OVERHEAD_MIB,
                (long) (heap * conf.getDouble("spark.executor.memoryOverheadFactor", 0.1)));
    LOG.info(
        "Each executor holds {} rank{}: about {} MiB of native memory beside a heap of {} MiB",
        ranks,
        ranks == 1 ? "" : "s",
        needed,
        heap);
    if (!local && limited && needed > overhead) {
      problems.add(
          "%d rank%s in an executor need about %,d MiB of native memory, and spark.executor.memoryOverhead leaves %,d MiB. Set SLUICE_OFFHEAP_MEMORY=%dm, or spark.executor.memoryOverhead=%dm, or cut batches with train.accumulate."
              .formatted(ranks, ranks == 1 ? "" : "s", needed, overhead, needed, needed + 512));
    }
  }

  private static boolean isContainer(String master) {
    return master.startsWith("yarn") || master.startsWith("k8s");
  }

  private void heap(SparkConf conf, boolean local, int ranks) {
    if (local) {
      return;
    }
    long parameters = ModelSummary.of(plan.spec()).parameters();
    // start, best, average and two snapshots with the optimizer's two moments each
    long needed = mebibytes(ranks * 4L * parameters * (2 + 1 + 1 + 2 * 5));
    long heap = conf.getSizeAsMb("spark.executor.memory", "1g");
    if (needed > HEAP_SHARE * heap) {
      problems.add(
          "%d rank%s in an executor keep up to %,d MiB of parameters and checkpoints on a heap of %,d MiB. Set spark.executor.memory to at least %dm, or spark.executor.cores to fewer ranks an executor."
              .formatted(
                  ranks, ranks == 1 ? "" : "s", needed, heap, (long) (needed / HEAP_SHARE) + 1));
    }
  }

  /** Shards that do not divide evenly leave ranks waiting for those with one more. */
  private void evenness(int workers) {
    int shards = plan.steps().shards();
    int most = (shards + workers - 1) / workers;
    double over = (double) most * workers / shards - 1;
    if (over > UNEVEN) {
      LOG.warn(
          "{} shards over {} ranks: the fullest rank has {} of a batch's windows, {} % more than the mean, and the others wait for it. Set train.shards to a multiple of train.workers.",
          shards,
          workers,
          (settings.batchSize() * most + shards - 1) / shards,
          Math.round(100 * over));
    }
  }

  /** Whether the bundle can be published; checkpoints are written under a lock that is held. */
  private Optional<UserFailure> registry(Configuration hadoop) {
    Path folder = new Path(settings.registryPath(), settings.name());
    try {
      FileSystem files = folder.getFileSystem(hadoop);
      Path existing = folder;
      while (existing.getParent() != null && !files.exists(existing)) {
        existing = existing.getParent();
      }
      if (!files.getFileStatus(existing).isDirectory()) {
        throw new IOException(existing + " is a file, not a folder");
      }
      files.access(existing, FsAction.WRITE);
      return Optional.empty();
    } catch (IOException e) {
      return Optional.of(Lake.writeFailure(folder.toString(), e));
    }
  }

  private static long mebibytes(long bytes) {
    return (bytes + (1 << 20) - 1) >> 20;
  }
}
