package io.sluice.scoring.evaluation;

import io.sluice.scoring.baseline.BaselineKind;
import io.sluice.scoring.baseline.NaiveForecast;
import io.sluice.scoring.baseline.NaiveScale;
import io.sluice.scoring.baseline.SeriesHistory;
import io.sluice.scoring.baseline.SeriesValues;
import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.WindowContract;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Gathers a model's forecasts and those of the naive baselines on the same values. */
final class ForecastPass extends TargetPass {
  private static final long serialVersionUID = 1L;
  private static final double MEDIAN = 0.5;

  private final Plan plan;
  private final ForecastScores model;
  private final EnumMap<BaselineKind, Comparison> baselines = new EnumMap<>(BaselineKind.class);
  private final ErrorHistogram[] errors;
  private final Tracks tracks;
  private final List<Sample> samples = new ArrayList<>();
  private transient Map<String, SeriesValues> history;
  private transient Map<String, SeriesFacts> facts;

  /**
   * What every task needs to know.
   *
   * @param channels indices of the target channels among the stored ones
   * @param seasons steps a season of each seasonal baseline that is available
   * @param naive baselines that are computed here, last value among them
   * @param scale of MASE
   * @param folds of the backtest
   * @param interval probability of the interval
   * @param sampling which windows are kept for the ARIMA
   */
  record Plan(
      WindowContract contract,
      int[] channels,
      Map<BaselineKind, Integer> seasons,
      List<BaselineKind> naive,
      NaiveScale scale,
      FoldPlan folds,
      double interval,
      Sampling sampling)
      implements Serializable {
    int H() {
      return contract.horizon();
    }

    int K() {
      return channels.length;
    }

    /** The longest history that a baseline needs before a part's first row. */
    int lag() {
      return seasons.values().stream().mapToInt(s -> s).max().orElse(0);
    }
  }

  /** Evenly spaced windows: {@code wanted} out of {@code windows}. */
  record Sampling(long windows, int wanted) implements Serializable {
    boolean takes(long index) {
      if (wanted >= windows) {
        return wanted > 0;
      }
      // the first index of each of `wanted` equal blocks
      return wanted > 0
          && (index == 0
              || Math.floorDiv(index * wanted, windows)
                  > Math.floorDiv((index - 1) * wanted, windows));
    }
  }

  /** A baseline's errors, and the model's on the very same values. */
  static final class Comparison implements Serializable {
    private static final long serialVersionUID = 1L;
    final ForecastScores baseline;
    final ForecastScores model;

    Comparison(int H, int K, int folds) {
      baseline = new ForecastScores(H, K, folds);
      model = new ForecastScores(H, K, folds);
    }

    Comparison merge(Comparison other) {
      baseline.merge(other.baseline);
      model.merge(other.model);
      return this;
    }
  }

  /**
   * A window kept for the ARIMA.
   *
   * @param actual (H·K) NaN where unknown
   * @param predicted (H·K) by the model
   */
  record Sample(String series, long originStep, int fold, float[] actual, float[] predicted)
      implements Serializable {}

  private record SeriesFacts(double[] scales, double[] naive) {}

  ForecastPass(Plan plan, Tracks tracks) {
    this.plan = plan;
    this.tracks = tracks;
    this.model = new ForecastScores(plan.H(), plan.K(), plan.folds().folds());
    this.errors = new ErrorHistogram[plan.K()];
    for (int k = 0; k < plan.K(); k++) {
      errors[k] = new ErrorHistogram();
    }
    for (BaselineKind kind : plan.naive()) {
      baselines.put(kind, new Comparison(plan.H(), plan.K(), plan.folds().folds()));
    }
  }

  @Override
  void startPart(Part part, SeriesHistory reader) {
    facts = new HashMap<>();
    history = plan.naive().isEmpty() ? Map.of() : reader.own(part);
    if (plan.lag() > 0) {
      reader
          .others(part, reader.spans(part), plan.lag(), false)
          .forEach((series, values) -> history.get(series).merge(values));
    }
  }

