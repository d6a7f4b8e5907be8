package io.sluice.report;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Random;

/** Evaluations as the evaluate job writes them, with invented numbers. */
final class SampleEvaluation {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long HOUR = 3_600_000;
  private static final long FIRST = 1_717_200_000_000L;

  static ObjectNode forecast(List<String> series, List<String> channels, int horizon) {
    ObjectNode root = base("forecast", horizon);
    channels.forEach(root.withObject("/target").withArray("channels")::add);
    root.withObject("/target").put("interval", 0.8).put("intervalSource", "validation residuals");
    metrics(root.putObject("metrics"), 1);
    ObjectNode meanings = root.putObject("meanings");
    root.path("metrics")
        .fieldNames()
        .forEachRemaining(m -> meanings.put(m, "what " + m + " means, in one line"));
    root.putArray("notes").add("MASE is over the error of repeating the value 24 step(s) before.");
    rows(
        root.putArray("byStep"),
        horizon,
        i -> Integer.toString(i + 1),
        i -> 0.5 + i / (2.0 * horizon));
    rows(root.putArray("byChannel"), channels.size(), channels::get, i -> 0.8 + 0.1 * i);
    rows(root.putArray("bySeries"), series.size(), series::get, i -> 0.7 + 0.1 * i);
    rows(
        root.putArray("folds"),
        4,
        i -> "2024-06-0" + (1 + 7 * i % 9) + "T00:00:00Z",
        i -> 0.8 + 0.1 * i);
    ArrayNode baselines = root.putArray("baselines");
    baseline(baselines, "last-value", 2.1, horizon, "", horizon * 100L);
    baseline(baselines, "seasonal-naive-daily", 1.4, horizon, "", horizon * 100L);
    baseline(
        baselines,
        "seasonal-naive-weekly",
        1.7,
        horizon,
        "known for 93.1 % of the values; the others have no value so far back",
        93L * horizon);
    baseline(
        baselines,
        "arima",
        1.2,
        horizon,
        "(2,1,1)(1,0,1)24, fitted once a series and channel on train rows, filtered to 200 origins evenly spaced over the split",
        10L * horizon);
    baselines
        .addObject()
        .put("name", "oracle")
        .put("available", false)
        .put("note", "not available: time is ordinal");
    ArrayNode residuals = root.putArray("residuals");
    channels.forEach(channel -> histogram(residuals, channel));
    ArrayNode tracks = root.putArray("tracks");
    for (String name : series) {
      for (String channel : channels) {
        track(tracks, name, channel, 600, true);
      }
    }
    root.putObject("gate")
        .put("metric", "mse-scaled")
        .put("passed", true)
        .put("message", "Quality gate passed: mse-scaled 0.41");
    return root;
  }

