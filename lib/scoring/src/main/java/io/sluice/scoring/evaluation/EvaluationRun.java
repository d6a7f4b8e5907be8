package io.sluice.scoring.evaluation;

import io.sluice.scoring.baseline.BaselineKind;
import io.sluice.scoring.baseline.NaiveScale;
import io.sluice.scoring.baseline.Season;
import io.sluice.scoring.baseline.SeriesHistory;
import io.sluice.scoring.evaluation.EvaluationReport.BaselineRow;
import io.sluice.scoring.evaluation.EvaluationReport.ModelInfo;
import io.sluice.scoring.evaluation.EvaluationReport.Row;
import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.SequenceManifest.SplitSummary;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.dataset.WindowContract.TargetType;
import java.io.Serializable;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import org.apache.commons.lang3.SerializationUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One evaluation: the scale of MASE, then every window once, then ARIMA, then the report. */
final class EvaluationRun {
  private static final Logger LOG = LoggerFactory.getLogger(EvaluationRun.class);
  private static final int TRACK_POINTS = 600;
  private static final double MICROS = 1e6;

  private final Workers workers;
  private final EvaluateSettings settings;
  private final WindowSource.Opener source;
  private final SequenceManifest manifest;
  private final WindowContract contract;
  private final String intervalSource;
  private final int[] channels;
  private final Map<BaselineKind, Integer> seasons = new EnumMap<>(BaselineKind.class);
  private final Map<BaselineKind, String> unavailable = new EnumMap<>(BaselineKind.class);

  EvaluationRun(
      Workers workers,
      EvaluateSettings settings,
      WindowSource.Opener source,
      SequenceManifest manifest,
      WindowContract contract,
      String intervalSource) {
    this.workers = workers;
    this.settings = settings;
    this.source = source;
    this.manifest = manifest;
    this.contract = contract;
    this.intervalSource = intervalSource;
    this.channels =
        contract.target().channels().stream().mapToInt(contract.channels()::indexOf).toArray();
  }

  /** A part and the index of its first window in the split. */
  private record PartTask(String path, long firstWindow) implements Serializable {}

  TargetPass pass(SplitSummary summary) {
    FoldPlan folds = foldPlan(summary);
    TargetPass empty = emptyPass(summary, folds);
    var tasks = new ArrayList<PartTask>();
    long first = 0;
    for (Part part : parts(settings.split().label())) {
      tasks.add(new PartTask(part.path(), first));
      first += part.windows();
    }
    WindowSource.Opener opener = source;
    int[] columns = channels;
    int batchSize = settings.batchSize();
    LOG.info(
        "Evaluating {} windows of split {} in {} parts",
        summary.windows(),
        settings.split().label(),
        tasks.size());
    return workers
        .<PartTask, TargetPass>run(
            "evaluate: " + settings.split().label() + " windows",
            tasks,
            (items, hadoop) -> {
              // a task that runs in this JVM must not share sums with another
              TargetPass own = SerializationUtils.clone(empty);
              scan(items, opener.open(hadoop), columns, batchSize, own);
              return own;
            },
            TargetPass::merge)
        .orElse(empty);
  }

  private TargetPass emptyPass(SplitSummary summary, FoldPlan folds) {
    int H = Math.max(1, contract.horizon());
    boolean isForecast = contract.target().type() == TargetType.FORECAST;
    long perSeries = Math.max(1, summary.windows() / Math.max(1, summary.series()));
    long step = contract.time().stepTicks();
    long apart =
        isForecast ? H * step : Math.max(1, perSeries / TRACK_POINTS) * contract.stride() * step;
    // thinned windows come out at between one and two times the points that were asked for
    int mostPieces = isForecast ? Math.max(1, TRACK_POINTS / H) : 2 * TRACK_POINTS;
    var tracks = new Tracks(settings.pageSeries(), mostPieces, apart);
    return switch (contract.target().type()) {
      case FORECAST -> new ForecastPass(plan(summary, folds), tracks);
      case CLASS, EVENT -> new ClassPass(contract, folds, tracks);
      case REMAINING_LIFE -> new LifePass(contract, folds, tracks);
    };
  }

