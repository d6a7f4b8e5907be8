package io.sluice.benchmarks;

import io.sluice.config.Settings;
import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.optim.Batch;
import io.sluice.recurrent.optim.Replicas;
import io.sluice.recurrent.optim.TrainingStep;
import io.sluice.scoring.bundle.BatchArrays;
import io.sluice.sequences.dataset.Dealing;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.ShardedWindows;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowBatches;
import io.sluice.sequences.dataset.WindowContract;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.spark.sql.SparkSession;
import org.nd4j.linalg.dataset.DataSet;

/**
 * Does the reader of training windows deliver at least five times what a model consumes?
 *
 * <pre>lib/benchmarks/run.sh feeding [--record]</pre>
 *
 * <p>The model is two LSTM layers of 128 units over batches of 64 windows of 100 steps and 100
 * inputs, which takes training steps on one core in the same run. The reader deals epochs in the
 * order of training and nobody uses them: in memory, and streamed from Parquet on local disk with
 * nothing kept, where all files are in the page cache; finding the shards at the start of a run is
 * timed by itself. The narrow dataset has the shape of ETTh1.
 *
 * <p>Result: results/feeding.json (2026-11-26, 2 cores of an AMD EPYC, 24 GB): 63 times streamed,
 * 450 times in memory. The order before this one, whole batches dealt out of groups of 64 MiB,
 * dealt the same data at 281,010 (wide) and 754,514 windows/s (narrow); in memory this one had
 * 282,133 to 462,268 and 1,477,253 to 1,667,139 in three runs.
 */
public final class FeedingBenchmark {
  private static final int BATCH = 64;
  private static final int MODEL_STEPS = 10;
  private static final int WARM_UP = 2;
  private static final int ROUNDS = 5;
  private static final Dealing DEALING = new Dealing(BATCH, Dealing.DEFAULT_SHARDS, 1);

  private static volatile double sink;
  private static int epoch;

  private FeedingBenchmark() {}

  public static void main(String[] args) throws Exception {
    NativeThreads.set(1);
    try (var scratch = new Scratch()) {
      SequenceDataset wide;
      SequenceDataset narrow;
      try (SparkSession spark = Telemetry.spark(2)) {
        wide = build(spark, scratch, "wide", 100, 30_000, 100, 1);
        narrow = build(spark, scratch, "narrow", 7, 8_640, 96, 24);
      }
      var report =
          new Report("feeding", "Does the reader deliver five times what a model consumes?")
              .put("wide", "30,000 rows of 100 channels, look-back 100, horizon 1")
              .put("narrow", "8,640 rows of 7 channels, look-back 96, horizon 24")
              .put(
                  "model", "two LSTM layers of 128 on the wide dataset, batch 64, f32, one thread");

      Map<String, Turns.Times> model =
          new Turns()
              .add("model alone", (long) MODEL_STEPS * BATCH, "windows", new Model(wide)::run)
              .run(1, ROUNDS);
      Map<String, Turns.Times> ofWide = feed(wide);
      Map<String, Turns.Times> ofNarrow = feed(narrow);

      double consumed = model.get("model alone").rate();
      double inMemory = ofWide.get("in memory").rate() / consumed;
      double streamed = ofWide.get("streamed").rate() / consumed;
      report
          .putTimes("modelTimes", model)
          .putTimes("wideTimes", ofWide)
          .putTimes("narrowTimes", ofNarrow)
          .require("inMemoryToModel", inMemory, "at least 5", inMemory >= 5)
          .require("streamedToModel", streamed, "at least 5", streamed >= 5)
          .finish();
    }
  }

  private static SequenceDataset build(
      SparkSession spark,
      Scratch scratch,
      String name,
      int channels,
      long rows,
      int lookBack,
      int horizon) {
    Path raw = scratch.path("raw-" + name);
    Telemetry.rows(spark, channels, 1, rows, -1).write().parquet(raw.toString());
    Settings settings =
        Telemetry.settings(
            raw,
            scratch.path("lake-" + name),
            "window { look-back = %d, horizon = %d, stride = 1 }".formatted(lookBack, horizon),
            "split { train = 1.0, validation = 0.0, test = 0.0 }");
    return Telemetry.open(Telemetry.build(spark, settings));
  }

  private static Map<String, Turns.Times> feed(SequenceDataset dataset) throws Exception {
    long windows = dataset.windows(Split.TRAIN);
    try (ShardedWindows kept = dataset.shards(Split.TRAIN, DEALING, 0, 1, Long.MAX_VALUE);
        ShardedWindows streamed = dataset.shards(Split.TRAIN, DEALING, 0, 1, 0);
        ShardedWindows fourth = dataset.shards(Split.TRAIN, DEALING, 0, 4, 0)) {
      long ofFourth = drain(fourth);
      Turns.requireEqual("windows", windows, drain(kept));
      Turns.requireEqual("windows", windows, drain(streamed));
      return new Turns()
          .add("in memory", windows, "windows", () -> drain(kept))
          .add("streamed", windows, "windows", () -> drain(streamed))
          .add("streamed, a rank of 4", ofFourth, "windows", () -> drain(fourth))
          .add(
              "shards found and kept",
              windows,
              "windows",
              () -> dataset.shards(Split.TRAIN, DEALING, 0, 1, Long.MAX_VALUE).close())
          .add(
              "shards found to stream",
              windows,
              "windows",
              () -> dataset.shards(Split.TRAIN, DEALING, 0, 1, 0).close())
          .run(WARM_UP, ROUNDS);
    }
  }

  private static long drain(ShardedWindows shards) {
    double sum = 0;
    long windows = 0;
    try (WindowBatches batches = shards.epoch(epoch++, 0)) {
      while (batches.hasNext()) {
        var batch = batches.next();
        windows += batch.size();
        sum += batch.inputs()[0];
      }
    }
    sink = sum;
    return windows;
  }

  /** Training steps on batches that lie ready. */
  private static final class Model {
    private final List<DataSet> batches;
    private final TrainingStep step;

    Model(SequenceDataset dataset) {
      WindowContract contract = dataset.contract();
      var spec =
          new ModelSpec(
              contract.inputSize(),
              contract.lookBack(),
              Cell.LSTM,
              List.of(128, 128),
              false,
              0,
              ModelSpec.Output.LAST,
              List.of(),
              1,
              Precision.F32,
              Head.regression(contract.targetSize()));
      var arrays = new BatchArrays(contract, spec);
      try (ShardedWindows shards = dataset.shards(Split.TRAIN, DEALING, 0, 1);
          WindowBatches windows = shards.epoch(0, 0)) {
        batches =
            IntStream.range(0, MODEL_STEPS).mapToObj(i -> arrays.dataSet(windows.next())).toList();
      }
      var network = Networks.create(spec, OptimizerSpec.constantAdam(1e-3), 1);
      step = new TrainingStep(new Replicas(network, 1), 1);
    }

    void run() {
      for (DataSet data : batches) {
        step.run(new Batch(data.getFeatures(), data.getLabels(), data.getLabelsMaskArray()));
      }
    }
  }
}
