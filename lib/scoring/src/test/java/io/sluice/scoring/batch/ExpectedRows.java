package io.sluice.scoring.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.scoring.batch.RawSeries.Gaps;
import io.sluice.scoring.bundle.Decision;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.bundle.PredictionInterval;
import io.sluice.scoring.bundle.Predictions;
import io.sluice.scoring.bundle.Predictor;
import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowEncoder;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * The rows a table must hold: windows cut by {@link RawSeries}, predicted one at a time by the
 * bundle's predictor in this JVM.
 */
final class ExpectedRows {
  /** The numbers and the class of one row; NaN where the row has none. */
  private record Values(
      float prediction, float lower, float upper, List<Float> probabilities, String predicted) {}

  private final ModelBundle bundle;
  private final TimeAxis.Type time;
  private final double interval;
  private final Decision decision;
  private final Map<String, Values> byKey = new TreeMap<>();
  private long windows;

  private ExpectedRows(ModelBundle bundle, double interval) {
    this.bundle = bundle;
    this.time = bundle.contract().time().type();
    this.interval = interval;
    this.decision = bundle.decision("score.threshold", Optional.empty());
  }

  /**
   * @param interval share of actual values the interval should hold
   * @param isWanted of the steps of a series, which may be an origin
   */
  static ExpectedRows of(
      ModelBundle bundle,
      List<RawSeries> input,
      Gaps gaps,
      double interval,
      Predicate<Instant> isWanted) {
    var expected = new ExpectedRows(bundle, interval);
    Predictor predictor = bundle.newPredictor();
    for (RawSeries series : input) {
      for (int n = 0; n < series.steps(); n++) {
        if (isWanted.test(series.time(n))) {
          series
              .window(bundle.contract(), n, gaps)
              .ifPresent(window -> expected.predict(predictor, window));
        }
      }
    }
    return expected;
  }

  long windows() {
    return windows;
  }

  int rows() {
    return byKey.size();
  }

  private void predict(Predictor predictor, Segment window) {
    var encoder = new WindowEncoder(bundle.contract());
    WindowBatch batch = encoder.newBatch(1);
    encoder.begin(batch, 1);
    encoder.encode(window, window.origins()[0], batch, 0);
    Predictions predicted = predictor.predict(batch);
    Optional<PredictionInterval> bounds = predictor.interval(predicted, interval);
    String origin = window.series() + " " + window.times()[window.origins()[0]];
    windows++;
    var target = bundle.contract().target();
    switch (target.type()) {
      case FORECAST -> {
        int K = target.channels().size();
        for (int h = 0; h < bundle.contract().horizon(); h++) {
          for (int k = 0; k < K; k++) {
            int j = h * K + k;
            byKey.put(
                "%s %d %s".formatted(origin, h + 1, target.channels().get(k)),
                new Values(
                    predicted.point(0, h, k),
                    bounds.map(b -> b.lower()[j]).orElse(Float.NaN),
                    bounds.map(b -> b.upper()[j]).orElse(Float.NaN),
                    null,
                    null));
          }
        }
      }
      case REMAINING_LIFE ->
          byKey.put(
              origin + " 0 remaining-life",
              new Values(
                  predicted.point(0, 0, 0),
                  bounds.map(b -> b.lower()[0]).orElse(Float.NaN),
                  bounds.map(b -> b.upper()[0]).orElse(Float.NaN),
                  null,
                  null));
      case CLASS, EVENT -> {
        var probabilities = new ArrayList<Float>();
        for (float probability : predicted.probabilities()) {
          probabilities.add(probability);
        }
        byKey.put(
            origin + " 0 " + target.type().name().toLowerCase(java.util.Locale.ROOT),
            new Values(
                Float.NaN,
                Float.NaN,
                Float.NaN,
                probabilities,
                predicted.classes().get(decision.predicted(predicted.probabilities(), 0))));
      }
    }
  }

  /** Holds every row of the table to these, and the other way round. */
  void assertEqualTo(Dataset<Row> table) {
    List<Row> rows = table.collectAsList();
    assertThat(rows.stream().map(this::key).toList())
        .doesNotHaveDuplicates()
        .containsExactlyInAnyOrderElementsOf(byKey.keySet());
    for (Row row : rows) {
      String key = key(row);
      Values expected = byKey.get(key);
      assertClose(key, row, "prediction", expected.prediction());
      assertClose(key, row, "lower", expected.lower());
      assertClose(key, row, "upper", expected.upper());
      assertThat(row.<String>getAs("predicted_class")).as(key).isEqualTo(expected.predicted());
      assertProbabilities(key, row, expected.probabilities());
    }
  }

  private static void assertProbabilities(String key, Row row, List<Float> expected) {
    if (expected == null) {
      assertThat(row.isNullAt(row.fieldIndex("class_probabilities"))).as(key).isTrue();
      return;
    }
    List<Float> found = row.getList(row.fieldIndex("class_probabilities"));
    assertThat(found).as(key).hasSameSizeAs(expected);
    for (int v = 0; v < found.size(); v++) {
      assertThat(found.get(v)).as(key).isCloseTo(expected.get(v), within(1e-6f));
    }
  }

  private static void assertClose(String key, Row row, String column, float expected) {
    if (Float.isNaN(expected)) {
      assertThat(row.isNullAt(row.fieldIndex(column))).as(key + " " + column).isTrue();
    } else {
      assertThat(row.<Float>getAs(column))
          .as(key + " " + column)
          .isCloseTo(expected, within(2e-6f * Math.max(1, Math.abs(expected))));
    }
  }

  private String key(Row row) {
    Object origin = row.getAs("origin");
    long ticks =
        time == TimeAxis.Type.ORDINAL
            ? (Long) origin
            : PredictionsSchema.ticks(((Timestamp) origin).toInstant());
    return "%s %d %d %s"
        .formatted(
            row.getAs("series"), ticks, row.<Integer>getAs("horizon_step"), row.getAs("target"));
  }
}
