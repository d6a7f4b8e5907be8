package io.sluice.scoring.evaluation;

import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.dataset.TextDataset;
import io.sluice.sequences.text.encoding.Vocabulary;

/**
 * What each token of a vocabulary is worth without a model.
 *
 * <pre>{@code
 * unigram(v) = ln((n(v) + 1) / (N + V))        n(v) of N train tokens are v; V tokens there are
 * }</pre>
 *
 * @param unigram (V) nats, add-one smoothed; all 0 where the vocabulary was not counted in the
 *     train split
 */
record TokenTables(double[] unigram) {

  static TokenTables of(TextDataset dataset) {
    Vocabulary vocabulary = dataset.vocabulary();
    int V = vocabulary.size();
    long tokens = dataset.tokens(Split.TRAIN);
    long known = 0;
    for (int v = 0; v < V; v++) {
      known += v == vocabulary.unknownId() ? 0 : vocabulary.count(v);
    }
    long unknown = dataset.manifest().splits().get(Split.TRAIN.label()).unknownTokens();
    if (known + unknown != tokens) {
      return new TokenTables(new double[V]);
    }
    double[] logs = new double[V];
    for (int v = 0; v < V; v++) {
      long count = v == vocabulary.unknownId() ? unknown : vocabulary.count(v);
      logs[v] = Math.log((count + 1.0) / (tokens + V));
    }
    return new TokenTables(logs);
  }
}
