package io.sluice.scoring.batch;

import io.sluice.scoring.bundle.DocumentPredictor;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.sequences.text.RawDocuments.RawDocument;
import java.util.Collections;
import java.util.Iterator;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.sql.Row;

/**
 * One task: the documents of a Spark partition in, rows of {@link DocumentSchema} out, a batch at a
 * time.
 *
 * @param task its bundle and device
 * @param batchSize documents a forward pass
 * @param batchTokens tokens a forward pass, padding included
 * @param attention whether rows say what the model attended to
 * @param input URI of the input
 * @param run what every row says alike
 */
record DocumentScoring(
    ScoringTask task,
    int batchSize,
    int batchTokens,
    boolean attention,
    String input,
    RunColumns run)
    implements FlatMapFunction<Iterator<RawDocument>, Row> {

  @Override
  public Iterator<Row> call(Iterator<RawDocument> documents) {
    if (!documents.hasNext()) {
      return Collections.emptyIterator(); // an empty partition opens no bundle
    }
    ModelBundle bundle = task.bundle();
    DocumentPredictor predictor = bundle.newDocumentPredictor().on(task.device());
    ScoringTask.atEnd(predictor);
    var batches =
        new LengthBatches(
            documents, bundle.textContract(), bundle.vocabulary(), batchSize, batchTokens);
    return new ScoredDocuments(batches, bundle.textContract(), predictor, attention, input, run);
  }
}
