package io.sluice.sequences.text.encoding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.engine.EngineException;
import ai.djl.util.Utils;
import com.ibm.icu.text.CaseMap;
import io.sluice.failure.ExitStatus;
import io.sluice.failure.InvalidInputException;
import io.sluice.failure.OperationFailedException;
import io.sluice.sequences.text.encoding.Tokenisation.Tokens;
import io.sluice.sequences.text.encoding.Tokenisation.Unicode;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokeniserTest {
  /** A WordPiece of seven pieces. */
  static final String WORD_PIECE =
      """
      {"version":"1.0","truncation":{"direction":"Right","max_length":3,"strategy":"LongestFirst","stride":0},
       "padding":null,
       "added_tokens":[{"id":0,"content":"[UNK]","single_word":false,"lstrip":false,"rstrip":false,
                        "normalized":false,"special":true}],
       "normalizer":{"type":"Lowercase"},"pre_tokenizer":{"type":"Whitespace"},
       "post_processor":null,"decoder":null,
       "model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##",
                "max_input_chars_per_word":100,
                "vocab":{"[UNK]":0,"un":1,"##want":2,"##ed":3,"run":4,"##ning":5,",":6}}}
      """;

  private static Tokenisation words(boolean html, boolean dropPunctuation) {
    return new Tokenisation(html, Unicode.NFKC, true, Tokens.WORD, dropPunctuation, null, null);
  }

  private static Tokenisation plain(Tokens tokens, String lineEnd) {
    return new Tokenisation(false, Unicode.NONE, false, tokens, false, lineEnd, null);
  }

  private static List<String> tokens(Tokenisation tokenisation, String text) {
    try (Tokeniser tokeniser = Tokeniser.of(tokenisation, null)) {
      return tokeniser.tokens(text);
    }
  }

  @Test
  void wordsAreUnicodesWordsInLowerCase() {
    assertThat(tokens(words(false, false), "Don't PANIC: it's 3.14 €, naïve Ünïcode—ok?"))
        .containsExactly(
            "don't", "panic", ":", "it's", "3.14", "€", ",", "naïve", "ünïcode", "—", "ok", "?");
  }

  /** ASCII takes a short cut: it must lead to where ICU does, with the Turkish i in sight. */
  @Test
  void lettersHaveTheLowerCaseOfIcu() {
    String ascii =
        IntStream.range(' ', 127).mapToObj(Character::toString).collect(Collectors.joining());
    try (Tokeniser tokeniser = Tokeniser.of(words(false, false), null)) {
      for (String text : List.of(ascii, ascii + "É", "İI")) {
        assertThat(tokeniser.clean(text)).isEqualTo(CaseMap.toLower().apply(Locale.ROOT, text));
      }
    }
  }

  @Test
  void punctuationCanBeDroppedAndSymbolsStay() {
    assertThat(tokens(words(false, true), "Well... (really) 10 % 😀 off_by_one!"))
        .containsExactly("well", "really", "10", "😀", "off_by_one");
  }

  /**
   * Scripts without blanks are cut by dictionary: not one token a sentence, nor one a character.
   */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "我们在北京大学学习中文。 | 我们 在 北京 大学 学习 中文 。",
        "今日は東京で勉強します | 今日 は 東京 で 勉強 し ます",
        "ภาษาไทยง่าย | ภาษา ไทย ง่าย",
      })
  void scriptsWithoutBlanksComeOutAsWords(String text, String expected) {
    assertThat(tokens(words(false, false), text)).containsExactly(expected.split(" "));
  }

  @Test
  void formsOfOneCharacterAreOneToken() {
    assertThat(tokens(words(false, false), "ＡＢＣ ﬁn cafe\u0301 İ"))
        .containsExactly("abc", "fin", "café", "i̇");
    var unchanged = new Tokenisation(false, Unicode.NONE, false, Tokens.WORD, false, null, null);
    assertThat(tokens(unchanged, "ＡＢＣ ﬁn")).containsExactly("ＡＢＣ", "ﬁn");
  }

  @Test
  void htmlLeavesTextAndLineBreaks() {
    try (Tokeniser tokeniser = Tokeniser.of(words(true, false), null)) {
      assertThat(
              tokeniser.clean(
                  "A <b>bold</b>&nbsp;film.<br /><br />I &lt;3 it &amp; you&#33;<p>End</p><script>x()</script>"))
          .isEqualTo("a bold film.\ni <3 it & you!\nend\n");
      assertThat(tokeniser.clean("1 < 2 and 3 > 2")).isEqualTo("1 < 2 and 3 > 2");
    }
  }

  /** A text without markup takes a short cut: it must lead to where the parser does. */
  @Test
  void lineBreaksOfHtmlAreBlanksWhetherOrNotItHasMarkup() {
    try (Tokeniser tokeniser = Tokeniser.of(words(true, false), null)) {
      assertThat(tokeniser.clean("one\ntwo\r\nthree\n")).isEqualTo("one two  three ");
      assertThat(tokeniser.clean("one\ntwo\r\n<i>three</i>\n")).isEqualTo("one two  three ");
    }
  }

  @Test
  void whitespaceOfAllKindsSeparatesTokensOfATokenisedCorpus() {
    assertThat(tokens(plain(Tokens.WHITESPACE, null), "  the <unk>\tof\u00a0N\u3000n.v. \u001f x "))
        .containsExactly("the", "<unk>", "of", "N", "n.v.", "x");
  }

  @Test
  void eachLineGetsItsEnd() {
    assertThat(tokens(plain(Tokens.WHITESPACE, "<eos>"), "a b\r\n\nc"))
        .containsExactly("a", "b", "<eos>", "<eos>", "c", "<eos>");
    assertThat(tokens(plain(Tokens.WHITESPACE, "<eos>"), "a\n")).containsExactly("a", "<eos>");
    assertThat(tokens(plain(Tokens.WHITESPACE, "<eos>"), "")).isEmpty();
  }

  @Test
  void charactersAreWhatAPersonTakesForOne() {
    assertThat(tokens(plain(Tokens.CHARACTER, null), "e\u0301 👩‍👩‍👧\r\n中\u001f"))
        .containsExactly("e\u0301", " ", "👩‍👩‍👧", "\n", "中", " ");
  }

  @Test
  void subwordsComeFromATokenizerWithoutItsTruncationAndSpecialTokens() {
    try (Tokeniser tokeniser = Tokeniser.of(plain(Tokens.SUBWORD, null), WORD_PIECE)) {
      assertThat(tokeniser.tokens("Unwanted, running 中"))
          .containsExactly("un", "##want", "##ed", ",", "run", "##ning", "[UNK]");
    }
  }

  /** What {@code generate} prints is {@link Tokeniser#text}. */
  @Test
  void bytesOfABpeComeBackAsTheTextThatTheyAre() {
    try (Tokeniser tokeniser =
            Tokeniser.of(plain(Tokens.SUBWORD, null), Tokenizers.byteLevelBpe());
        Tokeniser lines = Tokeniser.of(plain(Tokens.SUBWORD, "<eos>"), Tokenizers.byteLevelBpe())) {
      List<String> tokens = tokeniser.tokens("run running é\nruns");

      assertThat(tokens).containsExactly("run", "Ġrun", "n", "ing", "Ġ", "Ã©", "Ċ", "run", "s");
      assertThat(tokeniser.text(tokens)).isEqualTo("run running é\nruns");
      // a continuation begins with its blank, and a character that is cut in two is put together
      assertThat(tokeniser.text(List.of("Ġrun", "s"))).isEqualTo(" runs");
      assertThat(tokeniser.text(List.of("Ã", "©"))).isEqualTo("é");
      assertThat(lines.tokens("run\nruns")).containsExactly("run", "<eos>", "run", "s", "<eos>");
      assertThat(lines.text(List.of("run", "<eos>", "run", "s", "<eos>"))).isEqualTo("run\nruns\n");
      // the tokenizer has none for what it does not know, the vocabulary has
      assertThat(tokeniser.text(List.of("run", "<unk>", "Ġrun"))).isEqualTo("run <unk> run");
    }
  }

  /** Its pieces that are in no vocabulary would all be collected, and differ from text to text. */
  @Test
  void whatAUnigramDoesNotKnowIsItsUnknownToken() {
    try (Tokeniser tokeniser = Tokeniser.of(plain(Tokens.SUBWORD, null), Tokenizers.unigram())) {
      List<String> tokens = tokeniser.tokens("running 中文 runs");

      assertThat(tokens).containsExactly("▁run", "n", "ing", "▁", "<unk>", "▁run", "s");
      assertThat(tokeniser.text(tokens)).isEqualTo("running <unk> runs");
    }
  }

  @Test
  void charactersAreThoseOfTheCleanTextWithTheBreakOfEachLine() {
    try (Tokeniser lines = Tokeniser.of(plain(Tokens.WHITESPACE, "<eos>"), null);
        Tokeniser whole = Tokeniser.of(plain(Tokens.WHITESPACE, null), null)) {
      assertThat(lines.characters("a 😀")).isEqualTo(4);
      assertThat(lines.characters("a 😀\n\n")).isEqualTo(5);
      assertThat(lines.characters("")).isZero();
      assertThat(whole.characters("a 😀")).isEqualTo(3);
    }
  }

  /** As DJL throws it where it has no library, where the system refuses it, and a second time. */
  @Test
  void aLibraryThatCannotBeLoadedIsAFaultOfTheMachine() {
    var refused = new UnsatisfiedLinkError("/x/libtokenizers.so: version `GLIBC_2.34' not found");

    for (Throwable failure :
        List.of(
            new EngineException("Failed to load Huggingface native library.", refused),
            refused,
            new NoClassDefFoundError("Could not initialize class ai.djl.LibUtils")
                .initCause(new ExceptionInInitializerError(refused)))) {
      OperationFailedException told = Subwords.libraryFailure(failure);

      assertThat(told.exitStatus()).isEqualTo(ExitStatus.FAILED);
      assertThat(told)
          .hasCauseReference(failure)
          .hasMessage(
              "Cannot load the native library of Hugging Face's tokenizers (text.tokens = subword) on %s %s: /x/libtokenizers.so: version `GLIBC_2.34' not found. DJL unpacks it into %s, and has one for Linux with glibc 2.34 or newer on x86_64 and aarch64, macOS on aarch64 and Windows on x86_64. Where the system is one of these, set DJL_CACHE_DIR to a folder, on driver and executors, that this user may write and run programs in; else run there, or choose other text.tokens."
                  .formatted(
                      System.getProperty("os.name"),
                      System.getProperty("os.arch"),
                      Utils.getEngineCacheDir("tokenizers")));
    }
    assertThat(Subwords.libraryFailure(new EngineException("Unexpected flavor: cpu. ")))
        .hasMessageContaining(": Unexpected flavor: cpu. DJL unpacks it into ");
  }

  @Test
  void aTokenizerThatIsNoneIsRefused() {
    assertThatThrownBy(() -> Tokeniser.of(plain(Tokens.SUBWORD, null), "{\"model\":3}"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("The tokenizer cannot be read: ")
        .hasMessageEndingWith(
            "Give text.tokenizer-path a tokenizer.json as Hugging Face's tokenizers write it.");
  }
}
