package io.sluice.scoring.batch;

import io.sluice.recurrent.kernel.Device;
import io.sluice.scoring.bundle.Decision;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.sequences.text.RawDocuments.RawDocument;
import io.sluice.sequences.text.encoding.TextContract;
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
 * @param decision what class probabilities stand for
 * @param attention whether rows say what the model attended to
 * @param input URI of the input
 * @param run what every row says alike
 */
record DocumentScoring(
    ScoringTask task,
    int batchSize,
    int batchTokens,
    Decision decision,
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
    DocumentModel model = model(bundle, task.device());
    ScoringTask.atEnd(model);
    TextContract contract = bundle.textContract();
    var batches =
        new LengthBatches(documents, contract, bundle.vocabulary(), batchSize, batchTokens);
    return new ScoredDocuments(batches, model, contract.unknownId(), input, run);
  }

  private DocumentModel model(ModelBundle bundle, Device device) {
    TextContract contract = bundle.textContract();
    return bundle.isLanguageModel()
        ? new DocumentLikelihood(bundle.newStreamPredictor(1).on(device), contract, batchTokens)
        : new DocumentClasses(
            bundle.newDocumentPredictor().on(device), contract, decision, attention);
  }
}
