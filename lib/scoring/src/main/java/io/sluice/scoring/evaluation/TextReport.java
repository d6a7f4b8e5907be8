package io.sluice.scoring.evaluation;

import io.sluice.scoring.evaluation.EvaluationReport.BaselineRow;
import io.sluice.scoring.evaluation.EvaluationReport.ModelInfo;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the judging of texts found, which has no series, steps or intervals of time.
 *
 * @param type of the target: {@link EvaluationReport#DOCUMENT} or {@link EvaluationReport#TOKEN}
 * @param classes by name; empty where the target is a token
 * @param examples documents, or tokens that were predicted
 * @param lookBack tokens of the longest document, or of a stream
 * @param detail null unless classes
 * @param explanations null where nothing is to be explained
 */
record TextReport(
    String type,
    List<String> classes,
    long examples,
    int lookBack,
    Map<Metric, Double> metrics,
    List<String> notes,
    List<BaselineRow> baselines,
    EvaluationReport.ClassDetail detail,
    EvaluationReport.Explanations explanations) {

  /**
   * @param start of the evaluation, of {@link System#nanoTime}
   */
  EvaluationReport of(EvaluateSettings settings, ModelInfo model, long start) {
    Map<String, Double> labelled = TargetPass.labelled(metrics);
    var meanings = new LinkedHashMap<String, String>();
    metrics.keySet().forEach(metric -> meanings.put(metric.label(), metric.meaning()));
    return new EvaluationReport(
        EvaluationReport.FORMAT,
        settings.name(),
        Instant.now().toString(),
        (System.nanoTime() - start) / 1e9,
        model,
        new EvaluationReport.DatasetInfo(
            settings.dataset(), settings.split().label(), examples, 0, 0, null, null),
        new EvaluationReport.TargetInfo(type, List.of(), classes, lookBack, 0, 0, 0, null),
        labelled,
        meanings,
        List.copyOf(notes),
        List.of(),
        List.of(),
        List.of(),
        List.of(),
        baselines,
        detail,
        List.of(),
        List.of(),
        explanations,
        settings.gate().map(g -> QualityGate.judge(g, labelled, baselines)).orElse(null));
  }
}
