package io.sluice.scoring.evaluation;

import io.sluice.scoring.baseline.BaselineKind;
import io.sluice.scoring.baseline.LastStepLogistic;
import io.sluice.scoring.baseline.LastStepLogistic.Example;
import io.sluice.scoring.baseline.TrainLabels;
import io.sluice.scoring.evaluation.EvaluationReport.BaselineRow;
import io.sluice.scoring.evaluation.EvaluationReport.Row;
import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.dataset.WindowEncoder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Baselines of classes, events and remaining life: what the train windows' labels say, and a
 * logistic regression on the last step.
 */
final class LabelBaselines {
  private static final int MOST_EXAMPLES = 50_000;
  private static final double LEAST_PROBABILITY = 1e-15;

  private final Subject subject;
  private final List<String> notes = new ArrayList<>();
  private TrainLabels labels;

  LabelBaselines(Subject subject) {
    this.subject = subject;
  }

  /** What a reader must know of them. */
  List<String> notes() {
    return notes;
  }

  /** The mean remaining life of the train windows; NaN where it is not asked for or not known. */
  double trainMean() {
    return subject.settings().baselines().contains(BaselineKind.TRAIN_MEAN)
        ? labels().mean()
        : Double.NaN;
  }

  /** The logistic regression; empty where it is not asked for or cannot be. */
  Optional<LastStepLogistic> logistic() {
    if (!subject.settings().baselines().contains(BaselineKind.LOGISTIC_REGRESSION)
        || subject.workers().spark().isEmpty()) {
      return Optional.empty();
    }
    List<Example> examples = examples();
    return examples.isEmpty()
        ? Optional.empty()
        : Optional.of(
            LastStepLogistic.fit(
                subject.workers().spark().get(),
                subject.contract().target().classes().size(),
                examples));
  }

  /** One row a baseline, in the order of the settings. */
  List<BaselineRow> rows(ClassPass pass, Alarm logistic, List<String> foldNames) {
    var rows = new ArrayList<BaselineRow>();
    int V = subject.contract().target().classes().size();
    for (BaselineKind kind : subject.settings().baselines()) {
      switch (kind) {
        case MAJORITY_CLASS -> rows.add(majority(pass, foldNames));
        case ALWAYS_ALARM ->
            rows.add(
                V == 2
                    ? constant(kind, pass, 1, foldNames)
                    : BaselineRows.missing(
                        kind, "not available: %d classes, an alarm needs two".formatted(V)));
        case LOGISTIC_REGRESSION ->
            rows.add(
                pass.logisticScores() == null
                    ? BaselineRows.missing(
                        kind,
                        subject.workers().spark().isEmpty()
                            ? "not available: it is fitted by Spark, and this evaluation runs without"
                            : "not available: no train window has a label")
                    : logistic(pass, logistic, foldNames));
        case LAST_VALUE, SEASONAL_NAIVE_DAILY, SEASONAL_NAIVE_WEEKLY, ARIMA, TRAIN_MEAN -> {
          // for other targets
        }
      }
    }
    return rows;
  }

  /** One row a baseline, in the order of the settings. */
  List<BaselineRow> rows(LifePass pass, List<String> foldNames) {
    if (!subject.settings().baselines().contains(BaselineKind.TRAIN_MEAN)) {
      return List.of();
    }
    if (labels().count() == 0) {
      return List.of(
          BaselineRows.missing(
              BaselineKind.TRAIN_MEAN, "not available: no train window has a label"));
    }
    notes.add(
        String.format(
            Locale.ROOT,
            "train-mean predicts %.4g steps, the mean of %,d train windows.",
            labels().mean(),
            labels().count()));
    LifeScores scores = pass.trainMeanScores();
    var folds = new ArrayList<Row>();
    for (int f = 0; f < foldNames.size(); f++) {
      folds.add(TargetPass.row(foldNames.get(f), scores.fold(f).count(), scores.fold(f).metrics()));
    }
    return List.of(
        row(
            BaselineKind.TRAIN_MEAN,
            scores.overall().count(),
            scores.metrics(),
            pass.metrics(),
            folds));
  }

  private BaselineRow majority(ClassPass pass, List<String> foldNames) {
    int V = subject.contract().target().classes().size();
    if (labels().count() == 0) {
      return BaselineRows.missing(
          BaselineKind.MAJORITY_CLASS, "not available: no train window has a label");
    }
    double[] shares = labels().shares(V);
    int majority = 0;
    for (int v = 1; v < V; v++) {
      majority = shares[v] > shares[majority] ? v : majority;
    }
    notes.add(
        String.format(
            Locale.ROOT,
            "majority-class is \"%s\": %.1f %% of %,d train windows.",
            subject.contract().target().classes().get(majority),
            100 * shares[majority],
            labels().count()));
    return constant(BaselineKind.MAJORITY_CLASS, pass, majority, foldNames);
  }

