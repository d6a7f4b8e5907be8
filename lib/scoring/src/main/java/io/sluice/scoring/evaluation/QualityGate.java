package io.sluice.scoring.evaluation;

import io.sluice.scoring.evaluation.EvaluationReport.BaselineRow;
import io.sluice.scoring.evaluation.EvaluationReport.GateVerdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Holds an evaluation against a limit and a baseline. */
final class QualityGate {

  /** The verdict; a metric or baseline that is not there is a refusal, never a pass. */
  static GateVerdict judge(
      EvaluateSettings.Gate gate, Map<String, Double> metrics, List<BaselineRow> baselines) {
    String metric = gate.metric().label();
    Double value = metrics.get(metric);
    if (value == null) {
      return new GateVerdict(
          metric,
          false,
          "Quality gate: %s was not computed; this evaluation has %s. Set evaluate.gate-metric to one of them."
              .formatted(metric, String.join(", ", metrics.keySet())));
    }
    var refusals = new ArrayList<String>();
    gate.limit()
        .filter(limit -> !holds(gate.metric(), value, limit))
        .ifPresent(
            limit ->
                refusals.add(
                    "%s is %s, must be %s %s"
                        .formatted(
                            metric,
                            shown(value),
                            isScore(gate.metric()) ? "at least" : "at most",
                            shown(limit))));
    gate.baseline()
        .map(kind -> againstBaseline(gate.metric(), kind.label(), baselines))
        .filter(refusal -> !refusal.isEmpty())
        .ifPresent(refusals::add);
    return refusals.isEmpty()
        ? new GateVerdict(
            metric, true, "Quality gate passed: %s %s".formatted(metric, shown(value)))
        : new GateVerdict(
            metric,
            false,
            "Quality gate refused the model: %s. Look at the evaluation, train longer or change the model; the gate is evaluate.gate-*."
                .formatted(String.join("; ", refusals)));
  }

  private static String againstBaseline(Metric metric, String name, List<BaselineRow> baselines) {
    for (BaselineRow row : baselines) {
      if (row.name().equals(name)) {
        Double baseline = row.metrics().get(metric.label());
        Double model = row.model().get(metric.label());
        if (!row.available() || baseline == null || model == null) {
          return "baseline %s is not available in %s%s"
              .formatted(name, metric.label(), row.note().isEmpty() ? "" : " (" + row.note() + ")");
        }
        boolean beaten = isScore(metric) ? model > baseline : model < baseline;
        return beaten
            ? ""
            : "%s is %s, must beat %s's %s on the same values"
                .formatted(metric.label(), shown(model), name, shown(baseline));
      }
    }
    return "baseline %s was not evaluated".formatted(name);
  }

  private static boolean holds(Metric metric, double value, double limit) {
    return isScore(metric) ? value >= limit : value <= limit;
  }

  private static boolean isScore(Metric metric) {
    return metric.better() == Metric.Better.HIGHER;
  }

  private static String shown(double value) {
    return "%.5g".formatted(value);
  }

  private QualityGate() {}
}
