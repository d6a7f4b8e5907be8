package io.sluice.benchmarks.training;

import io.sluice.benchmarks.Report;
import io.sluice.benchmarks.Scratch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.DoubleStream;

/**
 * How much faster, and in how much less memory, do two executors train that hold half of the layers
 * each?
 *
 * <pre>lib/benchmarks/run.sh pipeline [--record] [rounds, 3] [folder] [windows a batch, 64]</pre>
 *
 * <p>T, I, H, layers = 100, 64, 512, 4 with Adam, on a dataset in Parquet. Contestants take turns
 * as whole runs of {@code train.sh}, in executors that are bound to a core each: one rank of
 * gradient sharing, which holds the whole network, and {@code strategy = pipeline} with two; all is
 * left to {@code auto}. In the first round also two runs of one rank at once: what they reach
 * together is what the machine leaves two. The first epoch of each, in which HotSpot compiles, is
 * not counted. Every step's loss of the pipeline must be that of the one rank, to 1e-4.
 *
 * <p>Memory is that of runs of their own, which write checkpoints, with as many micro-batches for
 * the one rank as the pipeline has. An executor that trains eight units is what a JVM with Spark
 * and ND4J takes anyway, and subtracted.
 *
 * <p>A network of 1,024 units is trained under limits, heap and beside it, that hold a half: one
 * rank must be refused, and two must train.
 *
 * <p>Given a folder, it keeps dataset and runs there, and takes the runs that it finds; with 0
 * rounds it measures the memory and no times.
 */
public final class PipelineBenchmark {
  private static final int STEPS = 8;
  private static final int EPOCHS = 4;

  /** First epoch that counts. */
  private static final int FROM = 2;

  private static final int STAGES = 2;
  private static final double LOSSES_AGREE = 1e-4;

  /** Units of a layer of the network that does not fit, and its executors' limits. */
  private static final int WIDE = 1024;

  private static final int WIDE_HEAP_MIB = 1536;
  private static final String WIDE_OFFHEAP = "800m";
  private static final int WIDE_STEPS = 3;

  private final Path folder;
  private final int batch;
  private final WideDataset dataset;
  private final Rates one = new Rates();
  private final Rates pipeline = new Rates();
  private final Rates apart = new Rates();
  private final List<List<StageTimes>> stages = new ArrayList<>();
  private PlannedPipeline plan;
  private double worstLoss;

  private PipelineBenchmark(Path folder, int batch) throws Exception {
    this.folder = folder;
    this.batch = batch;
    this.dataset = WideDataset.write(folder, "deep-" + batch, 100, 64, 512, STEPS * batch);
  }

  public static void main(String[] args) throws Exception {
    int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 3;
    try (var scratch = new Scratch()) {
      Path folder = args.length > 1 ? Path.of(args[1]) : scratch.path("");
      int batch = args.length > 2 ? Integer.parseInt(args[2]) : 64;
      var benchmark = new PipelineBenchmark(folder, batch);
      var report =
          new Report(
                  "pipeline",
                  "How much faster, and in how much less memory, do two executors train that hold half of the layers each?")
              .put(
                  "shape",
                  "B, T, I, H, layers = %d, 100, 64, 512, 4; Adam, clipping, f32".formatted(batch))
              .put("rounds", rounds);
      benchmark.memory(report);
      benchmark.limits(report);
      for (int round = 1; round <= rounds; round++) {
        benchmark.round(round);
      }
      if (rounds > 0) {
        benchmark.speed(report);
      }
      report.finish();
    }
  }

  // ---- speed