  static ObjectNode event(List<String> series) {
    ObjectNode root = base("event", 0);
    root.withObject("/target").withArray("classes").add("no failure").add("failure");
    root.putObject("metrics")
        .put("accuracy", 0.91)
        .put("precision", 0.55)
        .put("recall", 0.8)
        .put("f1", 0.65)
        .put("roc-auc", 0.93)
        .put("pr-auc", 0.62)
        .put("false-alarm-rate", 0.06)
        .put("missed-alarm-rate", 0.2)
        .put("log-loss", 0.3);
    root.putObject("meanings").put("recall", "events found over events");
    root.putArray("notes");
    root.putArray("byStep");
    root.putArray("byChannel");
    ArrayNode bySeries = root.putArray("bySeries");
    for (String name : series) {
      bySeries
          .addObject()
          .put("name", name)
          .put("count", 700)
          .putObject("metrics")
          .put("accuracy", 0.9)
          .put("recall", 0.8);
    }
    root.putArray("folds");
    ArrayNode baselines = root.putArray("baselines");
    classBaseline(baselines, root, "majority-class", 0, 0, 0.08);
    classBaseline(baselines, root, "always-alarm", 0.15, 1, 0.08);
    classBaseline(baselines, root, "logistic-regression", 0.4, 0.1, 0.31);
    root.putArray("residuals");
    ObjectNode classes = root.putObject("classes").put("threshold", 0.31);
    classes.putArray("names").add("no failure").add("failure");
    classes
        .putArray("confusion")
        .add(JSON.createArrayNode().add(8460).add(540))
        .add(JSON.createArrayNode().add(160).add(640));
    ArrayNode roc = classes.putArray("roc");
    ArrayNode pr = classes.putArray("precisionRecall");
    for (int i = 0; i <= 100; i++) {
      double far = i / 100.0;
      double recall = Math.pow(far, 0.2);
      roc.add(JSON.createArrayNode().add(far).add(recall));
      pr.add(JSON.createArrayNode().add(recall).add(recall / (recall + 10 * far + 1e-9)));
    }
    ArrayNode perClass = classes.putArray("perClass");
    perClass
        .addObject()
        .put("name", "failure")
        .put("count", 800)
        .putObject("metrics")
        .put("precision", 0.55)
        .put("recall", 0.8)
        .put("f1", 0.65);
    ArrayNode tracks = root.putArray("tracks");
    for (String name : series) {
      ObjectNode track =
          tracks.addObject().put("series", name).put("channel", "failure").put("ordinal", false);
      var random = new Random(name.hashCode());
      for (int i = 0; i < 500; i++) {
        int label = i % 250 > 200 ? 1 : 0;
        track.withArray("times").add(FIRST + i * HOUR);
        track.withArray("actual").add(label);
        track
            .withArray("predicted")
            .add(
                Math.min(
                    1,
                    Math.max(0, 0.1 + (i % 250 > 190 ? 0.65 : 0) + 0.1 * random.nextGaussian())));
      }
    }
    root.putObject("gate")
        .put("metric", "f1")
        .put("passed", false)
        .put("message", "Quality gate refused the model: f1 is 0.65000, must be at least 0.90000.");
    return root;
  }

  /** Documents have no series, no time and no alarms. */
  static ObjectNode document() {
    ObjectNode root = event(List.of());
    root.withObject("/target").put("type", "document").put("lookBack", 400);
    ObjectNode dataset = root.withObject("/dataset").put("series", 0);
    dataset.remove(List.of("firstOrigin", "lastOrigin"));
    root.withObject("/metrics")
        .put("calibration-error", 0.031)
        .remove(List.of("false-alarm-rate", "missed-alarm-rate"));
    ArrayNode baselines = root.putArray("baselines");
    classBaseline(baselines, root, "majority-class", 0, 0, 0);
    ((ObjectNode) baselines.get(0)).putObject("metrics").put("accuracy", 0.5);
    ObjectNode classes = root.withObject("/classes");
    classes.remove("threshold");
    ArrayNode reliability = classes.putArray("reliability");
    for (int bin = 5; bin < 10; bin++) {
      reliability
          .addObject()
          .put("from", bin / 10.0)
          .put("to", (bin + 1) / 10.0)
          .put("count", 250 * bin)
          .put("confidence", bin / 10.0 + 0.06)
          .put("accuracy", bin / 10.0 + 0.02);
    }
    return root;
  }

  static ObjectNode token() {
    ObjectNode root = base("token", 0);
    root.withObject("/target").put("lookBack", 82_430);
    ObjectNode dataset = root.withObject("/dataset");
    dataset.put("split", "test").put("windows", 82_429).put("series", 0);
    dataset.remove(List.of("firstOrigin", "lastOrigin"));
    root.putObject("metrics")
        .put("perplexity", 115.9)
        .put("log-loss", 4.7527)
        .put("bits-per-token", 6.8567);
    root.putObject("meanings").put("perplexity", "equally likely tokens");
    for (String empty :
        new String[] {"notes", "byStep", "byChannel", "bySeries", "folds", "residuals", "tracks"}) {
      root.putArray(empty);
    }
    ObjectNode unigram =
        root.putArray("baselines")
            .addObject()
            .put("name", "unigram")
            .put("available", true)
            .put("note", "")
            .put("count", 82_429);
    unigram.putObject("metrics").put("perplexity", 680.2).put("log-loss", 6.5224);
    unigram.set("model", root.path("metrics"));
    unigram.putArray("byStep");
    unigram.putArray("folds");
    return root;
  }

