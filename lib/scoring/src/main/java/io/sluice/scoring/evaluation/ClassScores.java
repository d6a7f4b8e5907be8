package io.sluice.scoring.evaluation;

import io.sluice.scoring.bundle.Decision;
import io.sluice.scoring.bundle.EventScores;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.apache.commons.math3.stat.ranking.NaNStrategy;
import org.apache.commons.math3.stat.ranking.NaturalRanking;
import org.apache.commons.math3.stat.ranking.TiesStrategy;

/**
 * A classifier's hits and misses, by series and by fold, and its scores for the curves.
 *
 * <p>With two classes the second is the event, predicted where its probability reaches a threshold:
 * TP, FP, FN, TN count windows,
 *
 * <pre>
 * precision           TP / (TP + FP)
 * recall              TP / (TP + FN)
 * F1                  2 TP / (2 TP + FP + FN)
 * false-alarm rate    FP / (FP + TN)
 * missed-alarm rate   FN / (FN + TP)
 * ROC-AUC             (R − n₁(n₁ + 1)/2) / (n₁ n₀), R the sum of the ranks of the n₁ event windows among
 *                     all n₁ + n₀ by score, ties at their mean rank
 * PR-AUC              Σ (Rᵢ − Rᵢ₋₁) Pᵢ, recall and precision as the threshold falls over the scores
 * log loss            −Σ ln p(right class) / n, nats; p is held above 1e-15
 * </pre>
 *
 * With more classes the most probable one is predicted; precision, recall and F1 are means over the
 * classes that occur or are predicted, ROC-AUC and PR-AUC over one class against the rest; there is
 * no alarm rate. A ratio of 0/0 is left out.
 *
 * <p>Scores are kept, V floats a window, because ROC-AUC needs their ranks: 10 million windows of
 * two classes take 100 MB. With more than {@value #MOST_IN_FULL} classes they are not, and ROC-AUC
 * and PR-AUC are left out: a million windows of 10,000 classes would take 40 GB.
 *
 * <p><b>Source.</b> AUC from ranks: Hanley and McNeil, "The meaning and use of the area under a
 * receiver operating characteristic curve", Radiology 143(1), 1982. Ranks are Apache Commons
 * Math's; {@code ClassScoresTest} holds AUC and the counts to Spark MLlib's evaluators, which need
 * a Spark session that an evaluation may not have.
 */
final class ClassScores implements Serializable {
  private static final long serialVersionUID = 1L;

  /** With more classes no scores are kept, and no matrix is shown. */
  static final int MOST_IN_FULL = 128;

  private static final double LEAST_PROBABILITY = 1e-15;
  private static final int CURVE_POINTS = 400;

  private final int V;
  private final Decision decision;
  private final Confusion[] folds;
  private final TreeMap<String, Confusion> bySeries = new TreeMap<>();
  private final Reliability reliability = new Reliability();
  private double logLoss;
  private int n;
  private float[] scores;
  private short[] actual;

  /**
   * @param threshold with two classes: the event is predicted from this probability on; no part
   *     with more
   */
  ClassScores(int V, float threshold, int folds) {
    if (V < 2 || V > Short.MAX_VALUE) {
      throw new IllegalArgumentException("V is %d, must be in [2, 32767]".formatted(V));
    }
    this.V = V;
    this.decision = new Decision(V, threshold);
    this.folds = new Confusion[folds];
    Arrays.setAll(this.folds, f -> new Confusion(V));
    this.scores = new float[1024 * kept()];
    this.actual = new short[1024];
  }

  /** Whether so many classes are ranked, and their confusion matrix is given. */
  static boolean isInFull(int classes) {
    return classes <= MOST_IN_FULL;
  }

  /** Scores of a window that are kept. */
  private int kept() {
    return isInFull(V) ? V : 0;
  }

  /**
   * @param probabilities (…, V) from {@code offset}
   */
  void add(String series, int fold, int actualClass, float[] probabilities, int offset) {
    if (n == actual.length) {
      actual = Arrays.copyOf(actual, 2 * n);
      scores = Arrays.copyOf(scores, Math.multiplyExact(2 * n, kept()));
    }
    System.arraycopy(probabilities, offset, scores, n * kept(), kept());
    actual[n++] = (short) actualClass;
    int predicted = decision.predicted(probabilities, offset);
    folds[fold].add(actualClass, predicted, 1);
    bySeries.computeIfAbsent(series, s -> new Confusion(V)).add(actualClass, predicted, 1);
    int best = mostProbable(probabilities, offset);
    reliability.add(probabilities[offset + best], best == actualClass);
    logLoss -= Math.log(Math.max(LEAST_PROBABILITY, probabilities[offset + actualClass]));
  }

  /** Of two classes, too: whatever the threshold. */
  private int mostProbable(float[] probabilities, int offset) {
    int best = 0;
    for (int v = 1; v < V; v++) {
      best = probabilities[offset + v] > probabilities[offset + best] ? v : best;
    }
    return best;
  }

