package io.sluice.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Locale;

/**
 * Does the model earn its keep: one sentence, and one below it where that takes two.
 *
 * @param lead what the model does, in its own numbers; may be empty
 * @param verdict better, worse or plain, for its colour
 */
record Headline(String sentence, String lead, String verdict) {

  /**
   * What a model is compared by.
   *
   * @param metric its name in the evaluation
   * @param words its name in a sentence
   * @param higher whether more is better
   */
  private record Yardstick(String metric, String words, boolean higher) {}

  // scaled squared error: one number for channels of different units
  private static final Yardstick FORECAST =
      new Yardstick("mse-scaled", "mean squared error on scaled values", false);
  private static final Yardstick LIFE = new Yardstick("rmse", "root mean squared error", false);
  private static final Yardstick ALARMS = new Yardstick("pr-auc", "PR AUC", true);
  private static final Yardstick DOCUMENTS = new Yardstick("accuracy", "accuracy", true);
  private static final Yardstick TOKENS = new Yardstick("perplexity", "perplexity", false);
  private static final Yardstick CLASSES = new Yardstick("f1", "mean F1", true);

  static Headline of(JsonNode evaluation) {
    JsonNode metrics = evaluation.path("metrics");
    return switch (evaluation.path("target").path("type").asText()) {
      case "forecast" -> against(evaluation, FORECAST, "");
      case "remaining-life" ->
          against(
              evaluation,
              LIFE,
              "Remaining life is off by %s steps (RMSE), and by %s at the last window of each series."
                  .formatted(shown(metrics, "rmse"), shown(metrics, "rmse-last")));
      case "document" ->
          against(
              evaluation,
              DOCUMENTS,
              "The class is right in %s of the documents."
                  .formatted(Wording.percent(metrics.path("accuracy").asDouble())));
      case "token" ->
          against(
              evaluation,
              TOKENS,
              "The next token is as hard to tell as one of %s that are equally likely."
                  .formatted(shown(metrics, "perplexity")));
      default -> classes(evaluation, metrics);
    };
  }

  private static Headline classes(JsonNode evaluation, JsonNode metrics) {
    if (metrics.has("recall") && metrics.has("false-alarm-rate")) {
      return against(
          evaluation,
          ALARMS,
          "The model finds %s of the events with false alarms in %s of the other windows."
              .formatted(
                  Wording.percent(metrics.path("recall").asDouble()),
                  Wording.percent(metrics.path("false-alarm-rate").asDouble())));
    }
    return against(
        evaluation,
        CLASSES,
        "The predicted class is right in %s of the windows."
            .formatted(Wording.percent(metrics.path("accuracy").asDouble())));
  }

  /** The model against the baseline that is hardest to beat. */
  private static Headline against(JsonNode evaluation, Yardstick by, String lead) {
    JsonNode strongest = null;
    double least = Double.POSITIVE_INFINITY;
    for (JsonNode row : evaluation.path("baselines")) {
      double baseline = row.path("metrics").path(by.metric()).asDouble();
      double model = row.path("model").path(by.metric()).asDouble();
      // how many times better the model is
      double times = by.higher() ? model / baseline : baseline / model;
      if (row.path("available").asBoolean() && baseline > 0 && times < least) {
        strongest = row;
        least = times;
      }
    }
    if (strongest == null) {
      return new Headline(
          "%s is %s; there is no baseline to compare with."
              .formatted(
                  by.words().substring(0, 1).toUpperCase(Locale.ROOT) + by.words().substring(1),
                  shown(evaluation.path("metrics"), by.metric())),
          lead,
          "plain");
    }
    String name = Wording.inSentence(strongest.path("name").asText());
    double baseline = strongest.path("metrics").path(by.metric()).asDouble();
    double model = strongest.path("model").path(by.metric()).asDouble();
    String numbers = "%s against %s".formatted(Wording.number(model), Wording.number(baseline));
    String change = Wording.percent(Math.abs(model / baseline - 1));
    String direction = model < baseline ? "lower" : "higher";
    return least > 1
        ? new Headline(
            "The model beats every baseline. The strongest is %s: the model's %s is %s %s (%s)."
                .formatted(name, by.words(), change, direction, numbers),
            lead,
            "better")
        : new Headline(
            "The model does not beat %s: its %s is %s %s (%s)."
                .formatted(name, by.words(), change, direction, numbers),
            lead,
            "worse");
  }

  private static String shown(JsonNode metrics, String name) {
    return metrics.has(name) ? Wording.number(metrics.path(name).asDouble()) : "unknown";
  }
}
