package io.sluice.scoring.evaluation;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Windows by their actual and their predicted class; only pairs that occur take room, so that
 * thousands of classes do not take their square.
 */
final class Confusion implements Serializable {
  private static final long serialVersionUID = 1L;

  private final int V;

  /** By actual · V + predicted. */
  private final HashMap<Integer, Long> counts = new HashMap<>();

  /**
   * @param V classes
   */
  Confusion(int V) {
    this.V = V;
  }

  /** One answer to all: windows of each class, predicted as the same one. */
  static Confusion always(int predicted, long[] present) {
    var confusion = new Confusion(present.length);
    for (int v = 0; v < present.length; v++) {
      confusion.add(v, predicted, present[v]);
    }
    return confusion;
  }

  void add(int actual, int predicted, long windows) {
    if (windows > 0) {
      counts.merge(actual * V + predicted, windows, Long::sum);
    }
  }

  /** Adds what another one counted. */
  Confusion merge(Confusion other) {
    other.counts.forEach((cell, windows) -> counts.merge(cell, windows, Long::sum));
    return this;
  }

  long count(int actual, int predicted) {
    return counts.getOrDefault(actual * V + predicted, 0L);
  }

  long total() {
    return counts.values().stream().mapToLong(Long::longValue).sum();
  }

  /** (V) windows of each class. */
  long[] present() {
    var present = new long[V];
    counts.forEach((cell, windows) -> present[cell / V] += windows);
    return present;
  }

  /** The metrics that counts are enough for. */
  Map<Metric, Double> metrics() {
    var metrics = new TreeMap<Metric, Double>();
    long total = total();
    if (total == 0) {
      return metrics;
    }
    long right = 0;
    for (int v = 0; v < V; v++) {
      right += count(v, v);
    }
    metrics.put(Metric.ACCURACY, (double) right / total);
    if (V == 2) {
      binary(metrics, count(0, 0), count(0, 1), count(1, 0), count(1, 1));
    } else {
      List<Map<Metric, Double>> classes = byClass();
      putMean(metrics, Metric.PRECISION, classes);
      putMean(metrics, Metric.RECALL, classes);
      putMean(metrics, Metric.F1, classes);
    }
    return metrics;
  }

  private static void binary(Map<Metric, Double> metrics, long tn, long fp, long fn, long tp) {
    putRatio(metrics, Metric.PRECISION, tp, tp + fp);
    putRatio(metrics, Metric.RECALL, tp, tp + fn);
    putRatio(metrics, Metric.F1, 2 * tp, 2 * tp + fp + fn);
    putRatio(metrics, Metric.FALSE_ALARM_RATE, fp, fp + tn);
    putRatio(metrics, Metric.MISSED_ALARM_RATE, fn, fn + tp);
  }

  /** Over the classes that have it. */
  private static void putMean(
      Map<Metric, Double> metrics, Metric metric, List<Map<Metric, Double>> classes) {
    classes.stream()
        .filter(own -> own.containsKey(metric))
        .mapToDouble(own -> own.get(metric))
        .average()
        .ifPresent(mean -> metrics.put(metric, mean));
  }

  /** (V) precision, recall and F1 of each class against the rest. */
  List<Map<Metric, Double>> byClass() {
    long[] present = present();
    var predicted = new long[V];
    counts.forEach((cell, windows) -> predicted[cell % V] += windows);
    var classes = new ArrayList<Map<Metric, Double>>();
    for (int v = 0; v < V; v++) {
      long tp = count(v, v);
      var metrics = new TreeMap<Metric, Double>();
      putRatio(metrics, Metric.PRECISION, tp, predicted[v]);
      putRatio(metrics, Metric.RECALL, tp, present[v]);
      putRatio(metrics, Metric.F1, 2 * tp, predicted[v] + present[v]);
      classes.add(metrics);
    }
    return classes;
  }

  private static void putRatio(Map<Metric, Double> metrics, Metric metric, long part, long whole) {
    if (whole > 0) {
      metrics.put(metric, (double) part / whole);
    }
  }

  /** The matrix, [actual][predicted]. */
  List<List<Long>> matrix() {
    var matrix = new ArrayList<List<Long>>();
    for (int v = 0; v < V; v++) {
      var line = new ArrayList<Long>();
      for (int w = 0; w < V; w++) {
        line.add(count(v, w));
      }
      matrix.add(line);
    }
    return matrix;
  }
}
