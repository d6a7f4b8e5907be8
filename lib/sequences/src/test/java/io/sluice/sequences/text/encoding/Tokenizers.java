package io.sluice.sequences.text.encoding;

/** Tokenizers for tests. */
public final class Tokenizers {
  private Tokenizers() {}

  /** A WordPiece of seven pieces: [UNK] un ##want ##ed run ##ning and a comma. */
  public static String wordPiece() {
    return TokeniserTest.WORD_PIECE;
  }
}
