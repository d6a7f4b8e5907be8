package io.sluice.sequences.text.encoding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.text.encoding.TextContract.Layout;
import io.sluice.sequences.text.encoding.TextContract.Truncate;
import io.sluice.sequences.text.encoding.Tokenisation.Tokens;
import io.sluice.sequences.text.encoding.Tokenisation.Unicode;
import io.sluice.sequences.text.encoding.Vocabulary.Special;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class VocabularyTest {
  private static final Special SPECIAL = new Special("<pad>", "<unk>", "<eos>");

  private static Vocabulary vocabulary() {
    var counted = new LinkedHashMap<String, Long>();
    counted.put("<eos>", 4L);
    counted.put("the", 9L);
    counted.put("\"\n\u4e2d", 2L);
    return Vocabulary.of(SPECIAL, counted);
  }

  private static Vocabulary parse(String text, Special special) {
    return Vocabulary.parse(text, special, "v", "Restore it.");
  }

  static TextContract contract(Vocabulary vocabulary, int maxTokens, Truncate truncate) {
    return new TextContract(
        Layout.DOCUMENTS,
        new Tokenisation(false, Unicode.NONE, false, Tokens.WHITESPACE, false, null, null),
        vocabulary.size(),
        vocabulary.hash(),
        vocabulary.padId(),
        vocabulary.unknownId(),
        vocabulary.lineEndId(),
        maxTokens,
        truncate,
        List.of());
  }

  @Test
  void specialTokensComeFirstAndTheRestAsItWasCounted() {
    Vocabulary v = vocabulary();

    assertThat(v.toText())
        .isEqualTo(
            """
            {"id":0,"token":"<pad>","count":0}
            {"id":1,"token":"<unk>","count":0}
            {"id":2,"token":"<eos>","count":4}
            {"id":3,"token":"the","count":9}
            {"id":4,"token":"\\"\\n中","count":2}
            """);
    assertThat(v.id("the")).isEqualTo(3);
    assertThat(v.id("absent")).isEqualTo(v.unknownId()).isEqualTo(1);
    assertThat(v.id("<eos>")).isEqualTo(v.lineEndId()).isEqualTo(2);
    // what fills up a batch is no word: one that is written in a text is unknown
    assertThat(v.padId()).isZero();
    assertThat(v.id("<pad>")).isEqualTo(1);
  }

  @Test
  void readsBackWhatItWrote() {
    Vocabulary read = parse(vocabulary().toText(), SPECIAL);

    assertThat(read.toText()).isEqualTo(vocabulary().toText());
    assertThat(read.hash()).isEqualTo(vocabulary().hash());
    assertThat(read.count(3)).isEqualTo(9);
  }

  @Test
  void aFileThatIsNoVocabularyIsRefusedByLine() {
    String text = vocabulary().toText();

    assertThatThrownBy(() -> parse(text.replace("\"id\":3", "\"id\":7"), SPECIAL))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("v cannot be read: line 4 is not the entry of id 3. Restore it.");
    assertThatThrownBy(() -> parse(text + "{", SPECIAL))
        .hasMessage("v cannot be read: line 6 is not JSON. Restore it.");
    assertThatThrownBy(() -> parse(text, new Special(null, "<oov>", null)))
        .hasMessage(
            "v has no token <oov> (5 tokens). Give a vocabulary with it, or name its own special tokens in text.vocabulary.");
    assertThatThrownBy(() -> parse(text.replace("\"the\"", "\"<eos>\""), SPECIAL))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("v cannot be read: line 4 has the token \"<eos>\", as line 3 has. Restore it.");
    assertThatThrownBy(() -> parse(text.replace("\"the\"", "\"<pad>\""), SPECIAL))
        .hasMessage("v cannot be read: line 4 has the token \"<pad>\", as line 1 has. Restore it.");
  }

  @Test
  void aTokenizerKeepsItsIdsAndLackingSpecialTokensFollow() {
    Vocabulary v =
        Vocabulary.ofTokenizer(TokeniserTest.WORD_PIECE, SPECIAL, Map.of("un", 3L, "[UNK]", 1L));

    assertThat(v.size()).isEqualTo(9);
    assertThat(v.token(2)).isEqualTo("##want");
    assertThat(v.unknownId()).isZero();
    assertThat(v.padId()).isEqualTo(7);
    assertThat(v.lineEndId()).isEqualTo(8);
    assertThat(v.count(1)).isEqualTo(3);
  }

  /** Added tokens, and the unknown one by its number, are read whatever the model. */
  @Test
  void aTokenizerOfAnyModelIsReadWithItsUnknownToken() {
    Vocabulary bpe = Vocabulary.ofTokenizer(Tokenizers.byteLevelBpe(), SPECIAL, Map.of("run", 3L));
    Vocabulary unigram =
        Vocabulary.ofTokenizer(Tokenizers.unigram(), SPECIAL, Map.of("<unk>", 2L, "▁run", 5L));

    assertThat(bpe.size()).isEqualTo(20);
    assertThat(bpe.token(15)).isEqualTo("Ġrun");
    assertThat(bpe.count(bpe.id("run"))).isEqualTo(3);
    assertThat(bpe.padId()).isZero();
    assertThat(bpe.unknownId()).isEqualTo(18);
    assertThat(bpe.lineEndId()).isEqualTo(19);
    assertThat(unigram.size()).isEqualTo(8);
    assertThat(unigram.token(1)).isEqualTo("▁run");
    assertThat(unigram.unknownId()).isZero();
    assertThat(unigram.count(0)).isEqualTo(2);
    assertThat(unigram.padId()).isEqualTo(6);
  }

  @Test
  void aPadThatIsWrittenInATextIsNotCounted() {
    Vocabulary v =
        Vocabulary.ofTokenizer(
            Tokenizers.byteLevelBpe(), SPECIAL, Map.of("<pad>", 2L, "<eos>", 7L));

    assertThat(v.count(v.padId())).isZero();
    assertThat(v.count(v.lineEndId())).isEqualTo(7);
    assertThat(v.id("<pad>")).isEqualTo(v.unknownId());
  }

  @Test
  void anEncoderCutsTheEndThatTheContractNames() {
    Vocabulary v = vocabulary();
    try (var end = new TextEncoder(contract(v, 2, Truncate.END), v, null);
        var start = new TextEncoder(contract(v, 2, Truncate.START), v, null);
        var whole = new TextEncoder(contract(v, 0, Truncate.END), v, null)) {
      assertThat(end.encode("the absent <eos> the")).containsExactly(3, 1);
      assertThat(start.encode("the absent <eos> the")).containsExactly(2, 3);
      assertThat(whole.encode("the absent <eos> the")).containsExactly(3, 1, 2, 3);
      assertThat(whole.encode(" ")).isEmpty();
    }
  }

  @Test
  void anEncoderRefusesAnotherVocabulary() {
    Vocabulary other = Vocabulary.of(SPECIAL, Map.of("a", 1L));
    TextContract contract = contract(vocabulary(), 0, Truncate.END);

    assertThatThrownBy(() -> new TextEncoder(contract, other, null))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "The vocabulary is not that of the contract: its hash is %s, expected %s. Restore the file that was written with it."
                .formatted(other.hash(), vocabulary().hash()));
  }
}
