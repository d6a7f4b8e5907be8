package io.sluice.scoring.evaluation;

import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.dataset.WindowEncoder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Gathers class and event predictions. */
final class ClassPass extends TargetPass {
  private static final long serialVersionUID = 1L;

  private final int V;
  private final ClassPlan plan;
  private final ClassScores scores;
  private final ClassScores logisticScores;
  private final Tracks tracks;
  private transient WindowEncoder encoder;
  private transient WindowBatch last;

  ClassPass(ClassPlan plan, Tracks tracks) {
    this.V = plan.classes();
    this.plan = plan;
    this.scores = new ClassScores(V, plan.threshold(), plan.folds().folds());
    this.logisticScores =
        plan.logistic() == null
            ? null
            : new ClassScores(V, plan.logisticThreshold(), plan.folds().folds());
    this.tracks = tracks;
  }

  @Override
  int addWindow(Window window, long index, WindowModel.Output output, int b) {
    float label = window.segment().label()[window.origin()];
    long origin = window.originTime();
    if (Float.isNaN(label)) {
      return 1;
    }
    int fold = plan.folds().of(origin);
    int actual = Math.round(label);
    scores.add(window.series(), fold, actual, output.probabilities(), b * V);
    if (logisticScores != null) {
      logisticScores.add(window.series(), fold, actual, logistic(window), 0);
    }
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

  private float[] logistic(Window window) {
    if (encoder == null) {
      encoder = new WindowEncoder(plan.contract());
      last = encoder.newBatch(1);
    }
    encoder.begin(last, 1);
    encoder.encode(window.segment(), window.origin(), last, 0);
    return plan.logistic().probabilities(last.inputs(), lastStep(plan.contract()));
  }

  /** Where the last step's inputs begin in a batch of one window. */
  static int lastStep(WindowContract contract) {
    return (contract.lookBack() - 1) * contract.inputSize();
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
    var theirs = (ClassPass) other;
    scores.merge(theirs.scores);
    if (logisticScores != null) {
      logisticScores.merge(theirs.logisticScores);
    }
    tracks.merge(theirs.tracks);
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

  private static EvaluationReport.Row countedRow(String name, Confusion confusion) {
    return row(name, confusion.total(), confusion.metrics());
  }

  @Override
  Tracks tracks() {
    return tracks;
  }

  /** The model's. */
  ClassScores scores() {
    return scores;
  }

  /** Windows that the logistic regression was fitted on. */
  int logisticExamples() {
    return plan.logistic().examples();
  }

  /** The logistic regression's; null if there is none. */
  ClassScores logisticScores() {
    return logisticScores;
  }
}
