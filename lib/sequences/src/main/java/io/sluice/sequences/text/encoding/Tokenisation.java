package io.sluice.sequences.text.encoding;

import java.io.Serializable;

/**
 * How a text becomes tokens, in this order: HTML, control characters, Unicode form, case, tokens.
 *
 * @param html {@code <br>} and blocks become line breaks, those of the text itself blanks; other
 *     tags go, entities become characters
 * @param unicode normalisation form
 * @param lowercase letters of all scripts that have case
 * @param tokens what a token is
 * @param dropPunctuation word: tokens of punctuation alone go
 * @param lineEnd the token after each line, {@code <eos>} for example; null = none
 * @param tokenizerHash subword: SHA-256 of {@code tokenizer.json}; else null
 */
public record Tokenisation(
    boolean html,
    Unicode unicode,
    boolean lowercase,
    Tokens tokens,
    boolean dropPunctuation,
    String lineEnd,
    String tokenizerHash)
    implements Serializable {

  /** A Unicode normalisation form. */
  public enum Unicode {
    NONE,
    /** Canonical composition: é is one character however it was typed. */
    NFC,
    /** Compatibility composition: also ﬁ is fi and full-width Ａ is A. */
    NFKC
  }

  /** What a token is. */
  public enum Tokens {
    /** Unicode's words (UAX 29), by dictionary where a script has no blanks; punctuation too. */
    WORD,
    /** What stands between blanks: corpora that are tokenised already. */
    WHITESPACE,
    /** What a person takes for a character: a grapheme cluster, blanks and line breaks included. */
    CHARACTER,
    /** Pieces by a {@code tokenizer.json} of Hugging Face. */
    SUBWORD
  }
}
