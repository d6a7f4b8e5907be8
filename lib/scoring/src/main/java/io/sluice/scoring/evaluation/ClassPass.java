package io.sluice.scoring.evaluation;

import io.sluice.sequences.dataset.WindowContract;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Gathers class and event predictions. */
final class ClassPass extends TargetPass {
  private static final long serialVersionUID = 1L;
  private static final int CURVE_POINTS = 400;

  private final int V;
  private final FoldPlan plan;
  private final ClassScores scores;
  private final Tracks tracks;

  ClassPass(WindowContract contract, FoldPlan plan, Tracks tracks) {
    this.V = contract.target().classes().size();
    this.plan = plan;
    this.scores = new ClassScores(V, plan.folds());
    this.tracks = tracks;
  }

  @Override
  int addWindow(Window window, long index, WindowModel.Output output, int b) {
    float label = window.segment().label()[window.origin()];
    long origin = window.originTime();
    if (Float.isNaN(label)) {
      return 1;
    }
    scores.add(window.series(), plan.of(origin), Math.round(label), output.probabilities(), b * V);
    if (tracks.wants(window.series(), origin)) {
      // two classes: the event's probability; more: the most probable class
      float shown = V == 2 ? output.probabilities()[b * V + 1] : best(output.probabilities(), b);
      tracks.add(
          window.series(),
          new Tracks.Piece(
              origin, new long[] {origin}, new float[] {label}, new float[] {shown}, null, null));
    }
    return 0;
  }

  private int best(float[] probabilities, int b) {
    int best = 0;
    for (int v = 1; v < V; v++) {
      best = probabilities[b * V + v] > probabilities[b * V + best] ? v : best;
    }
    return best;
  }

  @Override
  TargetPass merge(TargetPass other) {
    super.merge(other);
    scores.merge(((ClassPass) other).scores);
    tracks.merge(((ClassPass) other).tracks);
    return this;
  }

  @Override
  long series() {
    return scores.bySeries().size();
  }

  @Override
  Map<Metric, Double> metrics() {
    return scores.metrics();
  }

  @Override
  List<EvaluationReport.Row> bySeries() {
    return scores.bySeries().entrySet().stream()
        .map(e -> countedRow(e.getKey(), e.getValue()))
        .toList();
  }

  @Override
  List<EvaluationReport.Row> folds(List<String> names) {
    var rows = new ArrayList<EvaluationReport.Row>();
    for (int f = 0; f < names.size(); f++) {
      rows.add(countedRow(names.get(f), scores.fold(f)));
    }
    return rows;
  }

  private EvaluationReport.Row countedRow(String name, long[] confusion) {
    return row(name, java.util.Arrays.stream(confusion).sum(), scores.counted(confusion));
  }

  @Override
  Tracks tracks() {
    return tracks;
  }

  EvaluationReport.ClassDetail detail(List<String> names) {
    long[] counts = scores.confusion();
    var confusion = new ArrayList<List<Long>>();
    var perClass = new ArrayList<EvaluationReport.Row>();
    for (int v = 0; v < V; v++) {
      var line = new ArrayList<Long>();
      long present = 0;
      for (int w = 0; w < V; w++) {
        line.add(counts[v * V + w]);
        present += counts[v * V + w];
      }
      confusion.add(line);
      perClass.add(row(names.get(v), present, scores.ofClass(v, counts)));
    }
    List<double[]> curve = V == 2 ? scores.curve(CURVE_POINTS) : List.of();
    return new EvaluationReport.ClassDetail(
        names,
        confusion,
        curve.stream().map(p -> List.of(p[0], p[1])).toList(),
        curve.stream().map(p -> List.of(p[1], p[2])).toList(),
        perClass);
  }
}
