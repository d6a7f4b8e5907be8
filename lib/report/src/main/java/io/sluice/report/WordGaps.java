package io.sluice.report;

import java.lang.Character.UnicodeScript;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** Tokens as a text that can be read: where a blank stood between two is told by what they are. */
final class WordGaps {
  /** Scripts that put no blank between words. */
  private static final Set<UnicodeScript> UNSPACED =
      EnumSet.of(
          UnicodeScript.HAN,
          UnicodeScript.HIRAGANA,
          UnicodeScript.KATAKANA,
          UnicodeScript.THAI,
          UnicodeScript.LAO,
          UnicodeScript.KHMER,
          UnicodeScript.MYANMAR);

  private static final String CLOSING = ".,;:!?%…،؛؟。、，；：！？．";
  private static final String OPENING = "¿¡#$£€";

  /** Marks of a word's beginning: SentencePiece, byte-level BPE. */
  private static final String BEGINNINGS = "\u2581\u0120";

  /** WordPiece's mark of a word's middle. */
  private static final String MIDDLE = "##";

  private final String kind;
  private final boolean hasBeginnings;

  /**
   * @param kind word, whitespace, character or subword
   * @param tokens of a document
   */
  WordGaps(String kind, List<String> tokens) {
    this.kind = kind;
    this.hasBeginnings = tokens.stream().anyMatch(WordGaps::isBeginning);
  }

  /** The token without its subword's mark. */
  String text(String token) {
    if (!kind.equals("subword")) {
      return token;
    }
    return isBeginning(token)
        ? token.substring(1)
        : token.startsWith(MIDDLE) ? token.substring(MIDDLE.length()) : token;
  }

  /** Whether a blank stood between two tokens. */
  boolean isBetween(String token, String next) {
    return switch (kind) {
      case "character" -> false;
      case "subword" -> hasBeginnings ? isBeginning(next) : !next.startsWith(MIDDLE);
      case "whitespace" -> true;
      default -> !clings(token.codePointBefore(token.length()), next.codePointAt(0));
    };
  }

  private static boolean isBeginning(String token) {
    return !token.isEmpty() && BEGINNINGS.indexOf(token.charAt(0)) >= 0;
  }

  private static boolean clings(int last, int first) {
    return isUnspaced(last) && isUnspaced(first)
        || CLOSING.indexOf(first) >= 0
        || OPENING.indexOf(last) >= 0
        || switch (Character.getType(first)) {
          case Character.END_PUNCTUATION, Character.FINAL_QUOTE_PUNCTUATION -> true;
          default -> false;
        }
        || switch (Character.getType(last)) {
          case Character.START_PUNCTUATION, Character.INITIAL_QUOTE_PUNCTUATION -> true;
          default -> false;
        };
  }

  /** Also punctuation of full width, which brings its own space. */
  private static boolean isUnspaced(int character) {
    return UNSPACED.contains(UnicodeScript.of(character))
        || character >= 0x3000 && character <= 0x303F
        || character >= 0xFF00 && character <= 0xFFEF;
  }
}