  @Override
  int addWindow(Window window, long index, WindowModel.Output output, int b) {
    int H = plan.H();
    int K = plan.K();
    long originTime = window.originTime();
    long stepTicks = plan.contract().time().stepTicks();
    int fold = plan.folds().of(originTime);
    SeriesFacts scale = facts.computeIfAbsent(window.series(), this::factsOf);
    float[] actual = actual(window.segment(), window.origin());
    int missing = 0;
    for (int h = 0; h < H; h++) {
      for (int k = 0; k < K; k++) {
        int j = h * K + k;
        double y = actual[j];
        if (Double.isNaN(y)) {
          missing++;
          continue;
        }
        double predicted = output.point()[b * H * K + j];
        ForecastScores.Places places = model.at(window.series(), fold, h, k);
        places.add(y, predicted, scale.scales()[k], scale.naive()[k]);
        addUncertainty(places, y, output, b * H * K + j);
        errors[k].add((predicted - y) / scale.scales()[k]);
        for (Map.Entry<BaselineKind, Comparison> entry : baselines.entrySet()) {
          double other =
              naive(
                  entry.getKey(), window.series(), k, Math.floorDiv(originTime, stepTicks), h + 1);
          if (!Double.isNaN(other)) {
            compare(entry.getValue(), window.series(), fold, h, k, y, predicted, other, scale);
          }
        }
      }
    }
    if (plan.sampling().takes(index)) {
      samples.add(
          new Sample(
              window.series(),
              Math.floorDiv(originTime, stepTicks),
              fold,
              actual,
              slice(output.point(), b, H * K)));
    }
    if (tracks.wants(window.series(), originTime)) {
      track(window, originTime, stepTicks, actual, output, b);
    }
    return missing;
  }

  private static void compare(
      Comparison comparison,
      String series,
      int fold,
      int h,
      int k,
      double y,
      double predicted,
      double other,
      SeriesFacts scale) {
    comparison.baseline.at(series, fold, h, k).add(y, other, scale.scales()[k], scale.naive()[k]);
    comparison.model.at(series, fold, h, k).add(y, predicted, scale.scales()[k], scale.naive()[k]);
  }

  private void addUncertainty(
      ForecastScores.Places places, double y, WindowModel.Output output, int at) {
    if (output.lower() != null) {
      places.addInterval(y, output.lower()[at], output.upper()[at]);
    }
    if (output.quantiles() != null) {
      int Q = output.levels().size();
      for (int q = 0; q < Q; q++) {
        places.addQuantile(output.levels().get(q), y, output.quantiles()[at * Q + q]);
      }
    } else if (output.lower() != null) {
      double tail = (1 - plan.interval()) / 2;
      places.addQuantile(tail, y, output.lower()[at]);
      places.addQuantile(MEDIAN, y, output.point()[at]);
      places.addQuantile(1 - tail, y, output.upper()[at]);
    }
  }

  private float naive(BaselineKind kind, String series, int k, long origin, int h) {
    SeriesValues values = history.get(series);
    return switch (kind) {
      case LAST_VALUE -> NaiveForecast.lastValue(values, k, origin, plan.contract().lookBack());
      case SEASONAL_NAIVE_DAILY, SEASONAL_NAIVE_WEEKLY ->
          NaiveForecast.seasonal(values, k, origin, h, plan.seasons().get(kind));
      case ARIMA, MAJORITY_CLASS, ALWAYS_ALARM, LOGISTIC_REGRESSION, TRAIN_MEAN, UNIFORM, UNIGRAM ->
          throw new IllegalArgumentException(kind.label() + " is not a naive forecast");
    };
  }

  /** (H·K) values after the origin. */
  private float[] actual(Segment segment, int origin) {
    var actual = new float[plan.H() * plan.K()];
    for (int h = 0; h < plan.H(); h++) {
      for (int k = 0; k < plan.K(); k++) {
        actual[h * plan.K() + k] = segment.values()[plan.channels()[k]][origin + 1 + h];
      }
    }
    return actual;
  }

