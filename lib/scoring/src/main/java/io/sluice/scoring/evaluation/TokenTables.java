package io.sluice.scoring.evaluation;

import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.dataset.TextDataset;
import io.sluice.sequences.text.dataset.TextManifest;
import io.sluice.sequences.text.encoding.TextContract;
import io.sluice.sequences.text.encoding.Tokenisation.Tokens;
import io.sluice.sequences.text.encoding.Vocabulary;

/**
 * What each token of a vocabulary is worth without a model.
 *
 * <pre>{@code
 * unigram(v)    = ln((n(v) + 1) / (N + V))        n(v) of N train tokens are v; V tokens there are
 * characters(v) = characters of v, and 1 for the blank or line break behind it
 * }</pre>
 *
 * @param unigram (V) nats, add-one smoothed; all 0 where the vocabulary was not counted in the
 *     train split
 * @param characters (V) of the text that a token stands for; all 0 where nobody knows
 */
record TokenTables(double[] unigram, int[] characters) {

  static TokenTables of(TextDataset dataset, Split split) {
    Vocabulary vocabulary = dataset.vocabulary();
    return new TokenTables(unigram(dataset, vocabulary), characters(dataset, vocabulary, split));
  }

  private static double[] unigram(TextDataset dataset, Vocabulary vocabulary) {
    int V = vocabulary.size();
    long tokens = dataset.tokens(Split.TRAIN);
    long known = 0;
    for (int v = 0; v < V; v++) {
      known += v == vocabulary.unknownId() ? 0 : vocabulary.count(v);
    }
    long unknown = dataset.manifest().splits().get(Split.TRAIN.label()).unknownTokens();
    if (known + unknown != tokens) {
      return new double[V];
    }
    double[] logs = new double[V];
    for (int v = 0; v < V; v++) {
      long count = v == vocabulary.unknownId() ? unknown : vocabulary.count(v);
      logs[v] = Math.log((count + 1.0) / (tokens + V));
    }
    return logs;
  }

  private static int[] characters(TextDataset dataset, Vocabulary vocabulary, Split split) {
    TextContract contract = dataset.contract();
    Tokens tokens = contract.tokenisation().tokens();
    TextManifest.SplitSummary summary = dataset.manifest().splits().get(split.label());
    int[] characters = new int[vocabulary.size()];
    boolean isCharacters = tokens == Tokens.CHARACTER;
    // a word that the vocabulary lacks has an unknown number of them
    boolean isWords = tokens == Tokens.WHITESPACE && summary.unknownTokens() == 0;
    for (int v = 0; v < characters.length && (isCharacters || isWords); v++) {
      boolean isLineEnd = contract.lineEndId() != null && contract.lineEndId() == v;
      String token = vocabulary.token(v);
      int ofWord = isLineEnd ? 0 : 1 + token.codePointCount(0, token.length());
      characters[v] = isCharacters ? 1 : ofWord;
    }
    return characters;
  }
}
