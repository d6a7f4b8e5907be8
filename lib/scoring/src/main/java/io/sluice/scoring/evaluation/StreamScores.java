package io.sluice.scoring.evaluation;

import io.sluice.scoring.bundle.StreamPredictor;
import io.sluice.sequences.text.dataset.StreamBatch;
import java.io.Serializable;
import java.util.Iterator;
import java.util.Map;
import java.util.TreeMap;

/**
 * What is gathered from the streams of a split; parts of it merge.
 *
 * <pre>{@code
 * log-loss           = −Σ ln p(token | all before it) / tokens      nats
 * perplexity         = e^log-loss
 * bits-per-token     = log-loss / ln 2
 * bits-per-character = bits-per-token · tokens of the split / characters of the split
 * }</pre>
 */
final class StreamScores implements Serializable {
  private static final long serialVersionUID = 1L;

  private long tokens;
  private double tokensPerCharacter;
  private double loss;
  private double unigramLoss;

  /**
   * Takes in all tokens of some streams.
   *
   * @param judge what each token is worth besides
   */
  StreamScores addAll(Iterator<StreamBatch> batches, StreamPredictor predictor, TokenTables judge) {
    while (batches.hasNext()) {
      StreamBatch batch = batches.next();
      int[] next = batch.nextIds();
      double[] logs = predictor.logProbabilities(batch.ids(), next, batch.timeSteps());
      for (int k = 0; k < logs.length; k++) {
        loss -= logs[k];
        unigramLoss -= judge.unigram()[next[k]];
      }
      tokens += logs.length;
    }
    return this;
  }

  /** Adds what another one gathered. */
  StreamScores merge(StreamScores other) {
    tokens += other.tokens;
    loss += other.loss;
    unigramLoss += other.unigramLoss;
    return this;
  }

  /** Tokens that were predicted. */
  long tokens() {
    return tokens;
  }

  /**
   * Says how long tokens are, on the average of the split.
   *
   * @param newTokensPerCharacter 0 where nobody knows
   */
  StreamScores with(double newTokensPerCharacter) {
    tokensPerCharacter = newTokensPerCharacter;
    return this;
  }

  Map<Metric, Double> metrics() {
    return metrics(loss / tokens);
  }

  /** Of the frequencies of the train split; empty where nobody knows them. */
  Map<Metric, Double> unigram() {
    return unigramLoss > 0 ? metrics(unigramLoss / tokens) : Map.of();
  }

  /** Of a mean loss in nats. */
  Map<Metric, Double> metrics(double mean) {
    var metrics = new TreeMap<Metric, Double>();
    metrics.put(Metric.LOG_LOSS, mean);
    metrics.put(Metric.PERPLEXITY, Math.exp(mean));
    metrics.put(Metric.BITS_PER_TOKEN, mean / Math.log(2));
    if (tokensPerCharacter > 0) {
      metrics.put(Metric.BITS_PER_CHARACTER, mean / Math.log(2) * tokensPerCharacter);
    }
    return metrics;
  }
}