  /** The same class for every window, the classes' train shares as probabilities. */
  private BaselineRow constant(
      BaselineKind kind, ClassPass pass, int predicted, List<String> foldNames) {
    int V = subject.contract().target().classes().size();
    ClassScores model = pass.scores();
    long[] present = model.confusion().present();
    long n = Arrays.stream(present).sum();
    Map<Metric, Double> metrics = Confusion.always(predicted, present).metrics();
    if (n > 0 && labels().count() > 0) {
      double[] shares = labels().shares(V);
      double logLoss = 0;
      for (int v = 0; v < V; v++) {
        logLoss -= present[v] * Math.log(Math.max(LEAST_PROBABILITY, shares[v]));
      }
      metrics.put(Metric.LOG_LOSS, logLoss / n);
    }
    putAreas(metrics, present, n);
    var folds = new ArrayList<Row>();
    for (int f = 0; f < foldNames.size(); f++) {
      Confusion inFold = Confusion.always(predicted, model.fold(f).present());
      folds.add(TargetPass.row(foldNames.get(f), inFold.total(), inFold.metrics()));
    }
    return row(kind, n, metrics, pass.metrics(), folds);
  }

  /** A score that is the same for all: ROC-AUC one half, PR-AUC the share of the class. */
  private static void putAreas(Map<Metric, Double> metrics, long[] present, long n) {
    int first = present.length == 2 ? 1 : 0;
    double share = 0;
    int counted = 0;
    for (int v = first; v < present.length; v++) {
      if (present[v] > 0 && present[v] < n) {
        share += (double) present[v] / n;
        counted++;
      }
    }
    if (counted > 0) {
      metrics.put(Metric.ROC_AUC, 0.5);
      metrics.put(Metric.PR_AUC, share / counted);
    }
  }

  private BaselineRow logistic(ClassPass pass, Alarm threshold, List<String> foldNames) {
    ClassScores scores = pass.logisticScores();
    notes.add(
        String.format(
            Locale.ROOT,
            "logistic-regression sees the inputs of the last step alone, fitted on %,d train windows.%s",
            pass.logisticExamples(),
            threshold == null ? "" : " " + threshold.sentence("It")));
    var folds = new ArrayList<Row>();
    for (int f = 0; f < foldNames.size(); f++) {
      Confusion fold = scores.fold(f);
      folds.add(TargetPass.row(foldNames.get(f), fold.total(), fold.metrics()));
    }
    return row(
        BaselineKind.LOGISTIC_REGRESSION, scores.count(), scores.metrics(), pass.metrics(), folds);
  }

  private static BaselineRow row(
      BaselineKind kind,
      long count,
      Map<Metric, Double> metrics,
      Map<Metric, Double> model,
      List<Row> folds) {
    return new BaselineRow(
        kind.label(),
        true,
        "",
        count,
        TargetPass.labelled(metrics),
        TargetPass.labelled(model),
        List.of(),
        folds);
  }

  private TrainLabels labels() {
    if (labels == null) {
      WindowSource.Opener opener = subject.source();
      double cap = cap();
      labels =
          subject
              .workers()
              .<String, TrainLabels>run(
                  "evaluate: labels of train windows",
                  subject.paths(Split.TRAIN),
                  (paths, hadoop) -> {
                    WindowSource opened = opener.open(hadoop);
                    var own = new TrainLabels(cap);
                    while (paths.hasNext()) {
                      own.add(opened.segments(opened.part(paths.next())));
                    }
                    return own;
                  },
                  TrainLabels::merge)
              .orElseGet(() -> new TrainLabels(cap));
    }
    return labels;
  }

  private double cap() {
    return subject.contract().target().type() == WindowContract.TargetType.REMAINING_LIFE
        ? subject.contract().target().cap()
        : Double.POSITIVE_INFINITY;
  }

  /** Evenly spaced train windows: the last step's inputs and the label. */
  private List<Example> examples() {
    long windows = subject.parts(Split.TRAIN).stream().mapToLong(Part::windows).sum();
    int every = Math.toIntExact(Math.max(1, (windows + MOST_EXAMPLES - 1) / MOST_EXAMPLES));
    WindowSource.Opener opener = subject.source();
    WindowContract windowContract = subject.contract();
    TreeMap<String, ArrayList<Example>> byPart =
        subject
            .workers()
            .<String, TreeMap<String, ArrayList<Example>>>run(
                "evaluate: last steps of train windows",
                subject.paths(Split.TRAIN),
                (paths, hadoop) -> {
                  WindowSource opened = opener.open(hadoop);
                  var own = new TreeMap<String, ArrayList<Example>>();
                  while (paths.hasNext()) {
                    String path = paths.next();
                    own.put(path, examples(opened, opened.part(path), windowContract, every));
                  }
                  return own;
                },
                (first, second) -> {
                  first.putAll(second);
                  return first;
                })
            .orElseGet(TreeMap::new);
    // in the order of the paths, whoever read them
    return byPart.values().stream().flatMap(List::stream).toList();
  }

  private static ArrayList<Example> examples(
      WindowSource source, Part part, WindowContract contract, int every) {
    var encoder = new WindowEncoder(contract);
    WindowBatch batch = encoder.newBatch(1);
    var examples = new ArrayList<Example>();
    int from = ClassPass.lastStep(contract);
    long index = 0;
    for (var segments = source.segments(part); segments.hasNext(); ) {
      Segment segment = segments.next();
      for (int origin : segment.origins()) {
        float label = segment.label()[origin];
        if (index++ % every == 0 && !Float.isNaN(label)) {
          encoder.begin(batch, 1);
          encoder.encode(segment, origin, batch, 0);
          examples.add(
              new Example(
                  Arrays.copyOfRange(batch.inputs(), from, from + contract.inputSize()),
                  Math.round(label)));
        }
      }
    }
    return examples;
  }
}
