package io.sluice.scoring.evaluation;

import io.sluice.scoring.evaluation.EvaluationReport.BaselineRow;
import io.sluice.scoring.evaluation.EvaluationReport.Row;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The evaluation as a table for a terminal. */
final class EvaluationTable {
  private static final int MOST_STEPS = 6;
  private static final int MOST_SERIES = 10;
  private static final List<Metric> FORECAST =
      List.of(
          Metric.MAE,
          Metric.RMSE,
          Metric.MAE_SCALED,
          Metric.MSE_SCALED,
          Metric.MAPE,
          Metric.SMAPE,
          Metric.MASE,
          Metric.PINBALL,
          Metric.COVERAGE);
  private static final List<Metric> CLASSES =
      List.of(
          Metric.ACCURACY,
          Metric.PRECISION,
          Metric.RECALL,
          Metric.F1,
          Metric.ROC_AUC,
          Metric.PR_AUC,
          Metric.FALSE_ALARM_RATE,
          Metric.MISSED_ALARM_RATE,
          Metric.LOG_LOSS);
  private static final List<Metric> DOCUMENTS =
      List.of(
          Metric.ACCURACY,
          Metric.PRECISION,
          Metric.RECALL,
          Metric.F1,
          Metric.ROC_AUC,
          Metric.PR_AUC,
          Metric.LOG_LOSS,
          Metric.CALIBRATION_ERROR);
  private static final List<Metric> TOKENS =
      List.of(Metric.PERPLEXITY, Metric.LOG_LOSS, Metric.BITS_PER_TOKEN, Metric.BITS_PER_CHARACTER);
  private static final List<Metric> LIFE =
      List.of(
          Metric.MAE,
          Metric.RMSE,
          Metric.LIFE_SCORE,
          Metric.RMSE_UNCAPPED,
          Metric.RMSE_LAST,
          Metric.LIFE_SCORE_LAST,
          Metric.RMSE_LAST_UNCAPPED);

  private final List<Metric> columns;
  private final List<List<String>> lines = new ArrayList<>();

  private EvaluationTable(List<Metric> columns) {
    this.columns = columns;
  }

  static String of(EvaluationReport report) {
    var table =
        new EvaluationTable(
            switch (report.target().type()) {
              case "forecast" -> FORECAST;
              case "remaining-life" -> LIFE;
              case EvaluationReport.DOCUMENT -> DOCUMENTS;
              case EvaluationReport.TOKEN -> TOKENS;
              default -> CLASSES;
            });
    var text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "%s version %s on %s of %s: %,d %s%s%n",
            report.model().name(),
            report.model().version(),
            report.dataset().split(),
            report.dataset().uri(),
            report.dataset().windows(),
            report.examples(),
            report.dataset().series() == 0
                ? ""
                : String.format(Locale.ROOT, ", %,d series", report.dataset().series())));
    table.header("");
    table.line("model", report.metrics());
    for (BaselineRow row : report.baselines()) {
      if (row.available()) {
        table.line(row.name(), row.metrics());
        if (!row.note().isEmpty()) {
          table.line("  model, same values", row.model());
        }
      }
    }
    table.section("origins from", report.folds());
    table.section("step", spread(report.byStep()));
    table.section("channel", report.byChannel());
    if (report.bySeries().size() > 1) {
      table.section("series", report.bySeries().stream().limit(MOST_SERIES).toList());
    }
    text.append(table.render());
    for (BaselineRow row : report.baselines()) {
      if (!row.note().isEmpty()) {
        text.append(String.format("%s: %s%n", row.name(), row.note()));
      }
    }
    if (report.bySeries().size() > MOST_SERIES) {
      text.append(
          String.format(
              Locale.ROOT,
              "… and %,d more series in the report%n",
              report.bySeries().size() - MOST_SERIES));
    }
    report.notes().forEach(note -> text.append(note).append(System.lineSeparator()));
    if (report.gate() != null) {
      text.append(report.gate().message()).append(System.lineSeparator());
    }
    return text.toString();
  }

  private static List<Row> spread(List<Row> rows) {
    if (rows.size() <= MOST_STEPS) {
      return rows;
    }
    var chosen = new ArrayList<Row>();
    for (int i = 0; i < MOST_STEPS; i++) {
      chosen.add(rows.get(i * (rows.size() - 1) / (MOST_STEPS - 1)));
    }
    return chosen;
  }

  private void section(String title, List<Row> rows) {
    if (rows.isEmpty()) {
      return;
    }
    lines.add(List.of());
    header(title);
    rows.forEach(row -> line(row.name(), row.metrics()));
  }

  private void header(String title) {
    var line = new ArrayList<String>();
    line.add(title);
    columns.forEach(metric -> line.add(metric.label()));
    lines.add(line);
  }

  private void line(String name, Map<String, Double> metrics) {
    var line = new ArrayList<String>();
    line.add(name);
    for (Metric metric : columns) {
      Double value = metrics.get(metric.label());
      line.add(value == null ? "–" : shown(value));
    }
    lines.add(line);
  }

  /** Four significant digits, plainly written where that is readable. */
  static String shown(double value) {
    double magnitude = Math.abs(value);
    if (magnitude != 0 && (magnitude < 1e-3 || magnitude >= 1e6)) {
      return String.format(Locale.ROOT, "%.3e", value);
    }
    int decimals = magnitude >= 1000 ? 1 : magnitude >= 100 ? 2 : magnitude >= 10 ? 3 : 4;
    return String.format(Locale.ROOT, "%." + decimals + "f", value);
  }

  private String render() {
    var widths = new int[columns.size() + 1];
    for (List<String> line : lines) {
      for (int c = 0; c < line.size(); c++) {
        widths[c] = Math.max(widths[c], line.get(c).length());
      }
    }
    var text = new StringBuilder();
    for (List<String> line : lines) {
      var padded = new StringBuilder();
      for (int c = 0; c < line.size(); c++) {
        String cell = line.get(c);
        String space = " ".repeat(widths[c] - cell.length());
        padded.append(c == 0 ? cell + space : "  " + space + cell);
      }
      text.append(padded.toString().stripTrailing()).append(System.lineSeparator());
    }
    return text.toString();
  }
}