  private ForecastPass.Plan plan(SplitSummary summary, FoldPlan folds) {
    var naive = new ArrayList<BaselineKind>();
    for (BaselineKind kind : settings.baselines()) {
      switch (kind) {
        case LAST_VALUE -> naive.add(kind);
        case SEASONAL_NAIVE_DAILY -> seasonal(kind, Season.daily(contract.time()), "day", naive);
        case SEASONAL_NAIVE_WEEKLY -> seasonal(kind, Season.weekly(contract.time()), "week", naive);
        case ARIMA -> LOG.debug("ARIMA runs after the windows");
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
    WindowSource.Opener opener = source;
    int[] columns = channels;
    List<String> train = paths(parts(Split.TRAIN.label()));
    return workers
        .<String, NaiveScale>run(
            "evaluate: scale of MASE",
            train,
            (items, hadoop) -> {
              WindowSource opened = opener.open(hadoop);
              var scale = new NaiveScale(K, season);
              SeriesHistory history = history(opened, opened.parts(Split.TRAIN.label()), columns);
              while (items.hasNext()) {
                scale.add(opened.part(items.next()), history);
              }
              return scale;
            },
            NaiveScale::merge)
        .orElseGet(() -> new NaiveScale(K, season));
  }

  private static SeriesHistory history(WindowSource source, List<Part> parts, int[] channels) {
    return new SeriesHistory(
        parts, source::segments, channels, source.manifest().contract().time().stepTicks());
  }

  private static void scan(
      Iterator<PartTask> tasks,
      WindowSource source,
      int[] channels,
      int batchSize,
      TargetPass pass) {
    WindowModel model = source.model();
    SeriesHistory history = history(source, source.manifest().parts(), channels);
    var batch = new ArrayList<Window>(batchSize);
    while (tasks.hasNext()) {
      PartTask task = tasks.next();
      Part part = source.part(task.path());
      pass.startPart(part, history);
      long next = task.firstWindow();
      for (Iterator<Segment> segments = source.segments(part); segments.hasNext(); ) {
        Segment segment = segments.next();
        for (int origin : segment.origins()) {
          batch.add(new Window(segment, origin));
          if (batch.size() == batchSize) {
            next = take(model, batch, next, pass);
          }
        }
      }
      take(model, batch, next, pass);
    }
  }

  private static long take(WindowModel model, List<Window> batch, long first, TargetPass pass) {
    if (batch.isEmpty()) {
      return first;
    }
    WindowModel.Output output = model.predict(batch);
    for (int b = 0; b < batch.size(); b++) {
      pass.add(batch.get(b), first + b, output, b);
    }
    long next = first + batch.size();
    batch.clear();
    return next;
  }

  EvaluationReport report(
      TargetPass pass, SplitSummary summary, ModelInfo model, double secondsSoFar) {
    long start = System.nanoTime();
    Map<Metric, Double> metrics = pass.metrics();
    var notes = new Notes(contract, manifest, pass, metrics);
    List<BaselineRow> baselines =
        pass instanceof ForecastPass forecast
            ? new BaselineRows(workers, settings, source, manifest, contract)
                .of(forecast, unavailable, foldNames(summary))
            : noBaselines(notes);
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
        pass instanceof ClassPass classes ? classes.detail(contract.target().classes()) : null;
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

  private List<BaselineRow> noBaselines(Notes notes) {
    if (!settings.baselines().isEmpty()) {
      notes.add(
          "Baselines %s forecast values; there are none for target %s."
              .formatted(
                  settings.baselines().stream().map(BaselineKind::label).toList(),
                  contract.target().type().name().toLowerCase(Locale.ROOT).replace('_', '-')));
    }
    return List.of();
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

  private List<Part> parts(String split) {
    return manifest.parts().stream().filter(p -> p.split().equals(split)).toList();
  }

  private static List<String> paths(List<Part> parts) {
    return parts.stream().map(Part::path).toList();
  }
}
