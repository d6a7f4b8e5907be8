package io.sluice.scoring.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.scoring.SparkExtension;
import io.sluice.scoring.bundle.AlarmThreshold;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.mllib.evaluation.BinaryClassificationMetrics;
import org.apache.spark.mllib.evaluation.MulticlassMetrics;
import org.junit.jupiter.api.Test;
import scala.Tuple2;

class ClassScoresTest {

  @Test
  void alarmsEqualHandComputedValues() {
    ClassScores scores =
        binary(
            new int[] {1, 1, 1, 0, 0, 0, 0, 0},
            new double[] {0.9, 0.6, 0.2, 0.7, 0.3, 0.1, 0.2, 0.4});

    Map<Metric, Double> metrics = scores.metrics();

    // TP 2, FN 1, FP 1, TN 4
    assertThat(scores.confusion().matrix()).containsExactly(List.of(4L, 1L), List.of(1L, 2L));
    assertValue(metrics, Metric.ACCURACY, 6 / 8.0);
    assertValue(metrics, Metric.PRECISION, 2 / 3.0);
    assertValue(metrics, Metric.RECALL, 2 / 3.0);
    assertValue(metrics, Metric.F1, 4 / 6.0);
    assertValue(metrics, Metric.FALSE_ALARM_RATE, 1 / 5.0);
    assertValue(metrics, Metric.MISSED_ALARM_RATE, 1 / 3.0);
    // pairs won of 15: 0.9 beats 5, 0.6 beats 4, 0.2 beats 1 and ties 1
    assertValue(metrics, Metric.ROC_AUC, (5 + 4 + 1.5) / 15);
  }

  @Test
  void flaggingEveryWindowHasFullRecallAndFullFalseAlarms() {
    ClassScores scores = binary(new int[] {1, 0, 1, 0}, new double[] {1, 1, 1, 1});

    assertValue(scores.metrics(), Metric.RECALL, 1);
    assertValue(scores.metrics(), Metric.FALSE_ALARM_RATE, 1);
    assertValue(scores.metrics(), Metric.ROC_AUC, 0.5);
  }

  @Test
  void oneClassAloneHasNoAucAndNoRatioOfNothing() {
    ClassScores scores = binary(new int[] {0, 0}, new double[] {0.1, 0.2});

    assertThat(scores.metrics())
        .doesNotContainKeys(Metric.ROC_AUC, Metric.RECALL, Metric.PRECISION, Metric.F1);
    assertThat(scores.curve(10)).isEmpty();
  }

  @Test
  void logLossIsHandComputed() {
    ClassScores scores = binary(new int[] {1, 0}, new double[] {0.5, 0.75});

    // float32 probabilities
    assertThat(scores.metrics().get(Metric.LOG_LOSS))
        .isCloseTo(-(Math.log(0.5) + Math.log(0.25)) / 2, within(1e-7));
  }

  @Test
  void calibrationErrorIsHandComputed() {
    // confidences 0.9 and 0.6, both right; 0.65, wrong, in the bin of 0.6
    ClassScores scores = binary(new int[] {1, 0, 1}, new double[] {0.9, 0.4, 0.35});

    assertThat(scores.reliability().error())
        .isCloseTo((Math.abs(1 - 0.9) + Math.abs(1 - 0.6 - 0.65)) / 3, within(1e-7));
    List<EvaluationReport.ReliabilityBin> bins =
        scores.detail(List.of("no", "yes"), null).reliability();
    assertThat(bins).hasSize(2);
    assertThat(bins.get(0).from()).isEqualTo(0.6);
    assertThat(bins.get(0).to()).isEqualTo(0.7);
    assertThat(bins.get(0).count()).isEqualTo(2);
    assertThat(bins.get(0).confidence()).isCloseTo((0.6 + 0.65) / 2, within(1e-7));
    assertThat(bins.get(0).accuracy()).isEqualTo(0.5);
    assertThat(bins.get(1).accuracy()).isEqualTo(1);
  }

