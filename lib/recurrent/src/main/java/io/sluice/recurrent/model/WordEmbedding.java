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
 */
public record WordEmbedding(int words, int size, boolean frozen, double wordDropout, boolean tied)
    implements Serializable {

  /** Inputs are numbers. */
  public static final WordEmbedding NONE = new WordEmbedding(0, 0, false, 0, false);

  public WordEmbedding {
    boolean none = words == 0 && size == 0 && !frozen && wordDropout == 0 && !tied;
    if (!none && (words < 1 || size < 1)) {
      throw new IllegalArgumentException(
          "words is %d and size %d, each must be at least 1".formatted(words, size));
    }
    if (!(wordDropout >= 0 && wordDropout < 1)) {
      throw new IllegalArgumentException(
          "wordDropout is %s, must be in [0, 1)".formatted(wordDropout));
    }
  }

  /** Rows that learn, and nothing else. */
  public static WordEmbedding of(int words, int size) {
    return new WordEmbedding(words, size, false, 0, false);
  }
}
