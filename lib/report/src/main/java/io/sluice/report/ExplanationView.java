package io.sluice.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/** Which words the classes of documents hang on, ready to print. */
final class ExplanationView {
  /** Of a longer document the page shows the beginning. */
  private static final int MOST_TOKENS = 1000;

  private static final int TOP = 10;

  /** Percent of colour behind the word that weighs most: what its letters can still be read on. */
  private static final int DARKEST = 50;

  /** Fainter ones are left out: they cannot be told from paper. */
  private static final int LIGHTEST = 2;

  private final JsonNode explanations;

  private ExplanationView(JsonNode explanations) {
    this.explanations = explanations;
  }

  /** Adds what the template shows: {@code samples} and {@code negations}, null where not there. */
  static void addTo(Map<String, Object> view, JsonNode evaluation) {
    var own = new ExplanationView(evaluation.path("explanations"));
    JsonNode samples = own.explanations.path("samples");
    view.put("samples", samples.isEmpty() ? null : own.samples(samples));
    view.put("negations", own.negations(own.explanations.path("negations")));
  }

  private Map<String, Object> samples(JsonNode samples) {
    var documents = new ArrayList<Map<String, Object>>();
    var choices = new HashSet<String>();
    for (JsonNode sample : samples) {
      Map<String, Object> document = document(sample);
      document.put("open", choices.add(sample.path("choice").asText()));
      documents.add(document);
    }
    var view = new LinkedHashMap<String, Object>();
    view.put("documents", documents);
    view.put("unknown", explanations.path("unknown").asText());
    view.put("attends", samples.path(0).has("attention"));
    return view;
  }

  private Map<String, Object> document(JsonNode sample) {
    String actual = sample.path("actual").asText();
    String predicted = sample.path("predicted").asText();
    var view = new LinkedHashMap<String, Object>();
    view.put("name", sample.path("name").asText());
    view.put("choice", Wording.title(sample.path("choice").asText()));
    view.put("predicted", predicted);
    view.put("probability", Wording.number(sample.path("probability").asDouble()));
    view.put("actual", actual.isEmpty() || actual.equals(predicted) ? null : actual);
    view.put("unlabelled", actual.isEmpty());
    view.put("correlation", correlation(sample));
    int window = sample.path("window").asInt();
    view.put("window", window > 1 ? window : null);
    int hidden = sample.path("tokens").size() - MOST_TOKENS;
    view.put("hidden", hidden > 0 ? Wording.count(hidden) : null);
    var methods = new ArrayList<Map<String, Object>>();
    if (sample.has("attention")) {
      methods.add(method(sample, "attention", "Attention"));
    }
    methods.add(method(sample, "occlusion", "Occlusion"));
    view.put("methods", methods);
    return view;
  }

  private Map<String, Object> method(JsonNode sample, String key, String title) {
    JsonNode weights = sample.path(key);
    double most = 0;
    for (JsonNode weight : weights) {
      most = Math.max(most, Math.abs(weight.asDouble()));
    }
    var view = new LinkedHashMap<String, Object>();
    view.put("kind", key);
    view.put("title", title);
    view.put("isSigned", key.equals("occlusion"));
    view.put("most", Wording.number(most));
    view.put("words", words(sample, key, most));
    view.put("top", top(sample, key));
    return view;
  }

  private List<Map<String, Object>> words(JsonNode sample, String key, double most) {
    List<String> tokens = tokens(sample);
    var gaps = new WordGaps(explanations.path("tokens").asText(), tokens);
    Set<Integer> negations = negationsOf(sample);
    var words = new ArrayList<Map<String, Object>>();
    for (int t = 0; t < Math.min(MOST_TOKENS, tokens.size()); t++) {
      String token = tokens.get(t);
      double weight = sample.path(key).path(t).asDouble();
      long shade = most == 0 ? 0 : Math.round(DARKEST * Math.abs(weight) / most);
      var kinds = new ArrayList<String>();
      if (shade >= LIGHTEST) {
        kinds.add(weight < 0 ? "against" : "for");
      }
      if (negations.contains(t)) {
        kinds.add("negation");
      }
      if (token.equals(explanations.path("unknown").asText())) {
        kinds.add("unknown");
      }
      var word = new LinkedHashMap<String, Object>();
      word.put("gap", t > 0 && gaps.isBetween(tokens.get(t - 1), token) ? " " : "");
      word.put("text", gaps.text(token));
      word.put("kinds", kinds.isEmpty() ? null : String.join(" ", kinds));
      word.put("shade", shade);
      word.put("weight", value(key, weight));
      words.add(word);
    }
    return words;
  }

