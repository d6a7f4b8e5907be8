package io.sluice.scoring.batch;

import io.sluice.failure.OperationFailedException;
import io.sluice.scoring.batch.LengthBatches.Encoded;
import io.sluice.scoring.bundle.DocumentPredictor;
import io.sluice.sequences.text.dataset.TextBatch;
import io.sluice.sequences.text.encoding.TextContract;
import java.sql.Timestamp;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;

/**
 * Documents as rows of {@link DocumentSchema}, scored a batch at a time as the iterator advances.
 */
final class ScoredDocuments implements Iterator<Row> {
  private final LengthBatches batches;
  private final TextContract contract;
  private final DocumentPredictor predictor;
  private final boolean attention;
  private final String input;
  private final RunColumns run;
  private final Timestamp scoredAt;

  private List<Encoded> batch = List.of();
  private int position;
  private float[] probabilities;
  private float[] weights;
  private int timeSteps;

  ScoredDocuments(
      LengthBatches batches,
      TextContract contract,
      DocumentPredictor predictor,
      boolean attention,
      String input,
      RunColumns run) {
    this.batches = batches;
    this.contract = contract;
    this.predictor = predictor;
    this.attention = attention;
    this.input = input;
    this.run = run;
    this.scoredAt = Timestamp.from(run.scoredAt());
  }

  @Override
  public boolean hasNext() {
    return position < batch.size() || batches.hasNext();
  }

  @Override
  public Row next() {
    if (!hasNext()) {
      throw new NoSuchElementException("no document is left");
    }
    if (position == batch.size()) {
      scoreNextBatch();
    }
    return row(position++);
  }

  private void scoreNextBatch() {
    batch = batches.next();
    position = 0;
    TextBatch ids = TextBatch.of(contract.padId(), batch.stream().map(Encoded::ids).toList());
    timeSteps = ids.timeSteps();
    if (attention) {
      DocumentPredictor.Attended attended = predictor.attended(ids);
      probabilities = attended.probabilities();
      weights = attended.weights();
    } else {
      probabilities = predictor.probabilities(ids);
    }
  }

  private Row row(int b) {
    Encoded encoded = batch.get(b);
    int unknown = 0;
    for (int id : encoded.ids()) {
      unknown += id == contract.unknownId() ? 1 : 0;
    }
    Float[] own = probabilities(b);
    return RowFactory.create(
        encoded.document().name(),
        input,
        contract.classes().get(largest(own)),
        own,
        encoded.ids().length,
        encoded.cut(),
        unknown,
        attention ? attended(b) : null,
        encoded.document().label(),
        run.modelName(),
        run.modelVersion(),
        run.bundleHash(),
        run.runId(),
        scoredAt);
  }

  private Float[] probabilities(int b) {
    int V = contract.classes().size();
    var own = new Float[V];
    for (int v = 0; v < V; v++) {
      float probability = probabilities[b * V + v];
      if (!Float.isFinite(probability)) {
        throw new OperationFailedException(
            "The model predicts %s for document %s, and a probability must be finite. Nothing was published. Its weights may have diverged: look at the metrics of the bundle."
                .formatted(probability, batch.get(b).document().name()));
      }
      own[v] = probability;
    }
    return own;
  }

  private static int largest(Float[] values) {
    int largest = 0;
    for (int v = 1; v < values.length; v++) {
      largest = values[v] > values[largest] ? v : largest;
    }
    return largest;
  }

  /** The tokens that the model read, with their weights. */
  private Row[] attended(int b) {
    Encoded encoded = batch.get(b);
    List<String> tokens = encoded.document().tokens();
    int first =
        switch (contract.truncate()) {
          case END -> 0;
          case START -> encoded.cut();
        };
    var attended = new Row[encoded.ids().length];
    for (int t = 0; t < attended.length; t++) {
      attended[t] = RowFactory.create(tokens.get(first + t), weights[b * timeSteps + t]);
    }
    return attended;
  }
}