  /** Class v is said to be class v or, every fifth time, class v + 1. */
  @Test
  void tenThousandClassesAreCountedWithoutTheirSquare() {
    int V = 10_000;
    var scores = new ClassScores(V, Float.NaN, 1);
    var part = new ClassScores(V, Float.NaN, 1);
    var probabilities = new float[V];
    for (int i = 0; i < 2000; i++) {
      int actual = i % 200 * 50;
      int predicted = i % 5 == 0 ? actual + 1 : actual;
      probabilities[predicted] = 0.75f;
      (i < 700 ? scores : part).add("s", 0, actual, probabilities, 0);
      probabilities[predicted] = 0;
    }
    scores.merge(part);

    assertValue(scores.metrics(), Metric.ACCURACY, 0.8);
    // 40 classes are always taken for their next: 0, and so are these; 160 are always right
    assertValue(scores.metrics(), Metric.RECALL, 160 / 200.0);
    assertValue(scores.metrics(), Metric.F1, 160 / 240.0);
    assertThat(scores.metrics()).doesNotContainKeys(Metric.ROC_AUC, Metric.PR_AUC);
    assertThat(scores.reliability().error()).isCloseTo(0.05, within(1e-9));
    var names = IntStream.range(0, V).mapToObj(Integer::toString).toList();
    EvaluationReport.ClassDetail detail = scores.detail(names, null);
    assertThat(detail.confusion()).isEmpty();
    assertThat(detail.perClass()).hasSize(V);
    assertThat(detail.perClass().get(50).count()).isEqualTo(10);
    assertThat(detail.perClass().get(50).metrics()).containsEntry("recall", 1.0);
    assertThat(detail.perClass().get(2).metrics()).isEmpty();
  }

  @Test
  void anAlarmIsRaisedFromTheThresholdOn() {
    var scores = new ClassScores(2, 0.3f, 1);
    for (float p : new float[] {0.29f, 0.3f, 0.31f}) {
      scores.add("s", 0, 1, new float[] {1 - p, p}, 0);
    }

    assertThat(scores.confusion().matrix()).containsExactly(List.of(0L, 0L), List.of(1L, 2L));
  }

  @Test
  void rareEventsThatAreRankedWellHaveAnF1AtTheBestThresholdWhereOneHalfFindsNone() {
    double[] score = {0.30, 0.02, 0.25, 0.01, 0.03, 0.20, 0.05, 0.01};
    int[] label = {1, 0, 1, 0, 0, 0, 0, 0};
    ClassScores atHalf = binary(label, score);

    double threshold = bestThreshold(atHalf).orElseThrow();

    assertValue(atHalf.metrics(), Metric.F1, 0);
    assertThat(threshold).isBetween(0.20, 0.25);
    var atBest = new ClassScores(2, (float) threshold, 1);
    for (int i = 0; i < score.length; i++) {
      atBest.add("s", 0, label[i], new float[] {(float) (1 - score[i]), (float) score[i]}, 0);
    }
    assertValue(atBest.metrics(), Metric.F1, 1);
    assertValue(atBest.metrics(), Metric.FALSE_ALARM_RATE, 0);
  }

  @Test
  void noThresholdIsBestWhereOneClassIsAbsent() {
    assertThat(bestThreshold(binary(new int[] {0, 0}, new double[] {0.1, 0.2}))).isEmpty();
  }

  @Test
  void bestThresholdAndAveragePrecisionEqualTryingEveryThreshold() {
    var random = new Random(5);
    var label = new int[300];
    var score = new double[300];
    for (int i = 0; i < label.length; i++) {
      label[i] = random.nextInt(8) == 0 ? 1 : 0;
      score[i] =
          Math.round(100 * (0.2 * label[i] + 0.6 * random.nextDouble())) / 100.0; // with ties
    }
    ClassScores scores = binary(label, score);

    double bestF1 = -1;
    double bestThreshold = 0;
    double averagePrecision = 0;
    double recallBefore = 0;
    for (int t = 100; t >= 0; t--) {
      int tp = 0;
      int fp = 0;
      int positives = 0;
      for (int i = 0; i < label.length; i++) {
        positives += label[i];
        if ((float) score[i] >= (float) (t / 100.0)) {
          tp += label[i];
          fp += 1 - label[i];
        }
      }
      double recall = (double) tp / positives;
      if (tp + fp > 0) {
        averagePrecision += (recall - recallBefore) * tp / (tp + fp);
      }
      recallBefore = recall;
      double f1 = 2.0 * tp / (tp + fp + positives);
      if (f1 > bestF1) {
        bestF1 = f1;
        bestThreshold = t / 100.0;
      }
    }

    assertThat(bestThreshold(scores).orElseThrow())
        .isBetween((float) (bestThreshold - 0.01), (float) bestThreshold);
    assertValue(scores.metrics(), Metric.PR_AUC, averagePrecision);
  }