  /** The words that weigh most, of all of the document. */
  private List<Map<String, Object>> top(JsonNode sample, String key) {
    List<String> tokens = tokens(sample);
    var gaps = new WordGaps(explanations.path("tokens").asText(), tokens);
    JsonNode weights = sample.path(key);
    Set<Integer> negations = negationsOf(sample);
    return IntStream.range(0, tokens.size())
        .filter(t -> weights.path(t).asDouble() != 0)
        .boxed()
        .sorted(Comparator.comparingDouble(t -> -Math.abs(weights.path(t).asDouble())))
        .limit(TOP)
        .map(
            t ->
                Map.<String, Object>of(
                    "text", gaps.text(tokens.get(t)),
                    "isNegation", negations.contains(t),
                    "value", value(key, weights.path(t).asDouble())))
        .toList();
  }

  private static List<String> tokens(JsonNode sample) {
    var tokens = new ArrayList<String>();
    sample.path("tokens").forEach(token -> tokens.add(token.asText()));
    return tokens;
  }

  private static Set<Integer> negationsOf(JsonNode sample) {
    var negations = new HashSet<Integer>();
    sample.path("negations").forEach(position -> negations.add(position.asInt()));
    return negations;
  }

  private static String value(String key, double weight) {
    String number = Wording.number(weight);
    return key.equals("attention") ? number : weight > 0 ? "+" + number : signed(number);
  }

  /** Null where it is not defined. */
  private static String correlation(JsonNode of) {
    JsonNode correlation = of.path("rankCorrelation");
    return correlation.isNumber()
        ? signed(String.format(Locale.ROOT, "%.2f", correlation.asDouble()))
        : null;
  }

  /** With a minus as wide as a plus. */
  private static String signed(String number) {
    return number.startsWith("-") ? "−" + number.substring(1) : number;
  }

  /** Null where they were not counted. */
  private Map<String, Object> negations(JsonNode count) {
    if (!count.isObject()) {
      return null;
    }
    long documents = count.path("documents").asLong();
    long flips = count.path("flips").asLong();
    long explained = count.path("explained").asLong();
    var words = new ArrayList<String>();
    count.path("words").forEach(word -> words.add(word.asText()));
    var view = new LinkedHashMap<String, Object>();
    view.put("words", String.join(", ", words));
    view.put("documents", Wording.count(documents));
    view.put("flips", Wording.count(flips));
    view.put("share", documents == 0 ? null : Wording.percent((double) flips / documents));
    view.put("explained", explained == 0 ? null : Wording.count(explained));
    view.put("isSample", explained < flips);
    view.put("top", count.path("top").asText());
    var rows = new ArrayList<Map<String, Object>>();
    if (count.has("inTopByAttention")) {
      rows.add(row("By attention", count.path("inTopByAttention").asDouble(), explained, "%.0f"));
    }
    rows.add(row("By occlusion", count.path("inTopByOcclusion").asDouble(), explained, "%.0f"));
    rows.add(row("In a random order", count.path("inTopByChance").asDouble(), explained, "%.1f"));
    view.put("rows", rows);
    view.put("correlation", correlation(count));
    return view;
  }

  private static Map<String, Object> row(String name, double count, long of, String format) {
    double share = of == 0 ? 0 : count / of;
    return Map.of(
        "name", name,
        "count", String.format(Locale.ROOT, format, count),
        "share", Wording.percent(share),
        "width", Math.round(100 * share));
  }
}
