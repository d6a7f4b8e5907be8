package io.sluice.scoring.evaluation;

import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.recurrent.kernel.Kernels;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.device.TaskDevice;
import io.sluice.scoring.evaluation.EvaluationReport.ExplainedDocument;
import io.sluice.scoring.evaluation.EvaluationReport.NegationCount;
import io.sluice.scoring.explanation.Explainer;
import io.sluice.scoring.explanation.Explanation;
import io.sluice.scoring.explanation.Negations;
import io.sluice.sequences.text.encoding.Vocabulary;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.DoubleSummaryStatistics;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;

/** Weighs the words of the documents that were drawn, and sums up what came out. */
final class DocumentExplanations {
  private final EvaluateSettings.Explain settings;
  private final Negations negations;
  private final Vocabulary vocabulary;
  private final List<String> classes;
  private final Map<Long, Explanation> byDocument;

  private DocumentExplanations(
      EvaluateSettings.Explain settings,
      Negations negations,
      Vocabulary vocabulary,
      List<String> classes,
      Map<Long, Explanation> byDocument) {
    this.settings = settings;
    this.negations = negations;
    this.vocabulary = vocabulary;
    this.classes = classes;
    this.byDocument = byDocument;
  }

  /**
   * Weighs the words of all documents that were drawn.
   *
   * @param bundle the model's folder
   */
  static DocumentExplanations of(
      DocumentDraws draws,
      Workers workers,
      EvaluateSettings settings,
      String bundle,
      Negations negations,
      Vocabulary vocabulary,
      List<String> classes) {
    Map<Long, Explanation> explanations =
        workers
            .<ArrayList<Candidate>, HashMap<Long, Explanation>>run(
                "evaluate: weights of words",
                shares(draws.all(), workers.tasks()),
                new Task(bundle, settings.device()),
                (some, others) -> {
                  some.putAll(others);
                  return some;
                },
                settings.device())
            .orElseGet(HashMap::new);
    return new DocumentExplanations(
        settings.explain(), negations, vocabulary, classes, explanations);
  }

  /** Dealt out one after the other: the longest come first, so shares are of about one size. */
  private static List<ArrayList<Candidate>> shares(List<Candidate> documents, int tasks) {
    return IntStream.range(0, Math.min(tasks, documents.size()))
        .mapToObj(
            task -> {
              var share = new ArrayList<Candidate>();
              for (int i = task; i < documents.size(); i += tasks) {
                share.add(documents.get(i));
              }
              return share;
            })
        .toList();
  }

  /** Weighs the words of some documents, in whatever process it lands in. */
  private record Task(String bundle, DeviceChoice choice)
      implements Workers.Work<ArrayList<Candidate>, HashMap<Long, Explanation>> {
    @Override
    public HashMap<Long, Explanation> on(
        Iterator<ArrayList<Candidate>> shares, Configuration hadoop) {
      var explanations = new HashMap<Long, Explanation>();
      try (TaskDevice own = TaskDevice.of(choice);
          Explainer explainer = new Explainer(ModelBundle.open(bundle, hadoop), own.device())) {
        own.device().complaint().ifPresent(Kernels::warnOnce);
        while (shares.hasNext()) {
          for (Candidate each : shares.next()) {
            explanations.put(each.document(), explainer.explain(each.ids(), each.predicted()));
          }
        }
      }
      return explanations;
    }
  }

  ExplainedDocument sample(DocumentDraws.Sample sample) {
    Candidate document = sample.document();
    Explanation explanation = byDocument.get(document.document());
    int[] ids = document.ids();
    return new ExplainedDocument(
        document.name(),
        sample.choice().name().toLowerCase(Locale.ROOT),
        document.label() < 0 ? null : classes.get(document.label()),
        classes.get(document.predicted()),
        explanation.probability(),
        Arrays.stream(ids).mapToObj(vocabulary::token).toList(),
        explanation.attention() == null ? null : list(explanation.attention()),
        list(explanation.occlusion()),
        explanation.window(),
        IntStream.range(0, ids.length).filter(t -> negations.contains(ids[t])).boxed().toList(),
        explanation.rankCorrelation().orElse(null));
  }

  private static List<Float> list(float[] values) {
    return IntStream.range(0, values.length).mapToObj(i -> values[i]).toList();
  }

  NegationCount count(DocumentDraws draws) {
    List<Candidate> flips = draws.flips();
    boolean attends = false;
    int byAttention = 0;
    int byOcclusion = 0;
    double byChance = 0;
    var correlations = new DoubleSummaryStatistics();
    for (Candidate flip : flips) {
      Explanation explanation = byDocument.get(flip.document());
      attends = explanation.attention() != null;
      byAttention += attends && isInTop(flip, explanation.attention()) ? 1 : 0;
      byOcclusion += isInTop(flip, explanation.occlusion()) ? 1 : 0;
      byChance += chance(flip.ids().length, negations.count(flip.ids()), settings.top());
      explanation.rankCorrelation().ifPresent(correlations::accept);
    }
    return new NegationCount(
        settings.negations(),
        draws.negated(),
        draws.flipped(),
        flips.size(),
        settings.top(),
        attends ? byAttention : null,
        byOcclusion,
        byChance,
        correlations.getCount() == 0 ? null : correlations.getAverage());
  }

  private boolean isInTop(Candidate document, float[] weights) {
    return Arrays.stream(Explanation.top(weights, settings.top()))
        .anyMatch(t -> negations.contains(document.ids()[t]));
  }

  /** That one of m negations is among the first k of n words in a random order. */
  static double chance(int n, int m, int k) {
    double none = 1;
    for (int i = 0; i < Math.min(k, n); i++) {
      none *= Math.max(0, (double) (n - m - i) / (n - i));
    }
    return 1 - none;
  }
}
