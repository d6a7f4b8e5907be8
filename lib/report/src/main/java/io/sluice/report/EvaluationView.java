package io.sluice.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What the evaluation's template shows: words and tables, ready to print. */
final class EvaluationView {
  private static final int MOST_ROWS = 50;
  private static final List<String> TILES =
      List.of(
          "mse-scaled",
          "mae-scaled",
          "mase",
          "smape",
          "coverage",
          "f1",
          "recall",
          "false-alarm-rate",
          "roc-auc",
          "pr-auc",
          "rmse",
          "rmse-last",
          "life-score-last",
          "mae",
          "accuracy",
          "calibration-error",
          "perplexity",
          "bits-per-token",
          "bits-per-character");
  private static final int MOST_TILES = 6;

  /** Stands for a value that is not known. */
  static final String NONE = "–";

  private final JsonNode evaluation;
  private final String type;

  /** What was evaluated, in the plural. */
  private final String examples;

  private EvaluationView(JsonNode evaluation) {
    this.evaluation = evaluation;
    this.type = evaluation.path("target").path("type").asText();
    this.examples =
        switch (type) {
          case "document" -> "Documents";
          case "token" -> "Tokens";
          default -> "Windows";
        };
  }

  static Map<String, Object> of(JsonNode evaluation) {
    return new EvaluationView(evaluation).view();
  }

  private Map<String, Object> view() {
    var view = new LinkedHashMap<String, Object>();
    JsonNode model = evaluation.path("model");
    JsonNode dataset = evaluation.path("dataset");
    Headline headline = Headline.of(evaluation);
    view.put("name", evaluation.path("name").asText());
    view.put("headline", headline.sentence());
    view.put("lead", headline.lead().isEmpty() ? null : headline.lead());
    view.put("verdict", headline.verdict());
    var facts = new ArrayList<Map<String, Object>>();
    facts.add(
        fact(
            "Model",
            "%s, version %s"
                .formatted(model.path("name").asText(), model.path("version").asText())));
    facts.add(fact("Bundle", model.path("uri").asText()));
    facts.add(fact("Dataset", dataset.path("uri").asText()));
    facts.addAll(examples(dataset, evaluation.path("target")));
    facts.add(fact("Evaluated", evaluation.path("evaluatedAt").asText()));
    facts.add(fact("Bundle hash", model.path("hash").asText()));
    view.put("facts", facts);
    view.put("gate", gate());
    view.put("tiles", tiles());
    view.put("comparison", comparison());
    view.put("hasBaselines", !comparison().isEmpty());
    view.put("baselineNotes", baselineNotes());
    view.put("tables", tables());
    view.put("notes", texts(evaluation.path("notes")));
    view.put("glossary", glossary());
    view.put("hasSteps", evaluation.path("byStep").size() > 0);
    view.put("hasHistograms", evaluation.path("residuals").size() > 0);
    view.put("hasTracks", evaluation.path("tracks").size() > 0);
    view.put("tracksTitle", tracksTitle());
    view.put("tracksHint", tracksHint());
    ClassView.addTo(view, evaluation.path("classes"), examples);
    ExplanationView.addTo(view, evaluation);
    view.put("data", PageData.of(evaluation));
    view.put("uplotScript", Resources.uplot("uPlot.iife.min.js"));
    view.put("uplotStyle", Resources.uplot("uPlot.min.css"));
    view.put("style", Resources.text("evaluation.css"));
    view.put("script", Resources.text("evaluation.js"));
    return view;
  }

  private List<Map<String, Object>> examples(JsonNode dataset, JsonNode target) {
    String count = Wording.count(dataset.path("windows").asLong());
    String split = dataset.path("split").asText();
    if (type.equals("document")) {
      return List.of(
          fact(
              "Documents",
              "%s of split %s, of up to %s tokens"
                  .formatted(count, split, Wording.count(target.path("lookBack").asLong()))));
    }
    if (type.equals("token")) {
      return List.of(
          fact(
              "Tokens",
              "%s of split %s, in streams of %s"
                  .formatted(count, split, Wording.count(target.path("lookBack").asLong()))));
    }
    return List.of(
        fact(
            "Windows",
            "%s of split %s, %s series, look-back %s, horizon %s"
                .formatted(
                    count,
                    split,
                    Wording.count(dataset.path("series").asLong()),
                    target.path("lookBack").asText(),
                    target.path("horizon").asText())),
        fact(
            "Origins",
            "%s to %s"
                .formatted(
                    dataset.path("firstOrigin").asText(), dataset.path("lastOrigin").asText())));
  }

