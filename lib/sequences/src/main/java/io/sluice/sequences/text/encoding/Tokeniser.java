package io.sluice.sequences.text.encoding;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Text to tokens, as a {@link Tokenisation} says. Serves one thread. */
public final class Tokeniser implements AutoCloseable {
  private final CleanText cleanText;
  private final Segmenter segmenter;
  private final String lineEnd;

  private Tokeniser(CleanText cleanText, Segmenter segmenter, String lineEnd) {
    this.cleanText = cleanText;
    this.segmenter = segmenter;
    this.lineEnd = lineEnd;
  }

  /**
   * @param tokenizerJson subword: text of the {@code tokenizer.json}; else null
   */
  public static Tokeniser of(Tokenisation tokenisation, String tokenizerJson) {
    Segmenter segmenter =
        switch (tokenisation.tokens()) {
          case WORD -> new Segmenter.Words(tokenisation.dropPunctuation());
          case WHITESPACE -> new Segmenter.Whitespace();
          case CHARACTER -> new Segmenter.Characters();
          case SUBWORD -> new Subwords(tokenizerJson);
        };
    return new Tokeniser(new CleanText(tokenisation), segmenter, tokenisation.lineEnd());
  }

  /**
   * Refuses a {@code tokenizer.json} that cannot be read, and a machine on which none can.
   *
   * @param where the file, for messages
   */
  public static void requireSubwords(String tokenizerJson, String where) {
    new Subwords(tokenizerJson, where).close();
  }

  /** Without markup and control characters, in the Unicode form and case of the tokens. */
  public String clean(String text) {
    return cleanText.of(text);
  }

  /** Tokens of a text, in order. */
  public List<String> tokens(String text) {
    var tokens = new ArrayList<String>();
    ofClean(clean(text), tokens::add);
    return tokens;
  }

  /**
   * Characters of what {@link #clean} returned: its code points and, where lines have an end of
   * their own, the break of the last line too.
   */
  public int characters(String clean) {
    boolean isOpen = lineEnd != null && !clean.isEmpty() && !clean.endsWith("\n");
    return clean.codePointCount(0, clean.length()) + (isOpen ? 1 : 0);
  }

  /** Hands over the tokens of what {@link #clean} returned. */
  public void ofClean(String clean, Consumer<String> tokens) {
    if (lineEnd == null) {
      segmenter.segment(clean, tokens);
      return;
    }
    for (int from = 0; from < clean.length(); ) {
      int end = clean.indexOf('\n', from);
      end = end < 0 ? clean.length() : end;
      segmenter.segment(clean.substring(from, end), tokens);
      tokens.accept(lineEnd);
      from = end + 1;
    }
  }

  /**
   * Tokens as people would write them: words with a blank between them, characters without,
   * subwords put together by their tokenizer, and a line break for the end of a line.
   */
  public String text(List<String> tokens) {
    var text = new StringBuilder();
    int from = 0;
    for (int i = 0; i < tokens.size(); i++) {
      if (tokens.get(i).equals(lineEnd)) {
        text.append(segmenter.join(tokens.subList(from, i))).append('\n');
        from = i + 1;
      }
    }
    return text.append(segmenter.join(tokens.subList(from, tokens.size()))).toString();
  }

  /** Frees what native code holds. */
  @Override
  public void close() {
    if (segmenter instanceof Subwords subwords) {
      subwords.close();
    }
  }
}