  private void track(
      Window window,
      long originTime,
      long stepTicks,
      float[] actual,
      WindowModel.Output output,
      int b) {
    var times = new long[plan.H()];
    for (int h = 0; h < times.length; h++) {
      times[h] = originTime + (h + 1) * stepTicks;
    }
    int J = plan.H() * plan.K();
    tracks.add(
        window.series(),
        new Tracks.Piece(
            originTime,
            times,
            actual,
            slice(output.point(), b, J),
            slice(output.lower(), b, J),
            slice(output.upper(), b, J)));
  }

  private static float[] slice(float[] values, int b, int J) {
    return values == null ? null : java.util.Arrays.copyOfRange(values, b * J, (b + 1) * J);
  }

  private SeriesFacts factsOf(String series) {
    var scales = new double[plan.K()];
    for (int k = 0; k < plan.K(); k++) {
      scales[k] =
          plan.contract().scaling().of(series, plan.contract().target().channels().get(k)).scale();
    }
    return new SeriesFacts(scales, plan.scale().of(series));
  }

  /**
   * Compares the ARIMA's forecasts of kept windows; {@code forecasts} (samples, H·K), NaN = none.
   */
  Comparison compareSamples(double[][] forecasts) {
    facts = new HashMap<>();
    var comparison = new Comparison(plan.H(), plan.K(), plan.folds().folds());
    for (int i = 0; i < samples.size(); i++) {
      Sample sample = samples.get(i);
      SeriesFacts scale = facts.computeIfAbsent(sample.series(), this::factsOf);
      for (int j = 0; j < sample.actual().length; j++) {
        double y = sample.actual()[j];
        double other = forecasts[i][j];
        if (!Double.isNaN(y) && !Double.isNaN(other)) {
          compare(
              comparison,
              sample.series(),
              sample.fold(),
              j / plan.K(),
              j % plan.K(),
              y,
              sample.predicted()[j],
              other,
              scale);
        }
      }
    }
    return comparison;
  }

  @Override
  TargetPass merge(TargetPass other) {
    super.merge(other);
    var theirs = (ForecastPass) other;
    model.merge(theirs.model);
    theirs.baselines.forEach(
        (kind, comparison) -> baselines.merge(kind, comparison, Comparison::merge));
    for (int k = 0; k < errors.length; k++) {
      errors[k].merge(theirs.errors[k]);
    }
    tracks.merge(theirs.tracks);
    samples.addAll(theirs.samples);
    return this;
  }

  @Override
  long series() {
    return model.bySeries().size();
  }

  @Override
  Map<Metric, Double> metrics() {
    return model.overall().metrics();
  }

  @Override
  List<EvaluationReport.Row> bySeries() {
    return model.bySeries().entrySet().stream()
        .map(e -> row(e.getKey(), e.getValue().count(), e.getValue().metrics()))
        .toList();
  }

  @Override
  List<EvaluationReport.Row> folds(List<String> names) {
    var rows = new ArrayList<EvaluationReport.Row>();
    for (int f = 0; f < names.size(); f++) {
      rows.add(row(names.get(f), model.fold(f).count(), model.fold(f).metrics()));
    }
    return rows;
  }

  @Override
  Tracks tracks() {
    return tracks;
  }

  ForecastScores model() {
    return model;
  }

  Map<BaselineKind, Comparison> baselines() {
    return baselines;
  }

  List<Sample> samples() {
    return samples;
  }

  List<EvaluationReport.Histogram> histograms() {
    var histograms = new ArrayList<EvaluationReport.Histogram>();
    for (int k = 0; k < errors.length; k++) {
      histograms.add(
          errors[k].report(
              plan.contract().target().channels().get(k), "scaled error, predicted − actual"));
    }
    return histograms;
  }
}