  private static Map<String, Object> fact(String name, String value) {
    return Map.of("name", name, "value", value);
  }

  private Map<String, Object> gate() {
    JsonNode gate = evaluation.path("gate");
    return gate.isObject()
        ? Map.of(
            "message", gate.path("message").asText(), "passed", gate.path("passed").asBoolean())
        : null;
  }

  private List<Map<String, Object>> tiles() {
    var tiles = new ArrayList<Map<String, Object>>();
    JsonNode metrics = evaluation.path("metrics");
    for (String name : TILES) {
      if (metrics.has(name) && tiles.size() < MOST_TILES) {
        tiles.add(
            Map.of(
                "title", Wording.title(name),
                "value", Wording.number(metrics.path(name).asDouble()),
                "meaning", evaluation.path("meanings").path(name).asText()));
      }
    }
    return tiles;
  }

  private List<String> columns() {
    return switch (type) {
      case "forecast" ->
          present(
              "mae",
              "rmse",
              "mae-scaled",
              "mse-scaled",
              "mape",
              "smape",
              "mase",
              "pinball",
              "coverage");
      case "remaining-life" ->
          present(
              "mae",
              "rmse",
              "life-score",
              "rmse-uncapped",
              "rmse-last",
              "life-score-last",
              "rmse-last-uncapped");
      case "token" -> present("perplexity", "log-loss", "bits-per-token", "bits-per-character");
      default ->
          present(
              "accuracy",
              "precision",
              "recall",
              "f1",
              "roc-auc",
              "pr-auc",
              "false-alarm-rate",
              "missed-alarm-rate",
              "log-loss",
              "calibration-error");
    };
  }

  private List<String> present(String... names) {
    return java.util.Arrays.stream(names).filter(evaluation.path("metrics")::has).toList();
  }

  /** The model's line and one a baseline, with the model on the same values where that differs. */
  private List<Map<String, Object>> comparison() {
    var lines = new ArrayList<Map<String, Object>>();
    if (evaluation.path("baselines").isEmpty()) {
      return lines;
    }
    lines.add(line("Model", "model", evaluation.path("metrics"), columns()));
    long all =
        evaluation.path("byStep").findValues("count").stream().mapToLong(JsonNode::asLong).sum();
    for (JsonNode row : evaluation.path("baselines")) {
      if (row.path("available").asBoolean()) {
        lines.add(
            line(Wording.title(row.path("name").asText()), "", row.path("metrics"), columns()));
        if (row.path("count").asLong() < all) {
          lines.add(line("Model on the same values", "same", row.path("model"), columns()));
        }
      }
    }
    return lines;
  }

  private List<String> baselineNotes() {
    var notes = new ArrayList<String>();
    for (JsonNode row : evaluation.path("baselines")) {
      String note = row.path("note").asText();
      if (!note.isEmpty()) {
        notes.add("%s: %s.".formatted(Wording.title(row.path("name").asText()), note));
      }
    }
    return notes;
  }

  private List<Map<String, Object>> tables() {
    var tables = new ArrayList<Map<String, Object>>();
    if (evaluation.path("baselines").isEmpty()) {
      table(tables, "All " + examples.toLowerCase(Locale.ROOT), "", "", allWindows(), false);
    }
    table(
        tables,
        "Backtest over rolling origins",
        "Origins from",
        "The split's origins in consecutive blocks of time, oldest first.",
        rows(evaluation.path("folds")),
        true);
    table(tables, "By channel", "Channel", "", rows(evaluation.path("byChannel")), true);
    List<JsonNode> classes = rows(evaluation.path("classes").path("perClass"));
    if (classes.size() > MOST_ROWS) {
      // those that neither occur nor are predicted have none
      classes.removeIf(row -> !row.path("metrics").has("f1"));
      worst(tables, "By class", "Class", worstFirst(classes, "f1"));
    } else {
      table(tables, "By class", "Class", "", classes, true);
    }
    List<JsonNode> series = worstFirst(rows(evaluation.path("bySeries")), yardstick());
    if (series.size() > 1) {
      worst(tables, "By series", "Series", series);
    }
    table(tables, "By horizon step", "Step", "", rows(evaluation.path("byStep")), false);
    return tables;
  }

