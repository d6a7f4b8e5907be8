package io.sluice.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.math.MathContext;

/** What the page's script draws: the plots' numbers, rounded to what a screen can show. */
final class PageData {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final MathContext DIGITS = new MathContext(5);

  /** JSON that is safe inside a script element. */
  static String of(JsonNode evaluation) {
    ObjectNode data = JSON.createObjectNode();
    data.put("type", evaluation.path("target").path("type").asText());
    data.set("channels", evaluation.path("target").path("channels"));
    data.set("byStep", steps(evaluation.path("byStep")));
    ArrayNode baselines = data.putArray("baselines");
    for (JsonNode row : evaluation.path("baselines")) {
      if (row.path("available").asBoolean()) {
        ObjectNode baseline = baselines.addObject();
        baseline.put("name", Wording.title(row.path("name").asText()));
        baseline.set("byStep", steps(row.path("byStep")));
      }
    }
    data.set("histograms", rounded(evaluation.path("residuals")));
    data.set("threshold", rounded(evaluation.path("classes").path("threshold")));
    data.set("roc", rounded(evaluation.path("classes").path("roc")));
    data.set("precisionRecall", rounded(evaluation.path("classes").path("precisionRecall")));
    data.set("reliability", rounded(evaluation.path("classes").path("reliability")));
    ArrayNode tracks = data.putArray("tracks");
    evaluation.path("tracks").forEach(track -> tracks.add(track(track)));
    try {
      return safe(JSON.writeValueAsString(data));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("the page's data is not JSON", e);
    }
  }

  // inside <script> only "</script" and "<!--" end the text; U+2028 and U+2029 end a line
  private static String safe(String json) {
    return json.replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029");
  }

  private static ObjectNode steps(JsonNode rows) {
    ObjectNode columns = JSON.createObjectNode();
    for (String metric : new String[] {"mae-scaled", "mse-scaled", "mae", "rmse"}) {
      ArrayNode column = columns.putArray(metric);
      for (JsonNode row : rows) {
        column.add(rounded(row.path("metrics").path(metric)));
      }
    }
    return columns;
  }

  private static ObjectNode track(JsonNode track) {
    ObjectNode small = JSON.createObjectNode();
    for (String name : new String[] {"series", "channel", "ordinal"}) {
      small.set(name, track.path(name));
    }
    for (String name : new String[] {"actual", "predicted", "lower", "upper"}) {
      if (track.has(name)) {
        small.set(name, rounded(track.path(name)));
      }
    }
    // times as multiples of their smallest step: a tenth of the characters
    JsonNode times = track.path("times");
    long first = times.path(0).asLong();
    long unit = unit(times);
    small.put("first", first);
    small.put("unit", unit);
    ArrayNode offsets = small.putArray("offsets");
    times.forEach(time -> offsets.add((time.asLong() - first) / unit));
    ArrayNode origins = small.putArray("origins");
    track.path("origins").forEach(origins::add);
    return small;
  }

  /** The greatest common divisor of the differences. */
  private static long unit(JsonNode times) {
    long unit = 0;
    for (int i = 1; i < times.size(); i++) {
      long a = times.path(i).asLong() - times.path(i - 1).asLong();
      while (a != 0) {
        long rest = unit % a;
        unit = a;
        a = rest;
      }
    }
    return Math.max(1, Math.abs(unit));
  }

  private static JsonNode rounded(JsonNode node) {
    if (node.isArray()) {
      ArrayNode array = JSON.createArrayNode();
      node.forEach(element -> array.add(rounded(element)));
      return array;
    }
    if (node.isObject()) {
      ObjectNode object = JSON.createObjectNode();
      node.fields().forEachRemaining(e -> object.set(e.getKey(), rounded(e.getValue())));
      return object;
    }
    if (node.isFloatingPointNumber()) {
      return JSON.getNodeFactory()
          .numberNode(BigDecimal.valueOf(node.asDouble()).round(DIGITS).doubleValue());
    }
    return node.isMissingNode() ? JSON.nullNode() : node;
  }

  private PageData() {}
}
