package io.sluice.training;

import io.sluice.config.ConfigReader;
import io.sluice.config.InvalidConfigException;
import io.sluice.config.progress.Progress;
import io.sluice.failure.InsufficientClusterException;
import io.sluice.failure.UserFailure;
import io.sluice.recurrent.kernel.Device;
import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.memory.NativeMemory;
import io.sluice.recurrent.memory.TrainingMemory;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.ModelSummary;
import io.sluice.recurrent.pipeline.PipelinePlan;
import io.sluice.scoring.bundle.BundlePublisher;
import io.sluice.scoring.device.GpuScheduling;
import io.sluice.sequences.lake.Lake;
import io.sluice.training.TrainSettings.StrategyKind;
import io.sluice.training.loop.RunPlan;
import io.sluice.training.sharing.Cluster;
import io.sluice.training.sharing.GradientSharingSettings.Wire;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
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

  /** Share of an executor's heap that Spark, and the rest of the run, leave to a rank's arrays. */
  private static final double HEAP_SHARE = 0.6;

  private static final double UNEVEN = 0.05;

  private final TrainSettings settings;
  private final Configuration hadoop;
  private final List<String> shortages = new ArrayList<>();
  private final List<UserFailure> failures = new ArrayList<>();

  Preflight(TrainSettings settings, Configuration hadoop) {
    this.settings = settings;
    this.hadoop = hadoop;
  }

  /**
   * What a run needs before it begins.
   *
   * @return null where it is not to be had: {@link #require} tells why then
   */
  <T> T attempt(Supplier<T> what) {
    try {
      return what.get();
    } catch (UserFailure e) {
      failures.add(e);
      return null;
    }
  }

  /**
   * Looks at all that is left, and lets a run begin in which nothing is amiss.
   *
   * @param plan null if it was not to be had
   * @param spark where the run is one on a cluster
   * @throws InsufficientClusterException if the cluster cannot hold the run
   * @throws UserFailure if something else is amiss
   */
  void require(RunPlan plan, Optional<SparkContext> spark) {
    registry();
    devices(spark);
    if (plan != null) {
      network(plan.spec());
    }
    if (plan != null && settings.strategy() == StrategyKind.LOCAL) {
      reserved(1, plan, NativeLimit.of(settings, Optional.empty()));
    }
    if (settings.runsRanks()) {
      cluster(spark.orElseThrow(), plan);
    } else if (plan != null && settings.strategy() != StrategyKind.LOCAL) {
      workers(spark.orElseThrow(), plan);
    }
    var problems = new ArrayList<>(shortages);
    failures.forEach(failure -> problems.add(failure.getMessage()));
    String message =
        "Cannot train, %d problems:\n  - %s"
            .formatted(problems.size(), String.join("\n  - ", problems));
    if (!shortages.isEmpty()) {
      throw new InsufficientClusterException(problems.size() == 1 ? problems.get(0) : message);
    }
    if (failures.size() == 1) {
      throw failures.get(0);
    }
    if (!failures.isEmpty()) {
      throw new SeveralFailuresException(message, failures);
    }
  }

  /** Native, of one rank. */
  static NativeMemory memory(ModelSpec spec, TrainSettings settings, int microBatches) {
    return TrainingMemory.of(
        spec,
        settings.optimizer().algorithm(),
        settings.batchOfProcess(),
        settings.threads(),
        microBatches);
  }

  /** Whether the processes of the run can have the devices that they should. */
  private void devices(Optional<SparkContext> spark) {
    DeviceChoice choice = settings.device();
    boolean assigned = spark.isPresent() && GpuScheduling.executorsHaveGpus(spark.get().conf());
    if (!Strategies.takesGpus(settings.strategy())) {
      String strategy = ConfigReader.kebab(settings.strategy());
      if (choice == DeviceChoice.GPU) {
        shortages.add(
            "device = gpu, and train.strategy = %s computes on the CPU. Set device = cpu, or train.strategy = gradient-sharing."
                .formatted(strategy));
      } else if (choice == DeviceChoice.AUTO && assigned) {
        LOG.warn(
            "Executors have GPUs, and train.strategy = {} computes on the CPU. Set device = cpu to say so, or train.strategy = gradient-sharing to use them.",
            strategy);
      }
      return;
    }
    try {
      if (settings.strategy() == StrategyKind.LOCAL) {
        Device.choose(choice, 0, false);
      } else {
        GpuScheduling.require(spark.orElseThrow(), choice);
        gpusOfThisProcess(spark.orElseThrow(), choice);
      }
    } catch (InsufficientClusterException e) {
      shortages.add(e.getMessage());
    }
  }

  /** Ranks of one process have a GPU each, or none has. */
  private void gpusOfThisProcess(SparkContext spark, DeviceChoice choice) {
    int workers = settings.workers().orElseThrow();
    if (choice == DeviceChoice.CPU || !spark.isLocal() || workers <= Device.gpus()) {
      return;
    }
    if (choice == DeviceChoice.GPU) {
      shortages.add(
          "device = gpu, train.workers is %d, and this machine has %d GPU%s: each rank needs one. Set train.workers to at most that, and train.threads to use more cores."
              .formatted(workers, Device.gpus(), Device.gpus() == 1 ? "" : "s"));
    } else if (Device.gpus() > 0) {
      LOG.warn(
          "Computing on the CPU: train.workers is {}, and this machine has {} GPU{}. Set train.workers to at most that, or device = cpu to say so.",
          workers,
          Device.gpus(),
          Device.gpus() == 1 ? "" : "s");
    }
  }

  /** Whether the network can be trained on those devices and in that way. */
  private void network(ModelSpec spec) {
    attempt(
        () -> {
          spec.requireOn(settings.device());
          return spec;
        });
    long parameters = ModelSummary.of(spec).parameters();
    if (parameters > BundlePublisher.MOST_PARAMETERS) {
      failures.add(
          new InvalidConfigException(
              "for this run",
              List.of(
                  "model.hidden-sizes, model.embedding-size: must make at most %,d parameters, which a published model holds, but make %,d"
                      .formatted(BundlePublisher.MOST_PARAMETERS, parameters))));
    }
    if (settings.strategy() == StrategyKind.PIPELINE
        && spec.embedding().tied()
        && (settings.optimizer().layerDecay() > 1 || settings.optimizer().gradualUnfreezing())) {
      failures.add(
          new InvalidConfigException(
              "for this run",
              List.of(
                  "train.fine-tune: layer-decay must be 1 and gradual-unfreezing false with strategy = pipeline and model.embedding-tied, whose rows learn on two stages at once")));
    }
    if (spec.embedding().adversarialEpsilon() > 0
        && settings.strategy() == StrategyKind.ASYNC_GRADIENT_SHARING) {
      failures.add(
          new InvalidConfigException(
              "for this run",
              List.of(
                  "model.adversarial-epsilon: must be 0 with train.strategy = %s, whose workers take each batch once, but is %s"
                      .formatted(
                          ConfigReader.kebab(settings.strategy()),
                          spec.embedding().adversarialEpsilon()))));
    }
    if (spec.precision() != Precision.F16) {
      return;
    }
    var problems = new ArrayList<String>();
    if (!Strategies.takesGpus(settings.strategy())) {
      problems.add(
          "model.precision: must not be f16 with train.strategy = %s, whose workers scale no loss"
              .formatted(ConfigReader.kebab(settings.strategy())));
    } else if (settings.runsRanks() && settings.gradientSharing().wire() == Wire.THRESHOLD) {
      problems.add(
          "model.precision: must not be f16 with train.gradient-sharing.wire = threshold, whose residual would keep what overflows");
    }
    if (!problems.isEmpty()) {
      failures.add(new InvalidConfigException("for this run", problems));
    }
  }

  private void cluster(SparkContext spark, RunPlan plan) {
    SparkConf conf = spark.conf();
    int workers = settings.workers().orElseThrow();
    var cluster = new Cluster(spark, settings.device());
    if (conf.getBoolean("spark.dynamicAllocation.enabled", false)) {
      shortages.add(
          "spark.dynamicAllocation.enabled is true, and Spark starts no barrier stage then. Set it to false for this job, with --conf after --.");
    } else {
      Duration patience = settings.gradientSharing().joinTimeout();
      int slots = cluster.awaitSlots(workers, patience);
      if (slots < workers) {
        shortages.add(
            "train.workers is %d, and the cluster has %s after %s. Set train.workers to at most that, add executors (--num-executors, --total-executor-cores), or raise train.gradient-sharing.join-timeout if they only start slowly."
                .formatted(workers, cluster.words(slots), Progress.words(patience)));
      }
    }
    int cpus = Math.max(1, conf.getInt("spark.task.cpus", 1));
    if (plan != null) {
      var executor = ExecutorMemory.of(spark, cluster, workers);
      long parameters = parametersOfRank(plan);
      long residual = settings.gradientSharing().wire() == Wire.THRESHOLD ? parameters : 0;
      boolean fits = nativeMemory(executor, nativeBytesOfRank(plan) + residual * Float.BYTES);
      boolean ofAll = settings.strategy() == StrategyKind.GRADIENT_SHARING;
      if (fits && ofAll && !GpuScheduling.tasksComputeOnGpus(conf, settings.device())) {
        reserved(executor.ranks(), plan, executor.nativeBytes());
      }
      if (!spark.isLocal()) {
        heap(executor, parameters);
      }
      evenness(workers / settings.stages(), plan.steps().shards());
    }
    if (settings.threads() > cpus) {
      LOG.warn(
          "train.threads is {} and spark.task.cpus {}: ranks will share cores. Set spark.task.cpus to train.threads.",
          settings.threads(),
          cpus);
    }
  }

  /** Those of dl4j-spark, which compute on the CPU. */
  private void workers(SparkContext spark, RunPlan plan) {
    var executor = ExecutorMemory.of(spark, settings);
    reserved(executor.ranks(), plan, executor.nativeBytes());
  }

  /** Of the rank that has the most. */
  private static long parametersOfRank(RunPlan plan) {
    return plan.pipeline()
        .map(
            layout ->
                layout.plan().stages().stream()
                    .mapToLong(PipelinePlan.Stage::parameters)
                    .max()
                    .orElseThrow())
        .orElseGet(() -> ModelSummary.of(plan.spec()).parameters());
  }

  private long nativeBytesOfRank(RunPlan plan) {
    return plan.pipeline()
        .map(
            layout ->
                layout.plan().stages().stream()
                    .mapToLong(stage -> stage.memory().total())
                    .max()
                    .orElseThrow())
        .orElseGet(() -> memory(plan.spec(), settings, plan.microBatches()).total());
  }

  /** Whether the executor has it. */
  private boolean nativeMemory(ExecutorMemory executor, long bytesOfRank) {
    int ranks = executor.ranks();
    long needed = NativeMemory.mebibytes(ranks * bytesOfRank);
    LOG.info(
        "Each executor holds {} rank{}: about {} MiB of native memory beside a heap of {} MiB",
        ranks,
        ranks == 1 ? "" : "s",
        needed,
        executor.heapMebibytes());
    boolean fits = !executor.isLimited() || needed <= executor.overheadMebibytes();
    if (!fits) {
      shortages.add(
          "%d rank%s in an executor need about %,d MiB of native memory, and spark.executor.memoryOverhead leaves %,d MiB. Set SLUICE_OFFHEAP_MEMORY=%dm, or spark.executor.memoryOverhead=%dm, or cut batches with train.accumulate."
              .formatted(
                  ranks,
                  ranks == 1 ? "" : "s",
                  needed,
                  executor.overheadMebibytes(),
                  needed,
                  needed + 512));
    }
    return fits;
  }

  /**
   * Whether JavaCPP will let layers have what they reserve.
   *
   * @param ranks in a process
   * @param limit of the process, in bytes
   */
  private void reserved(int ranks, RunPlan plan, long limit) {
    long needed =
        ranks
            * TrainingMemory.reserved(
                plan.spec(), settings.batchOfProcess(), settings.threads(), plan.microBatches());
    if (needed > limit) {
      shortages.add(
          "Layers reserve %,d MiB of native memory in a process, and org.bytedeco.javacpp.maxbytes lets it have %,d MiB. Set SLUICE_OFFHEAP_MEMORY=%dm%s, or lower train.batch-size or the length of what is read."
              .formatted(
                  NativeMemory.mebibytes(needed),
                  limit >> 20,
                  NativeMemory.mebibytes(needed),
                  settings.strategy() == StrategyKind.ASYNC_GRADIENT_SHARING
                      ? ""
                      : ", or cut batches with train.accumulate"));
    }
  }

  private void heap(ExecutorMemory executor, long parameters) {
    int ranks = executor.ranks();
    // start, best, average and two snapshots with the optimizer's two moments each
    long needed = NativeMemory.mebibytes(ranks * 4L * parameters * (2 + 1 + 1 + 2 * 5));
    if (needed > HEAP_SHARE * executor.heapMebibytes()) {
      shortages.add(
          "%d rank%s in an executor keep up to %,d MiB of parameters and checkpoints on a heap of %,d MiB. Set spark.executor.memory to at least %dm, or spark.executor.cores to fewer ranks an executor."
              .formatted(
                  ranks,
                  ranks == 1 ? "" : "s",
                  needed,
                  executor.heapMebibytes(),
                  (long) (needed / HEAP_SHARE) + 1));
    }
  }

  /** Shards that do not divide evenly leave ranks waiting for those with one more. */
  private void evenness(int workers, int shards) {
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
  private void registry() {
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
    } catch (IOException e) {
      failures.add(Lake.writeFailure(folder.toString(), e));
    }
  }
}
