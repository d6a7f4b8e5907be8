package io.sluice.report;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * Does the model earn its keep: one sentence.
 *
 * @param verdict better, worse or plain, for its colour
 */
record Headline(String sentence, String verdict) {
  // scaled squared error: one number for channels of different units
  private static final String FORECAST_METRIC = "mse-scaled";

  static Headline of(JsonNode evaluation) {
    JsonNode metrics = evaluation.path("metrics");
    return switch (evaluation.path("target").path("type").asText()) {
      case "forecast" -> forecast(evaluation);
      case "remaining-life" ->
          new Headline(
              "Remaining life is off by %s steps (RMSE), and by %s at the last window of each series."
                  .formatted(shown(metrics, "rmse"), shown(metrics, "rmse-last")),
              "plain");
      default -> classes(metrics);
    };
  }

  private static Headline classes(JsonNode metrics) {
    if (metrics.has("recall") && metrics.has("false-alarm-rate")) {
      return new Headline(
          "The model finds %s of the events with false alarms in %s of the other windows; ROC AUC %s."
              .formatted(
                  Wording.percent(metrics.path("recall").asDouble()),
                  Wording.percent(metrics.path("false-alarm-rate").asDouble()),
                  shown(metrics, "roc-auc")),
          "plain");
    }
    return new Headline(
        "The most probable class is right in %s of the windows."
            .formatted(Wording.percent(metrics.path("accuracy").asDouble())),
        "plain");
  }

  private static Headline forecast(JsonNode evaluation) {
    JsonNode best = null;
    double bestRatio = -1;
    for (JsonNode row : evaluation.path("baselines")) {
      double baseline = row.path("metrics").path(FORECAST_METRIC).asDouble();
      double model = row.path("model").path(FORECAST_METRIC).asDouble();
      if (row.path("available").asBoolean() && baseline > 0 && model / baseline > bestRatio) {
        best = row;
        bestRatio = model / baseline;
      }
    }
    if (best == null) {
      return new Headline(
          "Mean squared error %s on scaled values; there is no baseline to compare with."
              .formatted(shown(evaluation.path("metrics"), FORECAST_METRIC)),
          "plain");
    }
    String name = Wording.inSentence(best.path("name").asText());
    String numbers =
        "mean squared error %s against %s, on scaled values"
            .formatted(
                shown(best.path("model"), FORECAST_METRIC),
                shown(best.path("metrics"), FORECAST_METRIC));
    return bestRatio < 1
        ? new Headline(
            "The model beats every baseline. The strongest is %s: the model's error is %s lower (%s)."
                .formatted(name, Wording.percent(1 - bestRatio), numbers),
            "better")
        : new Headline(
            "The model does not beat %s: its error is %s higher (%s)."
                .formatted(name, Wording.percent(bestRatio - 1), numbers),
            "worse");
  }

  private static String shown(JsonNode metrics, String name) {
    return metrics.has(name) ? Wording.number(metrics.path(name).asDouble()) : "unknown";
  }
}
