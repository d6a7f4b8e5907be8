package io.sluice.scoring.batch;

import io.sluice.scoring.batch.LengthBatches.Encoded;
import io.sluice.scoring.bundle.StreamPredictor;
import io.sluice.sequences.text.encoding.TextContract;
import java.util.ArrayList;
import java.util.List;

/**
 * Says how likely documents are, by a language model that reads each from a state of zeros.
 *
 * <p>Where lines have an end of their own, a document follows one: its first token is judged as
 * what comes after that token. Elsewhere nothing comes before the first token, and it is not
 * judged: the log-probability is that of the others, given the first.
 *
 * <p>A batch of B documents is read side by side, so many steps at a time that they are at most the
 * tokens of a batch; however long a document is, that is what it takes. A document that has ended
 * is read on with tokens whose probabilities are left out.
 */
final class DocumentLikelihood implements DocumentModel {
  private final StreamPredictor predictor;
  private final TextContract contract;
  private final int batchTokens;

  /**
   * @param batchTokens tokens a forward pass
   */
  DocumentLikelihood(StreamPredictor predictor, TextContract contract, int batchTokens) {
    this.predictor = predictor;
    this.contract = contract;
    this.batchTokens = batchTokens;
  }

  @Override
  public List<Said> judge(List<Encoded> batch) {
    int B = batch.size();
    // tokens that come before the first one that is judged and are no document's
    int before = contract.lineEndId() == null ? 0 : 1;
    int longest = batch.stream().mapToInt(d -> d.ids().length).max().orElse(0);
    int steps = longest - 1 + before;
    int most = Math.max(1, batchTokens / B);
    var sums = new double[B];
    predictor.begin(B);
    for (int from = 0; from < steps; from += most) {
      int T = Math.min(most, steps - from);
      var ids = new int[T * B];
      var nextIds = new int[T * B];
      for (int b = 0; b < B; b++) {
        int[] own = batch.get(b).ids();
        for (int t = 0; t < T; t++) {
          ids[t * B + b] = at(own, from + t - before);
          nextIds[t * B + b] = at(own, from + t - before + 1);
        }
      }
      double[] logProbabilities = predictor.logProbabilities(ids, nextIds, T);
      for (int b = 0; b < B; b++) {
        int judged = Math.min(T, scored(batch.get(b), before) - from);
        for (int t = 0; t < judged; t++) {
          sums[b] += logProbabilities[t * B + b];
        }
      }
    }
    var all = new ArrayList<Said>();
    for (int b = 0; b < B; b++) {
      if (!Double.isFinite(sums[b])) {
        throw DocumentModel.notFinite(sums[b], batch.get(b));
      }
      all.add(new Said(null, null, sums[b], scored(batch.get(b), before), null));
    }
    return all;
  }

  /** A token of a document; before it the end of a line, behind it any. */
  private int at(int[] ids, int t) {
    return t < 0 ? contract.lineEndId() : t < ids.length ? ids[t] : contract.unknownId();
  }

  private static int scored(Encoded document, int before) {
    return document.ids().length - 1 + before;
  }

  @Override
  public void close() {
    predictor.close();
  }
}
