package io.sluice.jobs;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.sluice.scoring.evaluation.EvaluationReport;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.fs.Path;

/**
 * An evaluation in a line: what {@code evaluation.json} says without its curves, tracks and tables
 * per step and series, and where it and the page lie.
 *
 * @param bundle the model that was judged
 * @param windows evaluated
 * @param metrics over all windows, by label
 * @param baselines on the same windows
 * @param negations what negations do to the classes of documents; null where that was not asked
 * @param gate null if there is none
 * @param json the whole evaluation
 * @param page the same for a person
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record EvaluationSummary(
    String name,
    EvaluationReport.ModelInfo bundle,
    String split,
    long windows,
    Map<String, Double> metrics,
    List<Baseline> baselines,
    EvaluationReport.NegationCount negations,
    EvaluationReport.GateVerdict gate,
    String json,
    String page) {

  /**
   * @param metrics the baseline's; empty where it is not available
   * @param model the model's on the same values
   */
  record Baseline(String name, Map<String, Double> metrics, Map<String, Double> model) {}

  static EvaluationSummary of(EvaluationReport report, Path json, Path page) {
    return new EvaluationSummary(
        report.name(),
        report.model(),
        report.dataset().split(),
        report.dataset().windows(),
        report.metrics(),
        report.baselines().stream()
            .map(row -> new Baseline(row.name(), row.metrics(), row.model()))
            .toList(),
        report.explanations() == null ? null : report.explanations().negations(),
        report.gate(),
        json.toString(),
        page.toString());
  }
}
