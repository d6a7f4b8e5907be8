package io.sluice.training;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.sequences.text.encoding.Vocabulary;
import java.util.LinkedHashMap;
import org.junit.jupiter.api.Test;

class LearnableTextTest {

  private static Vocabulary vocabulary(Vocabulary.Special special, String... words) {
    var counts = new LinkedHashMap<String, Long>();
    for (int rank = 0; rank < words.length; rank++) {
      counts.put(words[rank], 100L - rank);
    }
    return Vocabulary.of(special, counts);
  }

  @Test
  void wordsAreMatchedByWordAndSpecialTokensByWhatTheyAreFor() {
    Vocabulary own =
        vocabulary(new Vocabulary.Special("<pad>", "<unk>", "<eos>"), "the", "pump", "runs");
    Vocabulary theirs =
        vocabulary(new Vocabulary.Special("[PAD]", "[UNK]", "</s>"), "pump", "the", "valve");

    assertThat(LearnableText.ids(own, theirs)).containsExactly(0, 1, 2, 4, 3, -1);
  }

  @Test
  void aSpecialTokenThatOneOfTheTwoLacksIsANewWord() {
    Vocabulary documents =
        vocabulary(new Vocabulary.Special("<pad>", "<unk>", "<eos>"), "the", "pump");
    Vocabulary stream = vocabulary(new Vocabulary.Special(null, "<unk>", null), "pump", "the");

    assertThat(LearnableText.ids(documents, stream)).containsExactly(-1, 0, -1, 2, 1);
    assertThat(LearnableText.ids(stream, documents)).containsExactly(1, 4, 3);
  }
}
