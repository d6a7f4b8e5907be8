package io.sluice.scoring.evaluation;

import io.sluice.sequences.dataset.WindowContract;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Gathers remaining-life predictions. */
final class LifePass extends TargetPass {
  private static final long serialVersionUID = 1L;

  private final double cap;
  private final FoldPlan plan;
  private final LifeScores scores;
  private final double trainMean;
  private final LifeScores trainMeanScores;
  private final ErrorHistogram errors = new ErrorHistogram();
  private final Tracks tracks;

  /**
   * @param trainMean the baseline's prediction; NaN if there is none
   */
  LifePass(WindowContract contract, FoldPlan plan, Tracks tracks, double trainMean) {
    this.cap = contract.target().cap();
    this.plan = plan;
    this.scores = new LifeScores(cap, plan.folds());
    this.tracks = tracks;
    this.trainMean = trainMean;
    this.trainMeanScores = new LifeScores(cap, plan.folds());
  }

  @Override
  int addWindow(Window window, long index, WindowModel.Output output, int b) {
    float actual = window.segment().label()[window.origin()];
    float predicted = output.point()[b];
    long origin = window.originTime();
    if (Float.isNaN(actual)) {
      return 1;
    }
    scores.add(window.series(), plan.of(origin), origin, actual, predicted);
    trainMeanScores.add(window.series(), plan.of(origin), origin, actual, trainMean);
    errors.add((predicted - Math.min(actual, cap)) / cap);
    if (tracks.wants(window.series(), origin)) {
      boolean banded = output.lower() != null;
      tracks.add(
          window.series(),
          new Tracks.Piece(
              origin,
              new long[] {origin},
              new float[] {(float) Math.min(actual, cap)},
              new float[] {predicted},
              banded ? new float[] {output.lower()[b]} : null,
              banded ? new float[] {output.upper()[b]} : null));
    }
    return 0;
  }

  @Override
  TargetPass merge(TargetPass other) {
    super.merge(other);
    scores.merge(((LifePass) other).scores);
    trainMeanScores.merge(((LifePass) other).trainMeanScores);
    errors.merge(((LifePass) other).errors);
    tracks.merge(((LifePass) other).tracks);
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
        .map(e -> row(e.getKey(), e.getValue().count(), e.getValue().metrics()))
        .toList();
  }

  @Override
  List<EvaluationReport.Row> folds(List<String> names) {
    var rows = new ArrayList<EvaluationReport.Row>();
    for (int f = 0; f < names.size(); f++) {
      rows.add(row(names.get(f), scores.fold(f).count(), scores.fold(f).metrics()));
    }
    return rows;
  }

  @Override
  Tracks tracks() {
    return tracks;
  }

  /** Scores of predicting the train mean for every window; not finite where there is none. */
  LifeScores trainMeanScores() {
    return trainMeanScores;
  }

  EvaluationReport.Histogram histogram() {
    return errors.report("remaining life", "share of the cap");
  }
}
