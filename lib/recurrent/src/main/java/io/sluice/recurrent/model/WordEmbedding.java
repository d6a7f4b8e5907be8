package io.sluice.recurrent.model;

import java.io.Serializable;

/**
 * How a network over words reads them: the lowest layer gives each id a row of numbers.
 *
 * @param words V of the vocabulary; 0 where inputs are numbers
 * @param size E, numbers of a row; 0 where inputs are numbers
 * @param frozen whether training leaves the rows as they are
 * @param wordDropout share of the words of a sequence that is dropped while training, with all
 *     their occurrences; in [0, 1)
 * @param tied whether the head over classes, which are then the words, takes the rows for its
 *     weights
 * @param adversarialEpsilon ε of {@link io.sluice.recurrent.embedding.AdversarialInput}; 0 is none
 */
public record WordEmbedding(
    int words,
    int size,
    boolean frozen,
    double wordDropout,
    boolean tied,
    double adversarialEpsilon)
    implements Serializable {

  /** Inputs are numbers. */
  public static final WordEmbedding NONE = new WordEmbedding(0, 0, false, 0, false);

  public WordEmbedding {
    boolean none =
        words == 0 && size == 0 && !frozen && wordDropout == 0 && !tied && adversarialEpsilon == 0;
    if (!none && (words < 1 || size < 1)) {
      throw new IllegalArgumentException(
          "words is %d and size %d, each must be at least 1".formatted(words, size));
    }
    if (!(wordDropout >= 0 && wordDropout < 1)) {
      throw new IllegalArgumentException(
          "wordDropout is %s, must be in [0, 1)".formatted(wordDropout));
    }
    if (!(adversarialEpsilon >= 0 && adversarialEpsilon < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "adversarialEpsilon is %s, must be at least 0 and finite".formatted(adversarialEpsilon));
    }
    if (adversarialEpsilon > 0 && (frozen || tied)) {
      throw new IllegalArgumentException(
          "adversarialEpsilon is %s with rows that %s, must be 0"
              .formatted(adversarialEpsilon, frozen ? "are frozen" : "the head takes too"));
    }
  }

  /** Without adversarial training. */
  public WordEmbedding(int words, int size, boolean frozen, double wordDropout, boolean tied) {
    this(words, size, frozen, wordDropout, tied, 0);
  }

  /** Of a training step over each of its examples. */
  public int passes() {
    return adversarialEpsilon > 0 ? 2 : 1;
  }

  /** Rows that learn, and nothing else. */
  public static WordEmbedding of(int words, int size) {
    return new WordEmbedding(words, size, false, 0, false);
  }
}
