package io.sluice.sequences.text;

import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.lake.Lake;
import io.sluice.sequences.text.TextSettings.VocabularyRule;
import io.sluice.sequences.text.encoding.Tokeniser;
import io.sluice.sequences.text.encoding.Vocabulary;
import java.util.List;

/**
 * Where a dataset's vocabulary comes from: a file that the settings name, a tokenizer's own, or the
 * words of the train split.
 */
final class WordList {
  private final VocabularyRule rule;
  private final Vocabulary.Special special;
  private final String tokenizerJson;
  private final Vocabulary given;

  private WordList(
      VocabularyRule rule, Vocabulary.Special special, String tokenizerJson, Vocabulary given) {
    this.rule = rule;
    this.special = special;
    this.tokenizerJson = tokenizerJson;
    this.given = given;
  }

  /** Reads the files that the settings name. */
  static WordList open(TextSettings settings, Lake lake) {
    VocabularyRule rule = settings.text().vocabulary();
    var special =
        new Vocabulary.Special(
            rule.pad(), rule.unknown(), settings.text().tokenisation().lineEnd());
    String tokenizer = settings.text().tokenizerPath();
    String tokenizerJson = null;
    if (tokenizer != null) {
      tokenizerJson = lake.readText(tokenizer, "tokenizer (text.tokenizer-path)");
      Tokeniser.requireSubwords(tokenizerJson, "text.tokenizer-path " + tokenizer);
    }
    String path = rule.path();
    return new WordList(
        rule,
        special,
        tokenizerJson,
        path == null
            ? null
            : Vocabulary.parse(
                lake.readText(path, "vocabulary (text.vocabulary.path)"),
                special,
                "text.vocabulary.path " + path,
                "Correct the line, or give a vocabulary.jsonl that build-sequences wrote."));
  }

  /** The text of the tokenizer; null where tokens are no subwords. */
  String tokenizerJson() {
    return tokenizerJson;
  }

  /** The vocabulary that the settings name; null where none is named. */
  Vocabulary given() {
    return given;
  }

  /** The vocabulary; where it is not given, tokens of the train split are counted for it. */
  Vocabulary vocabulary(Corpus corpus) {
    if (given != null) {
      return given;
    }
    TokenCounts counts = TokenCounts.of(corpus.table(), corpus.of(Split.TRAIN));
    if (tokenizerJson != null) {
      return Vocabulary.ofTokenizer(tokenizerJson, special, counts.all());
    }
    List<String> known =
        special.lineEnd() == null
            ? List.of(special.unknown())
            : List.of(special.unknown(), special.lineEnd());
    // a pad that is written in a text is an unknown word
    List<String> pad = special.pad() == null ? List.of() : List.of(special.pad());
    int room = rule.maxSize() == 0 ? 0 : rule.maxSize() - known.size() - pad.size();
    return Vocabulary.of(special, counts.most(rule.minCount(), room, known, pad));
  }
}
