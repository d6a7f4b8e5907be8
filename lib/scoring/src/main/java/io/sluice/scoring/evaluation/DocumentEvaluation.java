package io.sluice.scoring.evaluation;

import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.recurrent.kernel.Kernels;
import io.sluice.scoring.baseline.BaselineKind;
import io.sluice.scoring.bundle.DocumentPredictor;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.device.TaskDevice;
import io.sluice.scoring.evaluation.EvaluationReport.BaselineRow;
import io.sluice.scoring.evaluation.EvaluationReport.ModelInfo;
import io.sluice.scoring.explanation.Negations;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.dataset.TextDataset;
import io.sluice.sequences.text.dataset.TextManifest;
import io.sluice.sequences.text.encoding.Vocabulary;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;

/**
 * Judges a model of documents on a split of a dataset of text.
 *
 * <p>A document is of the class that is most probable; of two classes it is of the second from
 * {@code evaluate.threshold} on, one half where that is {@code auto}: no class is an alarm.
 */
final class DocumentEvaluation {
  private static final double HALF = 0.5;

  /** Alarms are no matter of documents. */
  private static final List<Metric> OF_ALARMS =
      List.of(Metric.FALSE_ALARM_RATE, Metric.MISSED_ALARM_RATE);

  private final Workers workers;
  private final EvaluateSettings settings;
  private final TextDataset dataset;
  private final ModelInfo model;
  private final List<String> names;
  private final double threshold;
  private final Vocabulary vocabulary;
  private final Negations negations;
  private final List<String> notes = new ArrayList<>();

  private DocumentEvaluation(
      SparkSession spark,
      EvaluateSettings settings,
      TextDataset dataset,
      ModelInfo model,
      Configuration hadoop) {
    this.workers = new Workers(spark, hadoop);
    this.settings = settings;
    this.dataset = dataset;
    this.model = model;
    this.names = dataset.contract().classes();
    this.threshold = settings.threshold().orElse(HALF);
    this.vocabulary = dataset.vocabulary();
    this.negations = new Negations(settings.explain().negations(), vocabulary);
  }

  /**
   * @throws InvalidInputException if the dataset cannot be read, does not fit the bundle, or the
   *     split has no document
   */
  static EvaluationReport run(
      SparkSession spark,
      EvaluateSettings settings,
      ModelBundle bundle,
      ModelInfo model,
      Configuration hadoop) {
    long start = System.nanoTime();
    TextDataset dataset = TextDataset.open(settings.dataset(), hadoop).requireAudit();
    TextFit.require(bundle.manifest().text().contract(), bundle.uri(), dataset);
    var evaluation = new DocumentEvaluation(spark, settings, dataset, model, hadoop);
    DocumentScores scores = evaluation.scores();
    return evaluation.report(scores, start);
  }

  /** Of the split, by tasks that take whole batches. */
  private DocumentScores scores() {
    Split split = settings.split();
    if (dataset.documents(split) == 0) {
      throw new InvalidInputException(
          "Dataset %s has no document in split %s. Choose another evaluate.split, or widen the split and rebuild."
              .formatted(settings.dataset(), split.label()));
    }
    int tasks = workers.tasks();
    var task =
        new Task(
            settings.dataset(),
            model.uri(),
            split,
            settings.batchSize(),
            settings.device(),
            names.size(),
            (float) threshold,
            new DocumentDraws.Plan(settings.explain(), negations, dataset.contract().padId()),
            tasks);
    return workers
        .run(
            "evaluate: %s documents".formatted(split.label()),
            IntStream.range(0, tasks).boxed().toList(),
            task,
            DocumentScores::merge,
            settings.device())
        .orElseThrow();
  }

  /** Classifies a share of a split, in whatever process it lands in. */
  private record Task(
      String dataset,
      String bundle,
      Split split,
      int batchSize,
      DeviceChoice choice,
      int classes,
      float threshold,
      DocumentDraws.Plan plan,
      int tasks)
      implements Workers.Work<Integer, DocumentScores> {
    @Override
    public DocumentScores on(Iterator<Integer> numbers, Configuration hadoop) {
      TextDataset texts = TextDataset.open(dataset, hadoop);
      var scores = new DocumentScores(classes, threshold, plan);
      try (TaskDevice own = TaskDevice.of(choice);
          DocumentPredictor predictor =
              ModelBundle.open(bundle, hadoop).newDocumentPredictor().on(own.device())) {
        own.device().complaint().ifPresent(Kernels::warnOnce);
        while (numbers.hasNext()) {
          scores.addAll(texts.documentsInOrder(split, batchSize, numbers.next(), tasks), predictor);
        }
      }
      return scores;
    }
  }