  private void round(int round) throws Exception {
    Path runs = folder.resolve("round-%d-of-%d".formatted(round, batch));
    Path alone = runs.resolve("one");
    Path halves = runs.resolve("pipeline");
    TrainRun whole = timed(one(alone), alone).onCores(0).runOnce().requireLearned("one");
    TrainRun halved = timed(halves(halves), halves).onCores(0).runOnce().requireLearned("pipeline");
    one.add(whole, FROM);
    pipeline.add(halved, FROM);
    plan = PlannedPipeline.of(halves);
    compare(whole.losses(), halved.losses());
    var times = new ArrayList<StageTimes>();
    for (int stage = 0; stage < STAGES; stage++) {
      times.add(StageTimes.of(halves, stage, (FROM - 1) * STEPS));
    }
    stages.add(times);
    if (round == 1) {
      apart(runs);
    }
    System.out.printf(
        "round %d: one %s, pipeline %s windows/s; stages %s; losses within %.2g%n",
        round, one.byRound(), pipeline.byRound(), times, worstLoss);
  }

  private void apart(Path runs) throws Exception {
    Path a = runs.resolve("apart-1");
    Path b = runs.resolve("apart-2");
    TrainProcess first = timed(one(a), a).onCores(0);
    TrainProcess second = timed(one(b), b).onCores(1);
    CompletableFuture<TrainRun> other =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return second.runOnce();
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              } catch (InterruptedException e) {
                throw new IllegalStateException("Interrupted while a run was under way", e);
              }
            });
    apart.addBoth(first.runOnce(), other.get(), FROM);
  }

  /** Gates the times: a pipeline that learns something else is no faster. */
  private void compare(double[] whole, double[] halved) {
    for (int step = 0; step < Math.min(whole.length, halved.length); step++) {
      double off = Math.abs(halved[step] - whole[step]) / Math.abs(whole[step]);
      worstLoss = Math.max(worstLoss, off);
      if (!(off <= LOSSES_AGREE)) {
        throw new IllegalStateException(
            "The loss of step %d is %s on two stages and %s on one rank, which differ by more than %s of it, so their times mean nothing"
                .formatted(step + 1, halved[step], whole[step], LOSSES_AGREE));
      }
    }
  }

  private void speed(Report report) {
    double speedUp = pipeline.over(one);
    double measured = Spread.of(pipeline.stepSeconds()).median();
    var busy = new ArrayList<Double>();
    for (int stage = 0; stage < STAGES; stage++) {
      int each = stage;
      double compute = median(s -> s.get(each).compute());
      double waiting = median(s -> s.get(each).waiting());
      double reading = median(s -> s.get(each).reading());
      report.put(
          "stage %d of a step".formatted(stage),
          new StageTimes(compute, waiting, reading).toJson());
      busy.add(compute + reading);
    }
    double expected = plan.stepSeconds(busy);
    double equal = plan.shareOfEqual(STAGES);
    double ofEqual = speedUp / STAGES / equal;
    double ofUnequal = expected / measured;
    report
        .put("plan", plan.lines())
        .put("one", one.toJson())
        .put("pipeline", pipeline.toJson())
        .put("apart", apart.toJson())
        .put(
            "what the names mean",
            "one: a rank of gradient sharing in an executor of one core; pipeline: two stages in two; apart: two runs of one rank at once, added")
        .put("losses within", Report.rounded(worstLoss))
        .require("two executors to one", speedUp, ">= 1.6", speedUp >= 1.6)
        .put("two runs apart to one", Report.rounded(apart.over(one)))
        .put("U/(U+P-1)", Report.rounded(equal))
        .require("efficiency to U/(U+P-1)", ofEqual, ">= 0.85", ofEqual >= 0.85)
        .put("seconds of a step by the schedule and the stages' times", Report.rounded(expected))
        .require("the same, of what a step took", ofUnequal, ">= 0.85", ofUnequal >= 0.85);
  }

  private interface Of {
    double number(List<StageTimes> times);
  }

  private double median(Of of) {
    return Rates.median(stages.stream().mapToDouble(of::number).toArray());
  }

  // ---- memory

  private void memory(Report report) throws Exception {
    Path halves = folder.resolve("memory-pipeline-" + batch);
    Path whole = folder.resolve("memory-one-" + batch);
    Path none = folder.resolve("memory-idle");
    List<PeakMemory> ofHalves = PeakMemory.of(tracked(halves(halves)), halves, STAGES);
    int M = PlannedPipeline.of(halves).microBatches();
    TrainProcess alone = tracked(one(whole)).set("train.accumulate", M);
    PeakMemory ofWhole = PeakMemory.of(alone, whole, 1).get(0);
    TrainProcess idle = tracked(one(none)).set("model.hidden-sizes", "[8]");
    PeakMemory ofNone = PeakMemory.of(idle, none, 1).get(0);

    long largest = ofHalves.stream().mapToLong(PeakMemory::resident).max().orElseThrow();
    double net = (double) (largest - ofNone.resident()) / (ofWhole.resident() - ofNone.resident());
    report
        .put(
            "memory",
            Map.of(
                "stages",
                ofHalves.stream().map(PeakMemory::toJson).toList(),
                "one",
                ofWhole.toJson(),
                "eight units in place of the network",
                ofNone.toJson(),
                "micro-batches of all",
                M))
        .put(
            "largest stage to one, resident", Report.rounded((double) largest / ofWhole.resident()))
        .require("the same less what eight units take", net, "<= 0.6", net <= 0.6);
  }

  /** A network that one executor cannot hold. */
  private void limits(Report report) throws Exception {
    Path whole = folder.resolve("limits-one-" + batch);
    Path halves = folder.resolve("limits-pipeline-" + batch);
    if (!Files.exists(whole)) {
      limited(one(whole), 1).start().awaitRefusal();
    }
    TrainRun run = limited(halves(halves), STAGES).runOnce().requireLearned("the network of 1024");
    var json = new LinkedHashMap<String, Object>();
    json.put("units", WIDE);
    json.put("heap, MiB", WIDE_HEAP_MIB);
    json.put("SLUICE_OFFHEAP_MEMORY", WIDE_OFFHEAP);
    json.put("one rank", refusal(whole));
    json.put("two stages", PlannedPipeline.of(halves).lines());
    json.put("losses", DoubleStream.of(run.losses()).boxed().toList());
    report.put("limits", json);
  }

  /** What a run said last. */
  private static String refusal(Path run) throws IOException {
    List<String> said = Files.readAllLines(run.resolve("err"));
    return said.get(said.size() - 1);
  }

  private TrainProcess limited(TrainProcess process, int executors) {
    return process
        .executors(executors, WIDE_HEAP_MIB)
        .env("SLUICE_OFFHEAP_MEMORY", WIDE_OFFHEAP)
        .env("SLUICE_DRIVER_MEMORY", "3g")
        .set("model.hidden-sizes", hidden(WIDE))
        .set("train.max-train-windows", WIDE_STEPS * batch)
        .set("train.epochs", 1);
  }

  // ---- runs

  private TrainProcess one(Path run) {
    return train(run).set("train.strategy", "gradient-sharing").executors(1);
  }

  private TrainProcess halves(Path run) {
    return train(run).set("train.strategy", "pipeline").executors(STAGES);
  }

  private TrainProcess train(Path run) {
    return new TrainProcess(dataset.config(), run)
        .set("model.hidden-sizes", hidden(512))
        .set("train.batch-size", batch);
  }

  private static String hidden(int units) {
    return "[%1$d,%1$d,%1$d,%1$d]".formatted(units);
  }

  private TrainProcess timed(TrainProcess process, Path run) throws IOException {
    return process
        .set("train.epochs", EPOCHS)
        .env("SLUICE_SPARK_CONF", StageTimes.sparkSettings(run));
  }

  private static TrainProcess tracked(TrainProcess process) {
    return process
        .set("train.epochs", 1)
        .set("train.checkpoint.every-steps", 2)
        .env(
            "SLUICE_SPARK_CONF",
            "spark.executor.extraJavaOptions=-XX:NativeMemoryTracking=summary");
  }
}