  ClassScores merge(ClassScores other) {
    for (int f = 0; f < folds.length; f++) {
      folds[f].merge(other.folds[f]);
    }
    other.bySeries.forEach(
        (series, counts) -> bySeries.computeIfAbsent(series, s -> new Confusion(V)).merge(counts));
    reliability.merge(other.reliability);
    logLoss += other.logLoss;
    int total = Math.addExact(n, other.n);
    actual = Arrays.copyOf(actual, Math.max(total, 1));
    scores = Arrays.copyOf(scores, Math.multiplyExact(Math.max(total, 1), kept()));
    System.arraycopy(other.actual, 0, actual, n, other.n);
    System.arraycopy(other.scores, 0, scores, n * kept(), other.n * kept());
    n = total;
    return this;
  }

  int count() {
    return n;
  }

  /** All metrics over all windows. */
  Map<Metric, Double> metrics() {
    Map<Metric, Double> metrics = confusion().metrics();
    if (n > 0) {
      metrics.put(Metric.LOG_LOSS, logLoss / n);
    }
    double auc = isInFull(V) ? rocAuc() : Double.NaN;
    if (Double.isFinite(auc)) {
      metrics.put(Metric.ROC_AUC, auc);
      metrics.put(Metric.PR_AUC, prAuc());
    }
    return metrics;
  }

  /** Of all folds. */
  Confusion confusion() {
    var sum = new Confusion(V);
    for (Confusion fold : folds) {
      sum.merge(fold);
    }
    return sum;
  }

  Confusion fold(int fold) {
    return folds[fold];
  }

  TreeMap<String, Confusion> bySeries() {
    return bySeries;
  }

  /** Whether it is right as often as it says. */
  Reliability reliability() {
    return reliability;
  }

  /** NaN where a class has no window or all windows. */
  double rocAuc() {
    return V == 2 ? rocAuc(1) : meanOverClasses(this::rocAuc);
  }

  private double prAuc() {
    return V == 2 ? averagePrecision(1) : meanOverClasses(this::averagePrecision);
  }

  /** Over the classes it is known for. */
  private double meanOverClasses(IntToDoubleFunction metric) {
    return IntStream.range(0, V)
        .mapToDouble(metric)
        .filter(Double::isFinite)
        .average()
        .orElse(Double.NaN);
  }

  private double rocAuc(int v) {
    double positives = 0;
    for (int i = 0; i < n; i++) {
      positives += actual[i] == v ? 1 : 0;
    }
    double negatives = n - positives;
    if (positives == 0 || negatives == 0) {
      return Double.NaN;
    }
    double[] ranks = new NaturalRanking(NaNStrategy.FAILED, TiesStrategy.AVERAGE).rank(scoresOf(v));
    double rankSum = 0;
    for (int i = 0; i < n; i++) {
      rankSum += actual[i] == v ? ranks[i] : 0;
    }
    return (rankSum - positives * (positives + 1) / 2) / (positives * negatives);
  }

  private double[] scoresOf(int v) {
    var of = new double[n];
    for (int i = 0; i < n; i++) {
      of[i] = scores[i * V + v];
    }
    return of;
  }

  /** Of class v against the rest. */
  EventScores eventScores(int v) {
    var of = new EventScores();
    for (int i = 0; i < n; i++) {
      of.add(scores[i * V + v], actual[i] == v);
    }
    return of;
  }

  private double averagePrecision(int v) {
    EventScores of = eventScores(v);
    if (!of.hasBoth()) {
      return Double.NaN;
    }
    var sum = new AveragePrecision();
    of.descend(sum);
    return sum.total / of.events();
  }

  private static final class AveragePrecision implements EventScores.Cut {
    private long foundBefore;
    private double total;

    @Override
    public void at(float score, long found, long falseAlarms) {
      total += (double) (found - foundBefore) * found / (found + falseAlarms);
      foundBefore = found;
    }
  }

  /**
   * Points (false-alarm rate, recall, precision) of the second of two classes as the threshold
   * falls over all scores, thinned to at most {@code most} points.
   */
  List<double[]> curve(int most) {
    EventScores of = eventScores(1);
    var points = new ArrayList<double[]>();
    if (!of.hasBoth()) {
      return points;
    }
    points.add(new double[] {0, 0, 1});
    of.descend(
        (score, found, falseAlarms) ->
            points.add(
                new double[] {
                  (double) falseAlarms / of.others(),
                  (double) found / of.events(),
                  (double) found / (found + falseAlarms)
                }));
    if (points.size() <= most) {
      return points;
    }
    var thinned = new ArrayList<double[]>();
    for (int i = 0; i < most; i++) {
      thinned.add(points.get((int) Math.round((double) i * (points.size() - 1) / (most - 1))));
    }
    return thinned;
  }

  /**
   * @param threshold of the second class; null with more than two
   */
  EvaluationReport.ClassDetail detail(List<String> names, Double threshold) {
    Confusion confusion = confusion();
    long[] present = confusion.present();
    List<Map<Metric, Double>> classes = confusion.byClass();
    var perClass = new ArrayList<EvaluationReport.Row>();
    for (int v = 0; v < V; v++) {
      perClass.add(TargetPass.row(names.get(v), present[v], classes.get(v)));
    }
    List<double[]> curve = V == 2 ? curve(CURVE_POINTS) : List.of();
    return new EvaluationReport.ClassDetail(
        names,
        isInFull(V) ? confusion.matrix() : List.of(),
        curve.stream().map(p -> List.of(p[0], p[1])).toList(),
        curve.stream().map(p -> List.of(p[1], p[2])).toList(),
        perClass,
        reliability.bins(),
        threshold);
  }
}
