package io.sluice.scoring.batch;

import io.sluice.failure.OperationFailedException;
import io.sluice.scoring.batch.LengthBatches.Encoded;
import java.util.List;
import org.apache.spark.sql.Row;

/** What a bundle says of documents: a class, or how likely they are. Serves one thread. */
interface DocumentModel extends AutoCloseable {
  /**
   * What it says of one document; null where it has nothing to say.
   *
   * @param predictedClass what the class probabilities stand for
   * @param classProbabilities by class
   * @param logProbability of the document, in nats
   * @param scoredTokens whose probabilities that is the product of
   * @param attention each token that was read, with its weight
   */
  record Said(
      String predictedClass,
      Float[] classProbabilities,
      Double logProbability,
      Integer scoredTokens,
      Row[] attention) {}

  /** Judges a batch: an answer for each of its documents, in order. */
  List<Said> judge(List<Encoded> batch);

  @Override
  void close();

  /** The refusal to write a number that is none. */
  static OperationFailedException notFinite(double value, Encoded document) {
    return new OperationFailedException(
        "The model predicts %s for document %s, and a prediction must be finite. Nothing was published. Its weights may have diverged: look at the metrics of the bundle."
            .formatted(value, document.document().name()));
  }
}
