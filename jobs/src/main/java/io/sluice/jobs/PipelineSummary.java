package io.sluice.jobs;

import io.sluice.scoring.batch.ScoreReport;
import io.sluice.sequences.telemetry.BuildReport;
import io.sluice.sequences.text.TextReport;
import io.sluice.training.TrainReport;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** The end of a pipeline for a person: model against baselines, and where everything lies. */
final class PipelineSummary {
  // in this order, those that the evaluation has
  private static final List<String> COLUMNS =
      List.of(
          "mae",
          "rmse",
          "mase",
          "mse-scaled",
          "accuracy",
          "precision",
          "recall",
          "f1",
          "roc-auc",
          "pr-auc",
          "false-alarm-rate",
          "perplexity",
          "bits-per-token");
  private static final String MODEL = "LSTM";
  private static final int MOST_CLASSES = 5;

  private PipelineSummary() {}

  /**
   * @param build a {@link BuildReport} or a {@link TextReport}
   */
  static String text(
      Record build, TrainReport train, EvaluationSummary evaluation, ScoreReport score) {
    var text = new StringBuilder();
    text.append(
        "%s: %,d %s %s%n%n"
            .formatted(
                evaluation.name(), evaluation.windows(), evaluation.split(), examples(build)));
    text.append(table(evaluation));
    text.append("%n  dataset      %s%n".formatted(dataset(build)));
    text.append("  bundle       %s%n".formatted(train.bundle().uri()));
    text.append("  evaluation   %s%n".formatted(evaluation.json()));
    text.append("  page         %s%n".formatted(evaluation.page()));
    if (score == null) {
      text.append("  predictions  none: %s%n".formatted(evaluation.gate().message()));
    } else {
      text.append(
          "  predictions  %s (%,d rows%s)%n"
              .formatted(score.predictions(), score.predictionsWritten(), classes(score)));
    }
    return text.toString();
  }

  /** How many rows say which class, where they are few: ": 12 failure, 300 no event". */
  private static String classes(ScoreReport score) {
    Map<String, Long> counts = score.predictedClasses();
    return counts.isEmpty() || counts.size() > MOST_CLASSES
        ? ""
        : counts.entrySet().stream()
            .map(count -> "%,d %s".formatted(count.getValue(), count.getKey()))
            .collect(Collectors.joining(", ", ": ", ""));
  }

  /** What was evaluated, in the plural. */
  private static String examples(Record build) {
    if (build instanceof TextReport text) {
      return text.layout().equals("stream") ? "tokens" : "documents";
    }
    return "windows";
  }

  private static String dataset(Record build) {
    return build instanceof TextReport text ? text.dataset() : ((BuildReport) build).dataset();
  }

  private static String table(EvaluationSummary evaluation) {
    List<String> columns =
        COLUMNS.stream().filter(column -> evaluation.metrics().containsKey(column)).toList();
    int width =
        evaluation.baselines().stream()
            .mapToInt(baseline -> baseline.name().length())
            .reduce(MODEL.length(), Math::max);
    var text = new StringBuilder("  " + " ".repeat(width));
    columns.forEach(column -> text.append(cell(column, column)));
    text.append(System.lineSeparator());
    text.append(row(MODEL, width, columns, evaluation.metrics()));
    evaluation
        .baselines()
        .forEach(baseline -> text.append(row(baseline.name(), width, columns, baseline.metrics())));
    return text.toString();
  }

  private static String row(
      String name, int width, List<String> columns, Map<String, Double> metrics) {
    var text = new StringBuilder(("  %-" + width + "s").formatted(name));
    for (String column : columns) {
      Double value = metrics.get(column);
      text.append(cell(column, value == null ? "-" : String.format(Locale.ROOT, "%.4f", value)));
    }
    return text.append(System.lineSeparator()).toString();
  }

  /** Text at the right of its column, which is as wide as its title needs. */
  private static String cell(String column, String text) {
    return ("%" + Math.max(12, column.length() + 2) + "s").formatted(text);
  }
}
