package io.sluice.scoring.evaluation;

import io.sluice.scoring.baseline.BaselineKind;
import io.sluice.scoring.baseline.LastStepLogistic;
import io.sluice.scoring.baseline.NaiveScale;
import io.sluice.scoring.baseline.Season;
import io.sluice.scoring.baseline.SeriesHistory;
import io.sluice.scoring.bundle.AlarmThreshold;
import io.sluice.scoring.evaluation.EvaluationReport.BaselineRow;
import io.sluice.scoring.evaluation.EvaluationReport.ModelInfo;
import io.sluice.scoring.evaluation.EvaluationReport.Row;
import io.sluice.sequences.dataset.SequenceManifest.SplitSummary;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.dataset.WindowContract.TargetType;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One evaluation: the scale of MASE, then every window once, then ARIMA, then the report. */
final class EvaluationRun {
  private static final Logger LOG = LoggerFactory.getLogger(EvaluationRun.class);
  private static final int TRACK_POINTS = 600;
  private static final double MICROS = 1e6;

  private final Subject subject;
  private final EvaluateSettings settings;
  private final WindowContract contract;
  private final String intervalSource;
  private final int[] channels;
  private final WindowScan scan;
  private final LabelBaselines labelBaselines;
  private final Map<BaselineKind, Integer> seasons = new EnumMap<>(BaselineKind.class);
  private final Map<BaselineKind, String> unavailable = new EnumMap<>(BaselineKind.class);

  private Alarm alarm;
  private Alarm logisticAlarm;

  EvaluationRun(Subject subject, String intervalSource) {
    this.subject = subject;
    this.settings = subject.settings();
    this.contract = subject.contract();
    this.intervalSource = intervalSource;
    this.channels =
        contract.target().channels().stream().mapToInt(contract.channels()::indexOf).toArray();
    this.scan = new WindowScan(subject, channels);
    this.labelBaselines = new LabelBaselines(subject);
  }

  TargetPass pass(SplitSummary summary) {
    FoldPlan folds = foldPlan(summary);
    Tracks tracks = emptyTracks(summary);
    TargetPass empty =
        switch (contract.target().type()) {
          case FORECAST -> new ForecastPass(plan(summary, folds), tracks);
          case CLASS, EVENT -> new ClassPass(classPlan(folds), tracks);
          case REMAINING_LIFE -> new LifePass(contract, folds, tracks, labelBaselines.trainMean());
        };
    return scan.of(settings.split(), empty);
  }

  /** With two classes the alarm thresholds come first: given, published, or chosen. */
  private ClassPlan classPlan(FoldPlan folds) {
    LastStepLogistic logistic = labelBaselines.logistic().orElse(null);
    if (contract.target().classes().size() != 2) {
      return new ClassPlan(contract, Float.NaN, logistic, Float.NaN, folds);
    }
    alarm =
        settings
            .threshold()
            .map(Alarm::given)
            .or(() -> subject.published().map(Alarm::published))
            .orElse(null);
    if (alarm == null || logistic != null) {
      var one = new FoldPlan(0, 0, 1, 1);
      var nobody = new Tracks(0, 1, 1);
      var validation =
          (ClassPass)
              scan.of(
                  Split.VALIDATION,
                  new ClassPass(new ClassPlan(contract, 0, logistic, 0, one), nobody));
      if (alarm == null) {
        alarm = chosen(validation.scores());
      }
      if (logistic != null) {
        logisticAlarm = chosen(validation.logisticScores());
      }
    }
    return new ClassPlan(
        contract,
        alarm.threshold(),
        logistic,
        logisticAlarm == null ? Float.NaN : logisticAlarm.threshold(),
        folds);
  }

  /** On the validation windows, by the rule of the published one. */
  private Alarm chosen(ClassScores validation) {
    return Alarm.chosen(
        AlarmThreshold.choose(
            validation.eventScores(1), subject.published().map(AlarmThreshold::maxFalseAlarmRate)),
        settings.split());
  }

