package io.sluice.sequences.text.encoding;

import com.ibm.icu.lang.UCharacter;
import com.ibm.icu.lang.UCharacterCategory;
import com.ibm.icu.text.BreakIterator;
import com.ibm.icu.util.ULocale;
import java.util.List;
import java.util.function.Consumer;

/** Cuts a clean text, or a line of one, into tokens. Serves one thread. */
interface Segmenter {
  /** Hands over the tokens in order. */
  void segment(String text, Consumer<String> tokens);

  /** Tokens of one line as people would write them. */
  String join(List<String> tokens);

  /** Words by Unicode's rules and ICU's dictionaries; blanks are no tokens. */
  final class Words implements Segmenter {
    private final BreakIterator words = BreakIterator.getWordInstance(ULocale.ROOT);
    private final boolean dropPunctuation;

    Words(boolean dropPunctuation) {
      this.dropPunctuation = dropPunctuation;
    }

    @Override
    public String join(List<String> tokens) {
      return String.join(" ", tokens);
    }

    @Override
    public void segment(String text, Consumer<String> tokens) {
      words.setText(text);
      int from = words.first();
      for (int to = words.next(); to != BreakIterator.DONE; to = words.next()) {
        boolean isWord = words.getRuleStatus() >= BreakIterator.WORD_NONE_LIMIT;
        if (isWord || isKept(text, from, to)) {
          tokens.accept(text.substring(from, to));
        }
        from = to;
      }
    }

    private boolean isKept(String text, int from, int to) {
      int first = text.codePointAt(from);
      return !CleanText.isBlank(first) && !(dropPunctuation && isPunctuation(text, from, to));
    }

    private static boolean isPunctuation(String text, int from, int to) {
      for (int i = from; i < to; i += Character.charCount(text.codePointAt(i))) {
        switch (UCharacter.getType(text.codePointAt(i))) {
          case UCharacterCategory.CONNECTOR_PUNCTUATION,
              UCharacterCategory.DASH_PUNCTUATION,
              UCharacterCategory.START_PUNCTUATION,
              UCharacterCategory.END_PUNCTUATION,
              UCharacterCategory.INITIAL_PUNCTUATION,
              UCharacterCategory.FINAL_PUNCTUATION,
              UCharacterCategory.OTHER_PUNCTUATION -> {}
          default -> {
            return false;
          }
        }
      }
      return true;
    }
  }

  /** What stands between blanks. */
  final class Whitespace implements Segmenter {
    @Override
    public String join(List<String> tokens) {
      return String.join(" ", tokens);
    }

    @Override
    public void segment(String text, Consumer<String> tokens) {
      int from = -1;
      for (int i = 0; i < text.length(); ) {
        int codePoint = text.codePointAt(i);
        if (CleanText.isBlank(codePoint)) {
          if (from >= 0) {
            tokens.accept(text.substring(from, i));
          }
          from = -1;
        } else if (from < 0) {
          from = i;
        }
        i += Character.charCount(codePoint);
      }
      if (from >= 0) {
        tokens.accept(text.substring(from));
      }
    }
  }

  /** Grapheme clusters. */
  final class Characters implements Segmenter {
    private final BreakIterator characters = BreakIterator.getCharacterInstance(ULocale.ROOT);

    @Override
    public String join(List<String> tokens) {
      return String.join("", tokens);
    }

    @Override
    public void segment(String text, Consumer<String> tokens) {
      characters.setText(text);
      int from = characters.first();
      for (int to = characters.next(); to != BreakIterator.DONE; to = characters.next()) {
        tokens.accept(text.substring(from, to));
        from = to;
      }
    }
  }
}
