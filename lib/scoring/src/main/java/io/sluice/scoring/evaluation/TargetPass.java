package io.sluice.scoring.evaluation;

import io.sluice.scoring.baseline.SeriesHistory;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What is gathered from windows of one kind of target; parts of it merge. */
abstract class TargetPass implements Serializable {
  private static final long serialVersionUID = 1L;

  private long windows;
  private long missing;

  /** Called before the windows of a part; its baselines may read other parts. */
  void startPart(Part part, SeriesHistory history) {}

  /**
   * Takes in window b of a batch.
   *
   * @param index of the window in its split, in manifest order
   */
  final void add(Window window, long index, WindowModel.Output output, int b) {
    windows++;
    missing += addWindow(window, index, output, b);
  }

  /** Takes in a window and returns how many of its target values are not known. */
  abstract int addWindow(Window window, long index, WindowModel.Output output, int b);

  /** Adds what another pass of the same kind gathered. */
  TargetPass merge(TargetPass other) {
    windows += other.windows;
    missing += other.missing;
    return this;
  }

  long windows() {
    return windows;
  }

  /** Target values that are not known and were left out. */
  long missing() {
    return missing;
  }

  abstract long series();

  abstract Map<Metric, Double> metrics();

  abstract List<EvaluationReport.Row> bySeries();

  abstract List<EvaluationReport.Row> folds(List<String> names);

  abstract Tracks tracks();

  static EvaluationReport.Row row(String name, long count, Map<Metric, Double> metrics) {
    return new EvaluationReport.Row(name, count, labelled(metrics));
  }

  /** Metrics by their names, in the order of {@link Metric}; not finite ones are left out. */
  static Map<String, Double> labelled(Map<Metric, Double> metrics) {
    var labelled = new java.util.LinkedHashMap<String, Double>();
    new TreeMap<>(metrics)
        .forEach(
            (metric, value) -> {
              if (Double.isFinite(value)) {
                labelled.put(metric.label(), value);
              }
            });
    return labelled;
  }
}
