package io.sluice.sequences.text;

import io.sluice.sequences.text.encoding.Vocabulary;
import java.util.Arrays;
import java.util.function.Consumer;

/** The tokens of a document as one string; see {@link Tokenising#SEPARATOR}. */
final class JoinedTokens {
  private JoinedTokens() {}

  /** Hands over the tokens in order; none for an empty string. */
  static void forEach(String joined, Consumer<String> tokens) {
    if (joined.isEmpty()) {
      return;
    }
    int from = 0;
    for (int end = joined.indexOf(Tokenising.SEPARATOR);
        end >= 0;
        end = joined.indexOf(Tokenising.SEPARATOR, from)) {
      tokens.accept(joined.substring(from, end));
      from = end + 1;
    }
    tokens.accept(joined.substring(from));
  }

  /** Tokens {@code from} to {@code to} − 1, joined. */
  static String slice(String joined, int from, int to) {
    int start = behind(joined, 0, from);
    return joined.substring(start, behind(joined, start, to - from) - 1);
  }

  /** Where the token begins that comes so many behind the one that begins at a place. */
  private static int behind(String joined, int at, int tokens) {
    int place = at;
    for (int n = 0; n < tokens; n++) {
      int end = joined.indexOf(Tokenising.SEPARATOR, place);
      place = (end < 0 ? joined.length() : end) + 1;
    }
    return place;
  }

  /** Their ids. */
  static int[] ids(String joined, int count, Vocabulary vocabulary) {
    var ids = new int[count];
    int[] n = {0};
    forEach(joined, token -> ids[n[0]++] = vocabulary.id(token));
    return n[0] == count ? ids : Arrays.copyOf(ids, n[0]);
  }
}
