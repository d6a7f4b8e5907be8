package io.sluice.scoring.evaluation;

import io.sluice.scoring.bundle.Decision;
import io.sluice.scoring.bundle.DocumentPredictor;
import io.sluice.scoring.explanation.Negations;
import io.sluice.sequences.text.dataset.TextBatch;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.spark.sql.catalyst.expressions.XXH64;
import org.apache.spark.unsafe.Platform;

/**
 * Documents of a split whose words will be weighed, drawn by a hash of their names, and the number
 * of those that change class without their negations; parts merge.
 *
 * <p>What is drawn is a function of the documents, their probabilities and the seed: the same by
 * any number of tasks.
 */
final class DocumentDraws implements Serializable {
  private static final long serialVersionUID = 1L;

  /** A document is right, or wrong, with confidence from this probability of its class on. */
  private static final float CONFIDENT = 0.9f;

  /** It is undecided up to this margin. */
  private static final float UNDECIDED = 0.1f;

  /** Why a document is a sample. */
  enum Choice {
    RIGHT,
    WRONG,
    UNDECIDED
  }

  /** A document that was drawn, and why. */
  record Sample(Candidate document, Choice choice) {}

  /**
   * What is looked for.
   *
   * @param negations empty counts none
   * @param padId of the dataset
   */
  record Plan(EvaluateSettings.Explain settings, Negations negations, int padId)
      implements Serializable {
    /** Samples of a choice: a quarter is undecided, of the others half is right. */
    int samples(Choice choice) {
      int undecided = settings.samples() / 4;
      int right = (settings.samples() - undecided + 1) / 2;
      return switch (choice) {
        case RIGHT -> right;
        case WRONG -> settings.samples() - undecided - right;
        case UNDECIDED -> undecided;
      };
    }
  }

  private final Plan plan;
  private final Decision decision;
  private final Map<Choice, DocumentDraw> samples = new LinkedHashMap<>();
  private final DocumentDraw flips;
  private long negated;
  private long flipped;

  DocumentDraws(Plan plan, Decision decision) {
    this.plan = plan;
    this.decision = decision;
    for (Choice choice : Choice.values()) {
      // some may be drawn twice, and others take their place
      samples.put(
          choice, new DocumentDraw(plan.samples(choice) == 0 ? 0 : plan.settings().samples()));
    }
    this.flips = new DocumentDraw(plan.settings().flips());
  }

  /**
   * Looks at a batch's documents.
   *
   * @param probabilities (B, V) of the batch
   * @param predictor classifies them again without their negations
   */
  void add(TextBatch batch, float[] probabilities, DocumentPredictor predictor) {
    for (int b = 0; b < batch.size(); b++) {
      int y = decision.predicted(probabilities, b * decision.V());
      double unsure = Math.max(0, CONFIDENT - probabilities[b * decision.V() + y]);
      if (batch.label(b) >= 0) {
        draw(samples.get(y == batch.label(b) ? Choice.RIGHT : Choice.WRONG), batch, b, y, unsure);
      }
      double sure = Math.max(0, decision.margin(probabilities, b * decision.V()) - UNDECIDED);
      draw(samples.get(Choice.UNDECIDED), batch, b, y, sure);
    }
    if (!plan.negations().isEmpty()) {
      addWithoutNegations(batch, probabilities, predictor);
    }
  }

  private void addWithoutNegations(
      TextBatch batch, float[] probabilities, DocumentPredictor predictor) {
    var numbers = new ArrayList<Integer>();
    var rest = new ArrayList<int[]>();
    for (int b = 0; b < batch.size(); b++) {
      int[] ids = ids(batch, b);
      int negations = plan.negations().count(ids);
      if (negations > 0 && negations < ids.length) {
        numbers.add(b);
        rest.add(plan.negations().removedFrom(ids));
      }
    }
    if (rest.isEmpty()) {
      return;
    }
    float[] without = predictor.probabilities(TextBatch.of(plan.padId(), rest));
    negated += rest.size();
    for (int i = 0; i < rest.size(); i++) {
      int b = numbers.get(i);
      int y = decision.predicted(probabilities, b * decision.V());
      if (decision.predicted(without, i * decision.V()) != y) {
        flipped++;
        draw(flips, batch, b, y, 0);
      }
    }
  }

  private void draw(DocumentDraw of, TextBatch batch, int b, int y, double distance) {
    byte[] name = batch.name(b).getBytes(StandardCharsets.UTF_8);
    long draw =
        XXH64.hashUnsafeBytes(
            name, Platform.BYTE_ARRAY_OFFSET, name.length, plan.settings().seed());
    if (of.wants(distance, draw)) {
      of.add(
          new Candidate(
              distance, draw, batch.document(b), batch.name(b), batch.label(b), y, ids(batch, b)));
    }
  }

  private static int[] ids(TextBatch batch, int b) {
    int[] ids = new int[batch.length(b)];
    for (int t = 0; t < ids.length; t++) {
      ids[t] = batch.ids()[t * batch.size() + b];
    }
    return ids;
  }

  DocumentDraws merge(DocumentDraws other) {
    samples.forEach((choice, draw) -> draw.merge(other.samples.get(choice)));
    flips.merge(other.flips);
    negated += other.negated;
    flipped += other.flipped;
    return this;
  }

  /** The samples, each document once: right ones first, then wrong ones, then undecided ones. */
  List<Sample> samples() {
    var chosen = new LinkedHashMap<Long, Sample>();
    samples.forEach(
        (choice, draw) ->
            draw.first().stream()
                .filter(candidate -> !chosen.containsKey(candidate.document()))
                .limit(plan.samples(choice))
                .toList()
                .forEach(c -> chosen.put(c.document(), new Sample(c, choice))));
    return List.copyOf(chosen.values());
  }

  /** Of the documents that flip, those whose words are weighed. */
  List<Candidate> flips() {
    return flips.first();
  }

  /** All that are weighed, each once, the longest first. */
  List<Candidate> all() {
    var byDocument = new LinkedHashMap<Long, Candidate>();
    Stream.concat(samples().stream().map(Sample::document), flips().stream())
        .forEach(candidate -> byDocument.putIfAbsent(candidate.document(), candidate));
    return byDocument.values().stream()
        .sorted(Comparator.comparingInt((Candidate candidate) -> -candidate.ids().length))
        .toList();
  }

  /** Documents that have a negation, and another token. */
  long negated() {
    return negated;
  }

  /** Those of them that are of another class without. */
  long flipped() {
    return flipped;
  }
}
