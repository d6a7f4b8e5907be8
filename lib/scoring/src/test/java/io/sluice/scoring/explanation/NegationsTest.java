package io.sluice.scoring.explanation;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.sequences.text.encoding.Vocabulary;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class NegationsTest {
  private static Vocabulary vocabulary(String... tokens) {
    var counts = new LinkedHashMap<String, Long>();
    for (String token : tokens) {
      counts.put(token, 1L);
    }
    return Vocabulary.of(new Vocabulary.Special(null, "<unk>", null), counts);
  }

  private static List<String> found(Vocabulary vocabulary, String... words) {
    var negations = new Negations(List.of(words), vocabulary);
    return IntStream.range(0, vocabulary.size())
        .filter(negations::contains)
        .mapToObj(vocabulary::token)
        .toList();
  }

  @Test
  void endingsCaseAndApostrophesOfAnyKindAreFound() {
    Vocabulary vocabulary =
        vocabulary("not", "NOT", "nothing", "knot", "don't", "won’t", "n't", "don", "*");

    assertThat(found(vocabulary, "not", "*N't"))
        .containsExactly("not", "NOT", "don't", "won’t", "n't");
  }

  @Test
  void wordsOfOtherScriptsAndSubwordsAreFound() {
    assertThat(found(vocabulary("不", "不同", "没有", "▁not", "Ġnot", "▁", "ne"), "不", "没有", "not"))
        .containsExactly("不", "没有", "▁not", "Ġnot");
  }

  @Test
  void aDocumentIsCountedAndLosesThem() {
    Vocabulary vocabulary = vocabulary("it", "does", "not", "run", "never");
    var negations = new Negations(List.of("not", "never"), vocabulary);
    int[] document = {1, 2, 3, 0, 5, 3};

    assertThat(negations.count(document)).isEqualTo(3);
    assertThat(negations.removedFrom(document)).containsExactly(1, 2, 0);
    assertThat(negations.isEmpty()).isFalse();
    assertThat(new Negations(List.of("nie"), vocabulary).isEmpty()).isTrue();
  }
}
