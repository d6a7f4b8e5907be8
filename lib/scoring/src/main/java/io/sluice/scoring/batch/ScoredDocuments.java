package io.sluice.scoring.batch;

import io.sluice.scoring.batch.DocumentModel.Said;
import io.sluice.scoring.batch.LengthBatches.Encoded;
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
  private final DocumentModel model;
  private final int unknownId;
  private final String input;
  private final RunColumns run;
  private final Timestamp scoredAt;

  private List<Encoded> batch = List.of();
  private List<Said> said = List.of();
  private int position;

  /**
   * @param unknownId of tokens that the model's vocabulary lacks
   * @param input URI of the input
   * @param run what every row says alike
   */
  ScoredDocuments(
      LengthBatches batches, DocumentModel model, int unknownId, String input, RunColumns run) {
    this.batches = batches;
    this.model = model;
    this.unknownId = unknownId;
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
      batch = batches.next();
      said = model.judge(batch);
      position = 0;
    }
    Row row = row(batch.get(position), said.get(position));
    position++;
    return row;
  }

  private Row row(Encoded document, Said of) {
    int unknown = 0;
    for (int id : document.ids()) {
      unknown += id == unknownId ? 1 : 0;
    }
    boolean isJudged = of.scoredTokens() != null && of.scoredTokens() > 0;
    return RowFactory.create(
        document.document().name(),
        input,
        of.predictedClass(),
        of.classProbabilities(),
        of.logProbability(),
        of.scoredTokens(),
        isJudged ? Math.exp(-of.logProbability() / of.scoredTokens()) : null,
        document.ids().length,
        document.cut(),
        unknown,
        of.attention(),
        document.document().label(),
        run.modelName(),
        run.modelVersion(),
        run.bundleHash(),
        run.runId(),
        scoredAt);
  }
}
