package io.sluice.scoring.evaluation;

import io.sluice.failure.InvalidInputException;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.bundle.ModelRegistry;
import io.sluice.scoring.device.GpuScheduling;
import io.sluice.scoring.evaluation.EvaluationReport.ModelInfo;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.text.encoding.TextContract;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Judges a model bundle on a split of a dataset.
 *
 * <p>Refuses a bundle that does not fit the dataset and names each difference. Parts of the split
 * are evaluated in parallel; every metric is a sum that is merged, so memory does not grow with the
 * number of windows (but for class scores, which ROC-AUC needs).
 */
public final class Evaluation {
  private static final Logger LOG = LoggerFactory.getLogger(Evaluation.class);

  /**
   * Evaluates, logs a table and writes {@code evaluation.json}. The quality gate's verdict is in
   * the report: draw the page first, then call {@link EvaluationReport#requireGate()}.
   *
   * @param spark runs parts in parallel; null evaluates them one after another
   * @throws InvalidInputException if bundle or dataset cannot be read, do not fit each other, the
   *     dataset's manifest was changed after its audit, or the split has no window
   * @throws io.sluice.config.InvalidConfigException if a threshold is given, and the model has not
   *     two classes
   * @throws io.sluice.failure.InsufficientClusterException if it must compute on a GPU, and there
   *     is none
   */
  public static EvaluationReport run(
      SparkSession spark, EvaluateSettings settings, Configuration hadoop) {
    String bundleUri =
        ModelRegistry.resolve(settings.bundle(), settings.registryPath(), settings.name(), hadoop);
    ModelBundle bundle = ModelBundle.open(bundleUri, hadoop);
    bundle.requireThresholdFits("evaluate.threshold", settings.threshold());
    var model =
        new ModelInfo(
            bundle.manifest().name(),
            Integer.toString(bundle.manifest().version()),
            bundleUri,
            bundle.hash());
    if (spark != null) {
      GpuScheduling.require(spark.sparkContext(), settings.device());
    }
    bundle.spec().requireOn(settings.device());
    EvaluationReport report;
    if (bundle.manifest().text() == null) {
      report = ofWindows(spark, settings, bundle, model, hadoop);
    } else if (bundle.manifest().text().contract().layout() == TextContract.Layout.STREAM) {
      report = StreamEvaluation.run(spark, settings, bundle, model, hadoop);
    } else {
      report = DocumentEvaluation.run(spark, settings, bundle, model, hadoop);
    }
    ReportFile.write(report, settings.output(), hadoop);
    LOG.info(
        "Evaluated {} {} in {} s; report in {}{}{}",
        report.dataset().windows(),
        report.examples(),
        Math.round(report.seconds()),
        settings.output(),
        System.lineSeparator(),
        EvaluationTable.of(report));
    return report;
  }

  private static EvaluationReport ofWindows(
      SparkSession spark,
      EvaluateSettings settings,
      ModelBundle bundle,
      ModelInfo model,
      Configuration hadoop) {
    SequenceDataset dataset = SequenceDataset.open(settings.dataset(), hadoop).requireUnchanged();
    BundleFit.require(bundle.contract(), bundle.uri(), dataset.contract(), settings.dataset());
    var source =
        new BundleSource.FromLake(
            settings.dataset(),
            bundle.uri(),
            settings.batchSize(),
            settings.interval(),
            settings.device());
    boolean hasQuantiles = !bundle.spec().head().quantiles().isEmpty();
    return run(
        new Subject(
            new Workers(spark, hadoop),
            settings,
            source,
            dataset.manifest(),
            bundle.contract(),
            bundle.alarmThreshold()),
        model,
        hasQuantiles ? "model quantiles" : "validation residuals");
  }

  /** The evaluation itself, of any model on any windows. */
  static EvaluationReport run(Subject subject, ModelInfo model, String intervalSource) {
    long start = System.nanoTime();
    EvaluateSettings settings = subject.settings();
    SequenceManifest manifest = subject.manifest();
    var summary = manifest.splits().get(settings.split().label());
    if (summary == null || summary.windows() == 0) {
      throw new InvalidInputException(
          "Dataset %s has no window in split %s (it has %s). Choose another evaluate.split, or widen the split and rebuild."
              .formatted(settings.dataset(), settings.split().label(), windowsBySplit(manifest)));
    }
    var run = new EvaluationRun(subject, intervalSource);
    TargetPass pass = run.pass(summary);
    if (pass.windows() * (long) Math.max(1, subject.contract().targetSize()) == pass.missing()) {
      throw new InvalidInputException(
          "No target value is known in split %s of %s: %,d windows, all without one. Check the target settings and rebuild."
              .formatted(settings.split().label(), settings.dataset(), pass.windows()));
    }
    return run.report(pass, summary, model, (System.nanoTime() - start) / 1e9);
  }

  private static String windowsBySplit(SequenceManifest manifest) {
    var text = new StringBuilder();
    manifest
        .splits()
        .forEach(
            (name, split) ->
                text.append(text.isEmpty() ? "" : ", ")
                    .append(name)
                    .append(": ")
                    .append(split.windows()));
    return text.isEmpty() ? "no split" : text.toString();
  }

  private Evaluation() {}
}
