package io.sluice.scoring.batch;

import io.sluice.scoring.batch.LengthBatches.Encoded;
import io.sluice.scoring.bundle.Decision;
import io.sluice.scoring.bundle.DocumentPredictor;
import io.sluice.sequences.text.dataset.TextBatch;
import io.sluice.sequences.text.encoding.TextContract;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;

/** Classifies documents. */
final class DocumentClasses implements DocumentModel {
  private final DocumentPredictor predictor;
  private final TextContract contract;
  private final Decision decision;
  private final boolean attention;

  /**
   * @param decision what class probabilities stand for
   * @param attention whether to say what the model attended to
   */
  DocumentClasses(
      DocumentPredictor predictor, TextContract contract, Decision decision, boolean attention) {
    this.predictor = predictor;
    this.contract = contract;
    this.decision = decision;
    this.attention = attention;
  }

  @Override
  public List<Said> judge(List<Encoded> batch) {
    TextBatch ids = TextBatch.of(contract.padId(), batch.stream().map(Encoded::ids).toList());
    DocumentPredictor.Attended attended =
        attention
            ? predictor.attended(ids)
            : new DocumentPredictor.Attended(predictor.probabilities(ids), null);
    var all = new ArrayList<Said>();
    for (int b = 0; b < batch.size(); b++) {
      Encoded document = batch.get(b);
      Float[] own = probabilities(attended.probabilities(), b, document);
      all.add(
          new Said(
              contract.classes().get(decision.predicted(attended.probabilities(), b * own.length)),
              own,
              null,
              null,
              attention ? weighted(document, attended.weights(), b * ids.timeSteps()) : null));
    }
    return all;
  }

  private Float[] probabilities(float[] probabilities, int b, Encoded document) {
    int V = contract.classes().size();
    var own = new Float[V];
    for (int v = 0; v < V; v++) {
      own[v] = probabilities[b * V + v];
      if (!Float.isFinite(own[v])) {
        throw DocumentModel.notFinite(own[v], document);
      }
    }
    return own;
  }

  /** The tokens that the model read, with their weights. */
  private Row[] weighted(Encoded document, float[] weights, int firstWeight) {
    List<String> tokens = document.document().tokens();
    int first =
        switch (contract.truncate()) {
          case END -> 0;
          case START -> document.cut();
        };
    var weighted = new Row[document.ids().length];
    for (int t = 0; t < weighted.length; t++) {
      weighted[t] = RowFactory.create(tokens.get(first + t), weights[firstWeight + t]);
    }
    return weighted;
  }

  @Override
  public void close() {
    predictor.close();
  }
}
