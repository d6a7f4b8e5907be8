package io.sluice.benchmarks;

import io.sluice.config.Provenance;
import io.sluice.config.Settings;
import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.scoring.batch.BatchScorer;
import io.sluice.scoring.batch.ScoreSettings;
import io.sluice.scoring.batch.WindowScoreReport;
import io.sluice.scoring.bundle.BundleContents;
import io.sluice.scoring.bundle.BundlePublisher;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.bundle.Predictor;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowContract;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;

/**
 * Does batch scoring keep at least 0.8 of the rate at which the same model predicts windows that
 * are ready in memory, on one core?
 *
 * <pre>lib/benchmarks/run.sh scoring [--record] [target channels]</pre>
 *
 * <p>Scoring reads raw rows, prepares them, cuts and scales windows, predicts and writes published
 * Parquet; its rate is that of the report, without the start of the session. Two stacked LSTMs of
 * 64, look-back 96, horizon 24, 8 inputs. Both predict mean forecasts without an interval.
 *
 * <p>Result: results/scoring.json (2026-11-25, 2 cores of an AMD EPYC, 24 GB): 0.91 with one target
 * channel, whole call with publication.
 */
public final class ScoringBenchmark {
  private static final int SERIES = 10;
  private static final long HOURS = 2_115;
  private static final int BATCH = 512;
  private static final int BATCHES = 40;

  private ScoringBenchmark() {}

  public static void main(String[] args) throws Exception {
    int targets = args.length > 0 ? Integer.parseInt(args[0]) : 1;
    NativeThreads.set(1);
    try (var scratch = new Scratch();
        SparkSession spark = Telemetry.spark(1)) {
      Path raw = scratch.path("raw");
      Telemetry.rows(spark, SERIES, HOURS, 2).write().parquet(raw.toString());
      Settings settings =
          Telemetry.settings(
              raw,
              scratch.path("lake"),
              "target.channels = " + Telemetry.channels().subList(0, targets),
              "score.batch-size = " + BATCH);
      SequenceDataset dataset = Telemetry.open(Telemetry.build(spark, settings));
      ModelBundle bundle = publish(dataset, settings, scratch.path("lake/models").toString());
      WindowBatch batch = dataset.inOrder(Split.TRAIN, BATCH).next();
      Predictor predictor = bundle.newPredictor();

      var reports = new ArrayList<WindowScoreReport>();
      Map<String, Turns.Times> times =
          new Turns()
              .add(
                  "in process",
                  (long) BATCHES * BATCH,
                  "windows",
                  () -> {
                    for (int i = 0; i < BATCHES; i++) {
                      predictor.predict(batch);
                    }
                  })
              .add(
                  "score",
                  SERIES * (HOURS - Telemetry.LOOK_BACK + 1),
                  "windows",
                  () ->
                      reports.add(
                          (WindowScoreReport)
                              BatchScorer.run(
                                  spark,
                                  settings.read(ScoreSettings::from),
                                  Provenance.start(settings))))
              .run(1, 3);
      reports.forEach(
          report ->
              Turns.requireEqual("windows scored", times.get("score").count(), report.windows()));
      // the report's own seconds leave out opening the bundle and publishing
      double whole = times.get("score").rate() / times.get("in process").rate();
      new Report("scoring", "Does batch scoring keep 0.8 of the in-process rate of the same model?")
          .put(
              "model",
              "LSTM 64 + 64, 8 inputs, look-back 96, horizon 24, %d targets".formatted(targets))
          .put("rowsWritten", reports.get(0).predictionsWritten())
          .putTimes(times)
          .require("scoreToInProcess", whole, "at least 0.8", whole >= 0.8)
          .finish();
    }
  }

  private static ModelBundle publish(SequenceDataset dataset, Settings settings, String registry) {
    WindowContract contract = dataset.contract();
    var spec =
        new ModelSpec(
            contract.inputSize(),
            contract.lookBack(),
            Cell.LSTM,
            List.of(64, 64),
            false,
            0,
            ModelSpec.Output.LAST,
            List.of(),
            1,
            Precision.F32,
            Head.regression(contract.targetSize()));
    var published =
        BundlePublisher.publish(
            registry,
            "benchmark",
            Optional.empty(),
            Networks.create(spec, OptimizerSpec.constantAdam(1e-3), 1),
            new BundleContents(
                spec, dataset.manifest(), Map.of(), Optional.empty(), Provenance.start(settings)),
            new Configuration());
    return ModelBundle.open(published.uri(), new Configuration());
  }
}