  /** Documents of which three are explained: one of these words, one Arabic, one Chinese. */
  static ObjectNode explained(String name, List<String> words) {
    ObjectNode root = document();
    ObjectNode explanations =
        root.putObject("explanations").put("tokens", "word").put("unknown", "<unk>");
    ArrayNode samples = explanations.putArray("samples");
    explained(samples, name, "wrong", words)
        .put("actual", "failure")
        .put("rankCorrelation", -0.314)
        .withArray("negations")
        .add(2);
    explained(
            samples,
            "ar-1",
            "right",
            List.of("هذا", "الفيلم", "ليس", "جيدا", "،", "بل", "<unk>", "ممل", "."))
        .put("actual", "no failure")
        .put("rankCorrelation", 0.5)
        .withArray("negations")
        .add(2);
    explained(samples, "zh-1", "undecided", List.of("这", "部", "电影", "不", "好", "。", "《", "题", "》"))
        .put("window", 3);
    ObjectNode negations =
        explanations
            .putObject("negations")
            .put("documents", 20_000)
            .put("flips", 612)
            .put("explained", 200)
            .put("top", 10)
            .put("inTopByAttention", 60)
            .put("inTopByOcclusion", 160)
            .put("inTopByChance", 66.21)
            .put("rankCorrelation", 0.27);
    negations.putArray("words").add("not").add("*n't");
    return root;
  }

  private static ObjectNode explained(
      ArrayNode samples, String name, String choice, List<String> words) {
    ObjectNode sample =
        samples
            .addObject()
            .put("name", name)
            .put("choice", choice)
            .put("predicted", "no failure")
            .put("probability", 0.9312)
            .put("window", 1);
    sample.putArray("negations");
    for (int t = 0; t < words.size(); t++) {
      sample.withArray("tokens").add(words.get(t));
      sample.withArray("attention").add(t == 1 ? 0.5 : 0.5 / (words.size() - 1));
      sample.withArray("occlusion").add(t == 2 ? 0.25 : t == 3 ? -0.1 : 0.001 * t);
    }
    return sample;
  }

  private static void classBaseline(
      ArrayNode baselines, ObjectNode root, String name, double f1, double falseAlarms, double pr) {
    ObjectNode row =
        baselines
            .addObject()
            .put("name", name)
            .put("available", true)
            .put("note", "")
            .put("count", 9800);
    row.putObject("metrics").put("f1", f1).put("false-alarm-rate", falseAlarms).put("pr-auc", pr);
    row.set("model", root.path("metrics"));
    row.putArray("byStep");
    row.putArray("folds");
  }

  static ObjectNode life(List<String> series) {
    ObjectNode root = base("remaining-life", 0);
    root.putObject("metrics")
        .put("mae", 11.2)
        .put("rmse", 15.4)
        .put("life-score", 5123.0)
        .put("rmse-uncapped", 21.0)
        .put("rmse-last", 14.1)
        .put("life-score-last", 310.5)
        .put("rmse-last-uncapped", 16.0);
    root.putObject("meanings").put("rmse", "root of the mean squared error");
    for (String empty : new String[] {"notes", "byStep", "byChannel", "bySeries", "folds"}) {
      root.putArray(empty);
    }
    ObjectNode mean =
        root.putArray("baselines")
            .addObject()
            .put("name", "train-mean")
            .put("available", true)
            .put("note", "")
            .put("count", 12345);
    mean.putObject("metrics").put("mae", 30.0).put("rmse", 41.2).put("rmse-last", 45.0);
    mean.set("model", root.path("metrics"));
    mean.putArray("byStep");
    mean.putArray("folds");
    histogram(root.putArray("residuals"), "remaining life");
    ArrayNode tracks = root.putArray("tracks");
    for (String name : series) {
      ObjectNode track =
          tracks
              .addObject()
              .put("series", name)
              .put("channel", "remaining life")
              .put("ordinal", true);
      for (int i = 0; i < 200; i++) {
        double actual = Math.min(125, 200 - i);
        track.withArray("times").add(i);
        track.withArray("actual").add(actual);
        track.withArray("predicted").add(actual + 6 * Math.sin(i / 7.0));
      }
    }
    return root;
  }

