package io.sluice.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Map;

/** What the template shows of classes: the confusion matrix, and how right probabilities are. */
final class ClassView {

  /**
   * @param classes of the evaluation; missing where it has none
   * @param examples what was evaluated, in the plural
   */
  static void addTo(Map<String, Object> view, JsonNode classes, String examples) {
    view.put("confusion", confusion(classes));
    view.put("threshold", threshold(classes));
    view.put("hasCurves", classes.path("roc").size() > 0);
    view.put("reliability", reliability(classes, examples));
  }

  /** Null where there are no classes, or so many that the matrix is not given. */
  private static Map<String, Object> confusion(JsonNode classes) {
    if (classes.path("confusion").isEmpty()) {
      return null;
    }
    var names = new ArrayList<String>();
    classes.path("names").forEach(name -> names.add(name.asText()));
    var rows = new ArrayList<Map<String, Object>>();
    for (int v = 0; v < names.size(); v++) {
      long total = 0;
      for (JsonNode cell : classes.path("confusion").path(v)) {
        total += cell.asLong();
      }
      var cells = new ArrayList<Map<String, Object>>();
      for (int w = 0; w < names.size(); w++) {
        long count = classes.path("confusion").path(v).path(w).asLong();
        double share = total == 0 ? 0 : (double) count / total;
        cells.add(
            Map.of(
                "count",
                Wording.count(count),
                "share",
                total == 0 ? EvaluationView.NONE : Wording.percent(share),
                "shade",
                Math.round(70 * share),
                "right",
                v == w));
      }
      rows.add(Map.of("name", names.get(v), "cells", cells));
    }
    return Map.of("names", names, "rows", rows);
  }

  /** The bins of the reliability diagram, which are its text too; null where there are none. */
  private static Map<String, Object> reliability(JsonNode classes, String examples) {
    JsonNode bins = classes.path("reliability");
    if (bins.isEmpty()) {
      return null;
    }
    var rows = new ArrayList<Map<String, Object>>();
    for (JsonNode bin : bins) {
      rows.add(
          Map.of(
              "range",
              "%s to %s"
                  .formatted(
                      Wording.percent(bin.path("from").asDouble()),
                      Wording.percent(bin.path("to").asDouble())),
              "confidence",
              Wording.percent(bin.path("confidence").asDouble()),
              "accuracy",
              Wording.percent(bin.path("accuracy").asDouble()),
              "count",
              Wording.count(bin.path("count").asLong())));
    }
    return Map.of("countTitle", examples, "rows", rows);
  }

  /** "0.31": where an alarm begins; null where there are no alarms. */
  private static String threshold(JsonNode classes) {
    JsonNode threshold = classes.path("threshold");
    return threshold.isNumber() ? Wording.number(threshold.asDouble()) : null;
  }

  private ClassView() {}
}