  /** The first of rows in their order, worst first. */
  private void worst(
      List<Map<String, Object>> tables, String title, String first, List<JsonNode> rows) {
    String hint =
        rows.size() > MOST_ROWS
            ? "The %d worst of %s; all are in evaluation.json."
                .formatted(MOST_ROWS, Wording.count(rows.size()))
            : "Worst first.";
    table(
        tables,
        title,
        first,
        hint,
        rows.subList(0, Math.min(MOST_ROWS, rows.size())),
        rows.size() <= 12);
  }

  private List<JsonNode> allWindows() {
    var row = ((com.fasterxml.jackson.databind.node.ObjectNode) evaluation).objectNode();
    row.put("name", "Model").put("count", evaluation.path("dataset").path("windows").asLong());
    row.set("metrics", evaluation.path("metrics"));
    return List.of(row);
  }

  /** What series are ordered by. */
  private String yardstick() {
    return switch (type) {
      case "forecast" -> "mse-scaled";
      case "remaining-life" -> "rmse";
      default -> "accuracy";
    };
  }

  private static List<JsonNode> worstFirst(List<JsonNode> rows, String metric) {
    double sign = metric.equals("accuracy") || metric.equals("f1") ? 1 : -1;
    var sorted = new ArrayList<>(rows);
    sorted.sort(
        java.util.Comparator.comparingDouble(
            row -> sign * row.path("metrics").path(metric).asDouble()));
    return sorted;
  }

  private static List<JsonNode> rows(JsonNode array) {
    var rows = new ArrayList<JsonNode>();
    array.forEach(rows::add);
    return rows;
  }

  private void table(
      List<Map<String, Object>> tables,
      String title,
      String first,
      String hint,
      List<JsonNode> rows,
      boolean open) {
    if (rows.isEmpty()) {
      return;
    }
    List<String> shown =
        columns().stream()
            .filter(c -> rows.stream().anyMatch(r -> r.path("metrics").has(c)))
            .toList();
    var table = new LinkedHashMap<String, Object>();
    table.put("title", title);
    table.put("first", first);
    table.put("hint", hint);
    table.put("open", open);
    table.put("countTitle", type.equals("forecast") ? "Values" : examples);
    table.put("columns", shown.stream().map(Wording::title).toList());
    table.put(
        "rows",
        rows.stream()
            .map(
                row -> {
                  Map<String, Object> line =
                      line(row.path("name").asText(), "", row.path("metrics"), shown);
                  line.put("count", Wording.count(row.path("count").asLong()));
                  return line;
                })
            .toList());
    tables.add(table);
  }

  private static Map<String, Object> line(
      String name, String kind, JsonNode metrics, List<String> columns) {
    var line = new LinkedHashMap<String, Object>();
    line.put("name", name);
    line.put("kind", kind);
    line.put(
        "cells",
        columns.stream()
            .map(c -> metrics.has(c) ? Wording.number(metrics.path(c).asDouble()) : NONE)
            .toList());
    line.put("columns", columns.stream().map(Wording::title).toList());
    return line;
  }

  private List<Map<String, Object>> glossary() {
    var glossary = new ArrayList<Map<String, Object>>();
    for (Iterator<Map.Entry<String, JsonNode>> it = evaluation.path("meanings").fields();
        it.hasNext(); ) {
      Map.Entry<String, JsonNode> entry = it.next();
      glossary.add(fact(Wording.title(entry.getKey()), entry.getValue().asText()));
    }
    return glossary;
  }

  private String tracksTitle() {
    return switch (type) {
      case "forecast" -> "Forecast against actual";
      case "remaining-life" -> "Remaining life over time";
      default -> "Score over time";
    };
  }

  private String tracksHint() {
    return switch (type) {
      case "forecast" ->
          "Consecutive forecasts of %s steps each, joined: every point was predicted from the newest origin before it.%s"
              .formatted(
                  evaluation.path("target").path("horizon").asText(),
                  hasBand() ? " The band is the interval." : "");
      case "remaining-life" -> "Predicted and true remaining life, in steps, at each origin.";
      default -> "The predicted score at each origin; the shaded area is the truth.";
    };
  }

  private boolean hasBand() {
    return evaluation.path("target").path("interval").asDouble() > 0;
  }

  private static List<String> texts(JsonNode array) {
    var texts = new ArrayList<String>();
    array.forEach(text -> texts.add(text.asText()));
    return texts;
  }
}
