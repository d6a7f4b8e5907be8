package io.sluice.scoring.explanation;

import io.sluice.sequences.text.encoding.Vocabulary;
import java.io.Serializable;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;

/** The tokens of a vocabulary that deny. */
public final class Negations implements Serializable {
  private static final long serialVersionUID = 1L;

  /** Where a word begins, in subwords of SentencePiece and of byte-level BPE. */
  private static final String WORD_BEGINNINGS = "\u2581\u0120";

  private final BitSet ids = new BitSet();

  /**
   * Finds them. Case, the form of an apostrophe and a subword's mark of a word's beginning do not
   * matter.
   *
   * @param words tokens; one that begins with {@code *} is any token with that ending
   */
  public Negations(List<String> words, Vocabulary vocabulary) {
    for (int id = 0; id < vocabulary.size(); id++) {
      String token = plain(vocabulary.token(id));
      ids.set(id, words.stream().anyMatch(word -> matches(plain(word), token)));
    }
  }

  private static boolean matches(String word, String token) {
    return word.startsWith("*") && word.length() > 1
        ? token.endsWith(word.substring(1))
        : token.equals(word);
  }

  private static String plain(String token) {
    String text = token.toLowerCase(Locale.ROOT).replace('\u2019', '\'');
    boolean isMarked = text.length() > 1 && WORD_BEGINNINGS.indexOf(token.charAt(0)) >= 0;
    return isMarked ? text.substring(1) : text;
  }

  /** Whether no token of the vocabulary denies. */
  public boolean isEmpty() {
    return ids.isEmpty();
  }

  public boolean contains(int id) {
    return ids.get(id);
  }

  /** Negations in a document. */
  public int count(int[] document) {
    return (int) Arrays.stream(document).filter(ids::get).count();
  }

  /** The document without them. */
  public int[] removedFrom(int[] document) {
    return Arrays.stream(document).filter(id -> !ids.get(id)).toArray();
  }
}