  private Tracks emptyTracks(SplitSummary summary) {
    int H = Math.max(1, contract.horizon());
    boolean isForecast = contract.target().type() == TargetType.FORECAST;
    long perSeries = Math.max(1, summary.windows() / Math.max(1, summary.series()));
    long step = contract.time().stepTicks();
    long apart =
        isForecast ? H * step : Math.max(1, perSeries / TRACK_POINTS) * contract.stride() * step;
    // thinned windows come out at between one and two times the points that were asked for
    int mostPieces = isForecast ? Math.max(1, TRACK_POINTS / H) : 2 * TRACK_POINTS;
    return new Tracks(settings.pageSeries(), mostPieces, apart);
  }

  private ForecastPass.Plan plan(SplitSummary summary, FoldPlan folds) {
    var naive = new ArrayList<BaselineKind>();
    for (BaselineKind kind : settings.baselines()) {
      switch (kind) {
        case LAST_VALUE -> naive.add(kind);
        case SEASONAL_NAIVE_DAILY -> seasonal(kind, Season.daily(contract.time()), "day", naive);
        case SEASONAL_NAIVE_WEEKLY -> seasonal(kind, Season.weekly(contract.time()), "week", naive);
        case ARIMA -> LOG.debug("ARIMA runs after the windows");
        case MAJORITY_CLASS, ALWAYS_ALARM, LOGISTIC_REGRESSION, TRAIN_MEAN ->
            LOG.debug("{} is for another target", kind.label());
      }
    }
    boolean withArima = settings.baselines().contains(BaselineKind.ARIMA);
    return new ForecastPass.Plan(
        contract,
        channels,
        seasons,
        List.copyOf(naive),
        naiveScale(),
        folds,
        settings.interval(),
        new ForecastPass.Sampling(
            summary.windows(), withArima ? settings.arima().maxWindows() : 0));
  }

  private void seasonal(
      BaselineKind kind, OptionalInt steps, String name, List<BaselineKind> naive) {
    if (steps.isPresent()) {
      seasons.put(kind, steps.getAsInt());
      naive.add(kind);
    } else {
      unavailable.put(
          kind,
          contract.time().type() == TimeAxis.Type.ORDINAL
              ? "not available: time is ordinal, so there is no " + name
              : "not available: a %s is no multiple of the grid step".formatted(name));
    }
  }

  private NaiveScale naiveScale() {
    int season = Season.daily(contract.time()).orElse(1);
    int K = channels.length;
    WindowSource.Opener opener = subject.source();
    int[] columns = channels;
    List<String> train = subject.paths(Split.TRAIN);
    return subject
        .workers()
        .<String, NaiveScale>run(
            "evaluate: scale of MASE",
            train,
            (items, hadoop) -> {
              WindowSource opened = opener.open(hadoop);
              var scale = new NaiveScale(K, season);
              SeriesHistory history =
                  WindowScan.history(opened, opened.parts(Split.TRAIN.label()), columns);
              while (items.hasNext()) {
                scale.add(opened.part(items.next()), history);
              }
              return scale;
            },
            NaiveScale::merge)
        .orElseGet(() -> new NaiveScale(K, season));
  }