  private EvaluationReport report(DocumentScores scores, long start) {
    ClassScores classes = scores.classes();
    Map<Metric, Double> metrics = new TreeMap<>(classes.metrics());
    metrics.put(Metric.CALIBRATION_ERROR, classes.reliability().error());
    OF_ALARMS.forEach(metrics::remove);
    List<BaselineRow> baselines = baselines(classes, metrics);
    if (names.size() == 2) {
      notes.add(
          String.format(
              Locale.ROOT,
              "A document is \"%s\" from a probability of %.4g on (evaluate.threshold).",
              names.get(1),
              threshold));
    }
    if (!ClassScores.isInFull(names.size())) {
      notes.add(
          String.format(
              Locale.ROOT,
              "ROC-AUC, PR-AUC and the confusion matrix are left out: there are %,d classes, and they are given for at most %,d.",
              names.size(),
              ClassScores.MOST_IN_FULL));
    }
    noteDuplicates();
    EvaluationReport.Explanations explanations = explanations(scores.draws());
    return new TextReport(
            EvaluationReport.DOCUMENT,
            names,
            classes.count(),
            longest(),
            metrics,
            notes,
            baselines,
            classes.detail(names, null),
            explanations)
        .of(settings, model, start);
  }

  /** Null where nothing is to be explained. */
  private EvaluationReport.Explanations explanations(DocumentDraws draws) {
    EvaluateSettings.Explain explain = settings.explain();
    if (explain.samples() == 0 && explain.negations().isEmpty()) {
      return null;
    }
    DocumentExplanations explanations =
        DocumentExplanations.of(
            draws, workers, settings, model.uri(), negations, vocabulary, names);
    EvaluationReport.NegationCount count = null;
    if (!explain.negations().isEmpty()) {
      count = explanations.count(draws);
      notes.add(sentence(count));
    }
    return new EvaluationReport.Explanations(
        dataset.contract().tokenisation().tokens().name().toLowerCase(Locale.ROOT),
        vocabulary.special().unknown(),
        draws.samples().stream().map(explanations::sample).toList(),
        count);
  }

  private String sentence(EvaluationReport.NegationCount count) {
    if (negations.isEmpty()) {
      return "No token of the vocabulary is one of evaluate.explain.negations %s; name those of the texts' language."
          .formatted(count.words());
    }
    String flips =
        String.format(
            Locale.ROOT,
            "Without their negations (evaluate.explain.negations) %,d of the %,d documents that have one change class.",
            count.flips(),
            count.documents());
    return count.explained() == 0
        ? flips
        : flips
            + String.format(
                Locale.ROOT,
                " Of %,d of these, drawn by a hash of their names, a negation is among the %d words that weigh most in %s%,d by occlusion and would be in %.1f by chance.",
                count.explained(),
                count.top(),
                count.inTopByAttention() == null
                    ? ""
                    : String.format(Locale.ROOT, "%,d by attention, ", count.inTopByAttention()),
                count.inTopByOcclusion(),
                count.inTopByChance());
  }

  /** Results on texts that training has seen are too good; those that left train it has not. */
  private void noteDuplicates() {
    TextManifest.Duplicates duplicates = dataset.manifest().duplicates();
    String split = settings.split().label();
    long seen = duplicates.normalised().getOrDefault(split + "-in-train", 0L);
    if (seen > 0 && duplicates.dropped().isEmpty()) {
      notes.add(
          String.format(
              Locale.ROOT,
              "%,d documents of the split stand in train too, which flatters these numbers.",
              seen));
    }
  }

  private int longest() {
    return dataset.manifest().splits().get(settings.split().label()).lengths().stream()
        .mapToInt(TextManifest.Bin::upTo)
        .max()
        .orElse(1);
  }

  /** The class that most train documents have, if it is asked for. */
  private List<BaselineRow> baselines(ClassScores scores, Map<Metric, Double> metrics) {
    if (!settings.baselines().contains(BaselineKind.MAJORITY_CLASS)) {
      return List.of();
    }
    Map<String, Long> labels = dataset.manifest().splits().get(Split.TRAIN.label()).labels();
    long[] counts = names.stream().mapToLong(name -> labels.getOrDefault(name, 0L)).toArray();
    long all = Arrays.stream(counts).sum();
    int majority = 0;
    for (int v = 1; v < counts.length; v++) {
      majority = counts[v] > counts[majority] ? v : majority;
    }
    notes.add(
        String.format(
            Locale.ROOT,
            "majority-class is \"%s\": %.1f %% of %,d train documents.",
            names.get(majority),
            100.0 * counts[majority] / Math.max(1, all),
            all));
    Map<Metric, Double> own =
        new TreeMap<>(Confusion.always(majority, scores.confusion().present()).metrics());
    OF_ALARMS.forEach(own::remove);
    return List.of(
        new BaselineRow(
            BaselineKind.MAJORITY_CLASS.label(),
            true,
            "",
            scores.count(),
            TargetPass.labelled(own),
            TargetPass.labelled(metrics),
            List.of(),
            List.of()));
  }
}
