package io.sluice.sequences.text;

import io.sluice.config.ConfigReader;
import io.sluice.sequences.text.TextSettings.VocabularyRule;
import io.sluice.sequences.text.encoding.TextContract.Layout;
import io.sluice.sequences.text.encoding.Tokenisation;
import io.sluice.sequences.text.encoding.Tokenisation.Tokens;
import java.util.List;

/**
 * Refuses settings that a build of text would pass over, where they differ from their default: who
 * sets them expects something of it. A value that says what holds anyway is taken, such as no bound
 * for a vocabulary that is given.
 */
final class IdleSettings {
  private static final List<String> OF_TELEMETRY =
      List.of(
          "split.by",
          "split.unit",
          "split.train",
          "split.embargo",
          "split.train-series",
          "split.validation-series",
          "split.test-series");

  private IdleSettings() {}

  static void refuse(ConfigReader root, TextSettings settings) {
    for (String setting : OF_TELEMETRY) {
      root.check(
          root.isDefault(setting),
          setting,
          "is for telemetry: of text, split.validation and split.test are shares, and train is the rest. Leave it out");
    }
    Tokenisation tokenisation = settings.text().tokenisation();
    root.check(
        tokenisation.tokens() == Tokens.WORD || !tokenisation.dropPunctuation(),
        "text.punctuation",
        "must be keep with text.tokens = %s: drop is for word",
        ConfigReader.kebab(tokenisation.tokens()));
    if (settings.dataset().layout() == Layout.STREAM) {
      refuseCuts(root);
    }
    VocabularyRule vocabulary = settings.text().vocabulary();
    if (tokenisation.tokens() == Tokens.SUBWORD) {
      refuseBounds(root, vocabulary, "text.tokens = subword, whose tokenizer has its own tokens");
    } else if (vocabulary.path() != null) {
      refuseBounds(root, vocabulary, "text.vocabulary.path, whose tokens are all kept");
    }
  }

  private static void refuseCuts(ConfigReader root) {
    String maxTokens = "text.max-tokens";
    int most = root.isDefault(maxTokens) ? 0 : root.intAtLeast(maxTokens, 0);
    root.check(
        most == 0,
        maxTokens,
        "must be 0 with dataset.layout = stream, which is never cut, but is %d",
        most);
    root.check(
        root.isDefault("text.truncate"),
        "text.truncate",
        "needs dataset.layout = documents: a stream is never cut");
    root.check(
        root.isDefault("split.seed"),
        "split.seed",
        "needs dataset.layout = documents: splits of a stream follow the order of the text, and nothing is drawn. Leave it out");
  }

  private static void refuseBounds(ConfigReader root, VocabularyRule rule, String given) {
    refuseBound(root, "text.vocabulary.min-count", rule.minCount(), 1, given);
    refuseBound(root, "text.vocabulary.max-size", rule.maxSize(), 0, given);
  }

  private static void refuseBound(
      ConfigReader root, String setting, int value, int none, String given) {
    root.check(
        value == none || root.isDefault(setting),
        setting,
        "must be %d with %s, but is %d",
        none,
        given,
        value);
  }
}