  EvaluationReport report(
      TargetPass pass, SplitSummary summary, ModelInfo model, double secondsSoFar) {
    long start = System.nanoTime();
    Map<Metric, Double> metrics = pass.metrics();
    var notes = new Notes(contract, subject.manifest(), pass, metrics);
    List<BaselineRow> baselines = baselines(pass, foldNames(summary), notes);
    Map<String, Double> labelled = TargetPass.labelled(metrics);
    boolean hasInterval = metrics.containsKey(Metric.COVERAGE);
    var target =
        new EvaluationReport.TargetInfo(
            contract.target().type().name().toLowerCase(Locale.ROOT).replace('_', '-'),
            contract.target().channels(),
            contract.target().classes(),
            contract.lookBack(),
            contract.horizon(),
            contract.time().type() == TimeAxis.Type.TIMESTAMP
                ? contract.time().stepTicks() / MICROS
                : 0,
            hasInterval ? settings.interval() : 0,
            hasInterval ? intervalSource : null);
    var detail =
        pass instanceof ClassPass classes
            ? classes
                .scores()
                .detail(
                    contract.target().classes(), alarm == null ? null : (double) alarm.threshold())
            : null;
    var gate = settings.gate().map(g -> QualityGate.judge(g, labelled, baselines)).orElse(null);
    return new EvaluationReport(
        EvaluationReport.FORMAT,
        settings.name(),
        Instant.now().toString(),
        secondsSoFar + (System.nanoTime() - start) / 1e9,
        model,
        new EvaluationReport.DatasetInfo(
            settings.dataset(),
            settings.split().label(),
            pass.windows(),
            pass.series(),
            pass.missing(),
            shown(summary.firstOrigin()),
            shown(summary.lastOrigin())),
        target,
        labelled,
        meanings(metrics),
        notes.lines(),
        pass instanceof ForecastPass forecast ? BaselineRows.steps(forecast.model()) : List.of(),
        pass instanceof ForecastPass forecast ? byChannel(forecast.model()) : List.of(),
        pass.bySeries(),
        pass.folds(foldNames(summary)),
        baselines,
        detail,
        histograms(pass),
        pass.tracks().report(contract.time(), trackChannels(), pass instanceof ForecastPass),
        null,
        gate);
  }

  private static Map<String, String> meanings(Map<Metric, Double> metrics) {
    var meanings = new LinkedHashMap<String, String>();
    metrics.keySet().forEach(metric -> meanings.put(metric.label(), metric.meaning()));
    return meanings;
  }

  private List<String> trackChannels() {
    return switch (contract.target().type()) {
      case FORECAST -> contract.target().channels();
      case CLASS -> List.of("class");
      case EVENT -> List.of(contract.target().classes().get(1));
      case REMAINING_LIFE -> List.of("remaining life");
    };
  }

  private static List<EvaluationReport.Histogram> histograms(TargetPass pass) {
    if (pass instanceof ForecastPass forecast) {
      return forecast.histograms();
    }
    return pass instanceof LifePass life ? List.of(life.histogram()) : List.of();
  }

  private List<BaselineRow> baselines(TargetPass pass, List<String> folds, Notes notes) {
    if (alarm != null) {
      notes.add(alarm.sentence("The model"));
    }
    List<BaselineRow> rows;
    if (pass instanceof ForecastPass forecast) {
      rows = new BaselineRows(subject).of(forecast, unavailable, folds);
    } else if (pass instanceof ClassPass classes) {
      rows = labelBaselines.rows(classes, logisticAlarm, folds);
    } else {
      rows = labelBaselines.rows((LifePass) pass, folds);
    }
    labelBaselines.notes().forEach(notes::add);
    if (rows.isEmpty() && !settings.baselines().isEmpty()) {
      notes.add(
          "None of evaluate.baselines %s is for target %s."
              .formatted(
                  settings.baselines().stream().map(BaselineKind::label).toList(),
                  contract.target().type().name().toLowerCase(Locale.ROOT).replace('_', '-')));
    }
    return rows;
  }

  private List<Row> byChannel(ForecastScores scores) {
    var rows = new ArrayList<Row>();
    for (int k = 0; k < channels.length; k++) {
      ForecastSums channel = scores.channel(k);
      rows.add(
          TargetPass.row(contract.target().channels().get(k), channel.count(), channel.metrics()));
    }
    return rows;
  }

  private FoldPlan foldPlan(SplitSummary summary) {
    return new FoldPlan(
        summary.firstOrigin(),
        summary.lastOrigin(),
        contract.time().stepTicks(),
        settings.backtestFolds());
  }

  private List<String> foldNames(SplitSummary summary) {
    FoldPlan plan = foldPlan(summary);
    var names = new ArrayList<String>();
    for (int f = 0; f < plan.folds(); f++) {
      names.add(shown(plan.start(f)));
    }
    return names;
  }

  private String shown(long ticks) {
    return contract.time().type() == TimeAxis.Type.ORDINAL
        ? Long.toString(ticks)
        : Instant.EPOCH.plus(ticks, java.time.temporal.ChronoUnit.MICROS).toString();
  }
}
