package io.sluice.sequences.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.config.InvalidConfigException;
import io.sluice.config.Settings;
import io.sluice.sequences.telemetry.SequenceSettings.Reject;
import io.sluice.sequences.text.TextSettings.Document;
import io.sluice.sequences.text.TextSettings.Duplicate;
import io.sluice.sequences.text.TextSettings.InvalidUtf8;
import io.sluice.sequences.text.TextSettings.Shares;
import io.sluice.sequences.text.TextSettings.Source;
import io.sluice.sequences.text.TextSettings.Target;
import io.sluice.sequences.text.TextSettings.Text;
import io.sluice.sequences.text.TextSettings.VocabularyRule;
import io.sluice.sequences.text.encoding.TextContract.Layout;
import io.sluice.sequences.text.encoding.TextContract.Truncate;
import io.sluice.sequences.text.encoding.Tokenisation;
import io.sluice.sequences.text.encoding.Tokenisation.Tokens;
import io.sluice.sequences.text.encoding.Tokenisation.Unicode;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TextSettingsTest {
  private static final String MINIMAL =
      "source { path = raw }, dataset { path = out, layout = documents }\n";

  private static TextSettings read(String hocon) {
    return Settings.parse(hocon).read(TextSettings::from);
  }

  @Test
  void explicitValuesReachTheRecord() {
    assertThat(
            read(
                """
                name = reviews
                source {
                  path = raw, format = json, options { multiLine = true }, column-names = [a, b]
                  document = file, columns { text = body, id = key, label = mood }
                  validation-path = more, test-path = most
                }
                reject { max-share = 0.5, path = refused }
                split { validation = 0.3, test = 0.2, seed = 99 }
                text {
                  html = true, unicode = nfc, lowercase = false, tokens = character
                  line-end = "|", invalid-utf8 = reject, max-tokens = 77, truncate = start
                  classes = [x, y], duplicates = fail
                  vocabulary { min-count = 5, max-size = 300, pad = P, unknown = U }
                }
                dataset { path = out, layout = documents, codec = gzip, partitions = 5, incremental = true }
                """))
        .isEqualTo(
            new TextSettings(
                "reviews",
                new Source(
                    "raw",
                    "json",
                    Map.of("multiLine", "true"),
                    List.of("a", "b"),
                    Document.FILE,
                    "body",
                    "key",
                    "mood",
                    "more",
                    "most"),
                new Reject(0.5, "refused"),
                // the paths give the splits
                new Shares(0, 0, 99),
                new Text(
                    new Tokenisation(true, Unicode.NFC, false, Tokens.CHARACTER, false, "|", null),
                    null,
                    InvalidUtf8.REJECT,
                    77,
                    Truncate.START,
                    List.of("x", "y"),
                    Duplicate.FAIL,
                    new VocabularyRule(5, 300, null, "P", "U")),
                new Target("out", Layout.DOCUMENTS, "gzip", 5, true)));
    // what does not go with those
    assertThat(read(MINIMAL + "text.punctuation = drop").text().tokenisation().dropPunctuation())
        .isTrue();
    assertThat(read(MINIMAL + "text.vocabulary.path = known").text().vocabulary().path())
        .isEqualTo("known");
  }

  @Test
  void defaultsAreThoseOfWordsInDocuments() {
    TextSettings settings = read(MINIMAL);

    assertThat(settings.source().textColumn()).isEqualTo("text");
    assertThat(read(MINIMAL + "source.format = text").source().textColumn()).isEqualTo("value");
    assertThat(settings.split()).isEqualTo(new Shares(0.15, 0.15, 11));
    assertThat(settings.text().vocabulary())
        .isEqualTo(new VocabularyRule(2, 20_000, null, "<pad>", "<unk>"));
    assertThat(settings.text().maxTokens()).isEqualTo(400);
    TextSettings stream = read(MINIMAL + "dataset.layout = stream");
    assertThat(stream.text().vocabulary().pad()).isNull();
    assertThat(stream.text().maxTokens()).isZero();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "split { validation = 0.5, test = 0.5 } | split.validation ((text): 2): and split.test must leave something to train on, but are 0.5 and 0.5",
        "text.vocabulary.max-size = 3 | text.vocabulary.max-size ((text): 2): must be 0 or at least 4, to hold more than the special tokens, but is 3",
        "text.vocabulary.unknown = \"<pad>\" | text.vocabulary.unknown ((text): 2): must differ from text.vocabulary.pad (<pad>) and text.line-end (null), but is <pad>",
        "text.tokenizer-path = t.json | text.tokenizer-path ((text): 2): needs text.tokens = subword",
        "source.path = out/raw | dataset.path ((text): 1): is replaced as a whole, so out/raw must not lie in it; give it a folder of its own",
        "dataset.rebuild-from = \"2024-01-01T00:00:00Z\" | dataset.rebuild-from ((text): 2): is for telemetry, and text has no times: set dataset.incremental = true, which finds out what is new",
        "source.format = delta | source.columns.id: is required with source.format = delta: its rows have no file and line that stay, to be named by",
        "source { format = jdbc, columns.id = id }, dataset.incremental = true | dataset.incremental ((text): 2): needs files that are added and replaced as they are, [text, csv, json, parquet, orc, avro], but source.format is \"jdbc\"",
        "source { format = jdbc, columns.id = id }, dataset.layout = stream | source.format ((text): 2): must be one of [text, csv, json, parquet, orc, avro] with dataset.layout = stream, but is \"jdbc\": its rows have no order that stays, and a stream needs one",
        "dataset.incremental = true, reject.path = out.tokens | reject.path ((text): 2): is replaced as a whole, so out.tokens must not lie in it; give it a folder of its own",
        "text.classes = [a, b] | text.classes ((text): 2): needs source.columns.label, the column with the class of each document",
        "text.classes = [a, b], dataset.layout = stream | text.classes ((text): 2): must be [] with dataset.layout = stream: a stream has no labels",
        "split.by = series | split.by ((text): 2): is for telemetry: of text, split.validation and split.test are shares, and train is the rest. Leave it out",
        "split.train = 0.8 | split.train ((text): 2): is for telemetry:",
        "split.embargo = 0 | split.embargo ((text): 2): is for telemetry:",
        "split.test-series = [a] | split.test-series ((text): 2): is for telemetry:",
        "text { tokens = character, punctuation = drop } | text.punctuation ((text): 2): must be keep with text.tokens = character: drop is for word",
        "dataset.layout = stream, text.max-tokens = 100 | text.max-tokens ((text): 2): must be 0 with dataset.layout = stream, which is never cut, but is 100",
        "dataset.layout = stream, text.truncate = start | text.truncate ((text): 2): needs dataset.layout = documents: a stream is never cut",
        "dataset.layout = stream, split.seed = 5 | split.seed ((text): 2): needs dataset.layout = documents: splits of a stream follow the order of the text, and nothing is drawn. Leave it out",
        "text.vocabulary { path = known, min-count = 5 } | text.vocabulary.min-count ((text): 2): must be 1 with text.vocabulary.path, whose tokens are all kept, but is 5",
        "text { tokens = subword, tokenizer-path = t.json, vocabulary.max-size = 300 } | text.vocabulary.max-size ((text): 2): must be 0 with text.tokens = subword, whose tokenizer has its own tokens, but is 300",
        "text.tokens = wrods | text.tokens ((text): 2): must be one of [word, whitespace, character, subword], but is \"wrods\"",
      })
  void whatCannotGoTogetherIsRefused(String hocon, String message) {
    assertThatThrownBy(() -> read(MINIMAL + hocon))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining(message);
  }

  @Test
  void whatHoldsAnywayMayBeSaid() {
    TextSettings settings =
        read(
            MINIMAL
                + """
                split { by = time, train = 0.7, embargo = auto, validation = 0.1 }
                text { tokens = whitespace, punctuation = keep, max-tokens = 0, truncate = end }
                text.vocabulary { path = known, min-count = 1, max-size = 0 }
                dataset.layout = stream
                """);

    assertThat(settings.text().maxTokens()).isZero();
    assertThat(settings.text().vocabulary())
        .isEqualTo(new VocabularyRule(1, 0, "known", null, "<unk>"));
  }

  @Test
  void theHashIsOfWhatDecidesTheRows() {
    String hash = read(MINIMAL).hash();

    assertThat(read(MINIMAL + "dataset { path = elsewhere, partitions = 9 }").hash())
        .isEqualTo(hash);
    assertThat(read(MINIMAL + "source.options { password = hunter2 }").hash()).isEqualTo(hash);
    assertThat(read(MINIMAL + "source.options { password = hunter2 }").preparation().toString())
        .doesNotContain("hunter2");
    assertThat(read(MINIMAL + "text.max-tokens = 399").hash()).isNotEqualTo(hash);
    assertThat(read(MINIMAL + "dataset.codec = gzip").hash()).isNotEqualTo(hash);
  }
}