  private static ObjectNode base(String type, int horizon) {
    ObjectNode root = JSON.createObjectNode();
    root.put("format", "evaluation.v1")
        .put("name", "quickstart")
        .put("evaluatedAt", "2024-07-01T12:00:00Z")
        .put("seconds", 12.5);
    root.putObject("model")
        .put("name", "quickstart")
        .put("version", "3")
        .put("uri", "lake/models/quickstart/3")
        .put("hash", "9f2c");
    root.putObject("dataset")
        .put("uri", "lake/datasets/quickstart")
        .put("split", "test")
        .put("windows", 12345)
        .put("series", 8)
        .put("missingTargets", 0)
        .put("firstOrigin", "2024-06-01T00:00:00Z")
        .put("lastOrigin", "2024-06-30T00:00:00Z");
    ObjectNode target = root.putObject("target");
    target.put("type", type).put("lookBack", 96).put("horizon", horizon).put("stepSeconds", 3600);
    target.putArray("channels");
    target.putArray("classes");
    return root;
  }

  private static void metrics(ObjectNode metrics, double size) {
    metrics
        .put("mae", 1.2 * size)
        .put("rmse", 1.9 * size)
        .put("mse", 3.6 * size)
        .put("bias", 0.01)
        .put("mae-scaled", 0.45 * size)
        .put("mse-scaled", 0.41 * size)
        .put("mape", 0.12 * size)
        .put("smape", 0.11 * size)
        .put("mase", 0.7 * size)
        .put("pinball", 0.4 * size)
        .put("coverage", 0.79)
        .put("interval-width", 3.3);
  }

  private static void rows(
      ArrayNode rows,
      int n,
      java.util.function.IntFunction<String> name,
      java.util.function.IntToDoubleFunction size) {
    for (int i = 0; i < n; i++) {
      ObjectNode row = rows.addObject().put("name", name.apply(i)).put("count", 100);
      metrics(row.putObject("metrics"), size.applyAsDouble(i));
    }
  }

  private static void baseline(
      ArrayNode baselines, String name, double size, int horizon, String note, long count) {
    ObjectNode row =
        baselines
            .addObject()
            .put("name", name)
            .put("available", true)
            .put("note", note)
            .put("count", count);
    metrics(row.putObject("metrics"), size);
    ((ObjectNode) row.path("metrics")).remove(List.of("coverage", "pinball", "interval-width"));
    metrics(row.putObject("model"), 0.98);
    rows(
        row.putArray("byStep"),
        horizon,
        i -> Integer.toString(i + 1),
        i -> size * (0.6 + i / (2.0 * horizon)));
    row.putArray("folds");
  }

  private static void histogram(ArrayNode histograms, String name) {
    ObjectNode histogram =
        histograms.addObject().put("name", name).put("unit", "scaled error, predicted − actual");
    ArrayNode edges = histogram.putArray("edges");
    ArrayNode counts = histogram.putArray("counts");
    for (int i = -20; i <= 20; i++) {
      edges.add(i / 10.0);
      if (i < 20) {
        double x = i / 10.0 + 0.05;
        counts.add(0.08 * Math.exp(-x * x * 1.6));
      }
    }
  }

  private static void track(
      ArrayNode tracks, String series, String channel, int points, boolean banded) {
    var random = new Random(31L * series.hashCode() + channel.hashCode());
    ObjectNode track =
        tracks.addObject().put("series", series).put("channel", channel).put("ordinal", false);
    for (int i = 0; i < points; i++) {
      double truth = 50 + 10 * Math.sin(2 * Math.PI * i / 24) + 4 * Math.sin(2 * Math.PI * i / 168);
      double width = 2 + 2.5 * (i % 24) / 24;
      double predicted = truth + random.nextGaussian();
      track.withArray("times").add(FIRST + i * HOUR);
      if (i > 300 && i < 312) {
        track.withArray("actual").addNull();
      } else {
        track.withArray("actual").add(truth + 1.5 * random.nextGaussian());
      }
      track.withArray("predicted").add(predicted);
      if (banded) {
        track.withArray("lower").add(predicted - width);
        track.withArray("upper").add(predicted + width);
      }
      if (i % 24 == 0) {
        track.withArray("origins").add(FIRST + (i - 1) * HOUR);
      }
    }
  }

  private SampleEvaluation() {}
}