  private static Optional<Float> bestThreshold(ClassScores scores) {
    return AlarmThreshold.choose(scores.eventScores(1), Optional.empty())
        .map(AlarmThreshold::value);
  }

  @Test
  void theRocCurveRunsFromCornerToCornerWithoutStepsInsideTies() {
    ClassScores scores = binary(new int[] {1, 0, 1, 0}, new double[] {0.9, 0.5, 0.5, 0.1});

    List<double[]> curve = scores.curve(100);

    assertThat(curve).hasSize(4);
    assertThat(curve.get(0)).containsExactly(0, 0, 1);
    assertThat(curve.get(1)).containsExactly(0, 0.5, 1);
    assertThat(curve.get(2)).containsExactly(0.5, 1, 2 / 3.0);
    assertThat(curve.get(3)).containsExactly(1, 1, 0.5);
    assertThat(scores.curve(2)).hasSize(2);
  }

  @Test
  void agreesWithSparkMllibOnScoresWithTiesAndThreeClasses() {
    var random = new Random(23);
    var scores = new ClassScores(2, 0.5f, 1);
    var three = new ClassScores(3, Float.NaN, 2);
    var threeParts = new ClassScores(3, Float.NaN, 2);
    var pairs = new ArrayList<Tuple2<Object, Object>>();
    var triples = new ArrayList<Tuple2<Object, Object>>();
    for (int i = 0; i < 5000; i++) {
      int label = random.nextInt(4) == 0 ? 1 : 0;
      // a few levels only, so there are many ties
      float score = Math.min(9, random.nextInt(8) + 2 * label) / 10f;
      scores.add("s", 0, label, new float[] {1 - score, score}, 0);
      pairs.add(new Tuple2<>((double) score, (double) label));
      int actual = random.nextInt(3);
      int predicted = random.nextInt(3) == 0 ? random.nextInt(3) : actual;
      var probabilities = new float[] {0.2f, 0.2f, 0.2f};
      probabilities[predicted] = 0.6f;
      (i < 2000 ? three : threeParts).add("s", i % 2, actual, probabilities, 0);
      triples.add(new Tuple2<>((double) predicted, (double) actual));
    }
    three.merge(threeParts);

    var context = JavaSparkContext.fromSparkContext(SparkExtension.session().sparkContext());
    var judge = new BinaryClassificationMetrics(context.parallelize(pairs, 2).rdd());
    var classes = new MulticlassMetrics(context.parallelize(triples, 2).rdd());

    assertThat(scores.metrics().get(Metric.ROC_AUC)).isCloseTo(judge.areaUnderROC(), within(1e-9));
    assertValue(three.metrics(), Metric.ACCURACY, classes.accuracy());
    double f1 = (classes.fMeasure(0) + classes.fMeasure(1) + classes.fMeasure(2)) / 3;
    assertThat(three.metrics().get(Metric.F1)).isCloseTo(f1, within(1e-12));
    double recall = (classes.recall(0) + classes.recall(1) + classes.recall(2)) / 3;
    assertThat(three.metrics().get(Metric.RECALL)).isCloseTo(recall, within(1e-12));
  }

  private static ClassScores binary(int[] labels, double[] scores) {
    var sums = new ClassScores(2, 0.5f, 1);
    for (int i = 0; i < labels.length; i++) {
      sums.add("s", 0, labels[i], new float[] {(float) (1 - scores[i]), (float) scores[i]}, 0);
    }
    return sums;
  }

  private static void assertValue(Map<Metric, Double> metrics, Metric metric, double expected) {
    assertThat(metrics.get(metric)).as(metric.label()).isCloseTo(expected, within(1e-12));
  }
}
