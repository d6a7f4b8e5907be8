package io.sluice.scoring.evaluation;

import io.sluice.scoring.bundle.Decision;
import io.sluice.scoring.bundle.DocumentPredictor;
import io.sluice.sequences.text.dataset.DocumentBatches;
import io.sluice.sequences.text.dataset.TextBatch;
import java.io.Serializable;

/** What is gathered from the documents of a split; parts of it merge. */
final class DocumentScores implements Serializable {
  private static final long serialVersionUID = 1L;

  /** Documents have no series of their own. */
  private static final String ALL = "documents";

  private final int V;
  private final ClassScores scores;
  private final DocumentDraws draws;

  /**
   * @param V classes
   * @param threshold with two: the second is predicted from this probability on
   * @param plan which documents are to be explained
   */
  DocumentScores(int V, float threshold, DocumentDraws.Plan plan) {
    this.V = V;
    this.scores = new ClassScores(V, threshold, 1);
    this.draws = new DocumentDraws(plan, new Decision(V, threshold));
  }

  /** Takes in all documents of some batches; a build leaves out those without a label. */
  DocumentScores addAll(DocumentBatches batches, DocumentPredictor predictor) {
    while (batches.hasNext()) {
      TextBatch batch = batches.next();
      float[] probabilities = predictor.probabilities(batch);
      for (int b = 0; b < batch.size(); b++) {
        scores.add(ALL, 0, batch.label(b), probabilities, b * V);
      }
      draws.add(batch, probabilities, predictor);
    }
    return this;
  }

  /** Adds what another one gathered. */
  DocumentScores merge(DocumentScores other) {
    scores.merge(other.scores);
    draws.merge(other.draws);
    return this;
  }

  ClassScores classes() {
    return scores;
  }

  DocumentDraws draws() {
    return draws;
  }
}
