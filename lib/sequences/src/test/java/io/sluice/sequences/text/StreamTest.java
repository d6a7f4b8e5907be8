package io.sluice.sequences.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.config.InvalidConfigException;
import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.dataset.TextColumns;
import io.sluice.sequences.text.dataset.TextManifest;
import io.sluice.sequences.text.dataset.Truncation;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Layout stream, from raw files to what a reader sees. */
class StreamTest {
  @TempDir Path folder;

  private TextBuild stream() {
    return TextBuild.in(folder)
        .with("dataset.layout = stream")
        .with("text { tokens = whitespace, unicode = none, lowercase = false }")
        .with("text.line-end = \"<eos>\"");
  }

  @Test
  void linesFollowOneAnotherInTheOrderOfFilesAndLines() {
    TextBuild build = stream();
    build.bytes("raw/b.txt", "b1 b2\nb3\n".getBytes());
    build.bytes("raw/a.txt.gz", "a1 <unk> a1\n\na2\n".getBytes());
    Path test = build.bytes("test.txt", "b2 new <pad>\n".getBytes());

    TextReport report = build.source("path", folder.resolve("raw")).source("test-path", test).run();

    // an empty line of a file is a document without tokens: it has no end of its own
    assertThat(build.stream(Split.TRAIN))
        .containsExactly(
            "a1", "<unk>", "a1", "<eos>", "a2", "<eos>", "b1", "b2", "<eos>", "b3", "<eos>");
    assertThat(build.stream(Split.TEST)).containsExactly("b2", "<unk>", "<unk>", "<eos>");
    // <unk> that stands in the text is the unknown token, and no pad is needed
    assertThat(build.open().vocabulary().toText().lines().map(l -> l.replaceAll("\\{|\\}|\"", "")))
        .startsWith(
            "id:0,token:<unk>,count:1", "id:1,token:<eos>,count:4", "id:2,token:a1,count:2");
    assertThat(build.manifest().contract().padId()).isNull();
    TextManifest.SplitSummary summary = build.manifest().splits().get("test");
    assertThat(summary.tokens()).isEqualTo(4);
    assertThat(summary.unknownTokens()).isEqualTo(2);
    assertThat(report.audit().passed()).as(report.audit().toString()).isTrue();
  }

  @Test
  void blocksAndPartsAreNoBorders() {
    int lines = 3000;
    var random = new Random(3);
    var text = new StringBuilder();
    var tokens = new ArrayList<String>();
    for (int i = 0; i < lines; i++) {
      for (int n = random.nextInt(12); n >= 0; n--) {
        String token = "w" + random.nextInt(50);
        tokens.add(token);
        text.append(token).append(' ');
      }
      tokens.add("<eos>");
      text.append('\n');
    }
    TextBuild build = stream().text("long.txt", text.toString());

    build.run();

    assertThat(tokens.size()).isGreaterThan(3 * TextColumns.BLOCK_TOKENS);
    assertThat(build.stream(Split.TRAIN)).isEqualTo(tokens);
  }

  @Test
  void sharesAreCutInOrder() {
    var text = new StringBuilder();
    for (int i = 0; i < 100; i++) {
      text.append("line").append(i).append('\n');
    }
    TextBuild build =
        stream().text("t.txt", text.toString()).with("split { validation = 0.1, test = 0.2 }");

    build.run();

    assertThat(build.stream(Split.TRAIN)).hasSize(140).endsWith("line69", "<eos>");
    // not in the train split's vocabulary, but for the end of a line
    assertThat(build.stream(Split.VALIDATION)).hasSize(20).containsOnly("<unk>", "<eos>");
    assertThat(build.stream(Split.TEST)).hasSize(40);
    assertThat(build.manifest().splits().get("test").unknownShare()).isEqualTo(0.5);
  }

  /** Lines are whole; the one line of a text such as text8 has to be cut where the shares say. */
  @Test
  void aTextOfOneLineIsCutWithinIt() {
    var words = new ArrayList<String>();
    for (int i = 0; i < 100; i++) {
      words.add("w" + i % 7);
    }
    TextBuild build =
        stream()
            .text("t.txt", String.join(" ", words))
            .with("text.line-end = null, split { validation = 0.1, test = 0.2 }")
            .with("dataset.incremental = true");

    TextReport report = build.run();

    assertThat(build.stream(Split.TRAIN)).isEqualTo(words.subList(0, 70));
    assertThat(build.stream(Split.VALIDATION)).isEqualTo(words.subList(70, 80));
    assertThat(build.stream(Split.TEST)).isEqualTo(words.subList(80, 100));
    assertThat(report.warnings()).isEmpty();
    assertThat(report.audit().passed()).as(report.audit().toString()).isTrue();
    assertThat(report.duplicates().exact().values()).containsOnly(0L);
    // 100 words of 2 letters and 99 blanks, in proportion to the tokens
    assertThat(report.splits().get("train").characters()).isEqualTo(299 * 70 / 100);
    assertThat(
            report.splits().values().stream()
                .mapToLong(TextManifest.SplitSummary::characters)
                .sum())
        .isEqualTo(299);
    // more shares: the tokens are kept, the cuts are others
    TextReport again = build.with("split.validation = 0").run();
    assertThat(again.tokenisedFiles()).isZero();
    assertThat(build.stream(Split.TRAIN)).isEqualTo(words.subList(0, 80));
    assertThat(build.stream(Split.TEST)).isEqualTo(words.subList(80, 100));
  }

  @Test
  void charactersAreCountedWithTheBreaksOfLines() {
    Path test = stream().bytes("test.txt", "été 😀\n".getBytes(StandardCharsets.UTF_8));
    TextBuild build = stream().text("t.txt", "one  two\n\nthree\n").source("test-path", test);

    TextReport report = build.run();

    // the second line is empty, and so no document
    assertThat(report.splits().get("train").characters()).isEqualTo(9 + 6);
    assertThat(report.splits().get("test").characters()).isEqualTo(6);
    assertThat(report.splits().get("validation").characters()).isZero();
    assertThat(report.splits().get("train").lengthRuns()).isNull();
    assertThat(build.with("text.line-end = null").run().splits().get("train").characters())
        .isEqualTo(8 + 5);
  }

  @Test
  void aStreamOfOneTokenIsBuiltAndCannotBeRead() {
    TextBuild build = stream().text("t.txt", "one\n").with("text.line-end = null");

    build.run();

    assertThatThrownBy(() -> build.open().streams(Split.TRAIN, 1, Truncation.every(5), 0, 1))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "The train split of %s has 1 tokens: 1 streams get 1 each, and a stream needs at least 2. Give more text."
                .formatted(build.dataset()));
  }

  @Test
  void noTokenAtAllIsRefused() {
    assertThatThrownBy(() -> stream().text("t.txt", "  \n").with("text.line-end = null").run())
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "source.path %s/t.txt leaves nothing to train on: the train split has 0 documents and no token. Give more text, or lower split.validation and split.test."
                .formatted(folder));
  }

  @Test
  void labelsAndDroppedDuplicatesDoNotGoWithAStream() {
    assertThatThrownBy(
            () -> stream().text("t.txt", "a\n").with("source.columns.label = label").settings())
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining("needs dataset.layout = documents: a stream has no labels");
    assertThatThrownBy(
            () -> stream().text("t.txt", "a\n").with("text.duplicates = drop").settings())
        .hasMessageContaining(
            "must be keep or fail with dataset.layout = stream: a text with lines left out is another");
    assertThatThrownBy(() -> stream().text("t.txt", "a\n").with("text.tokens = subword").settings())
        .hasMessageContaining("text.tokenizer-path: is required with text.tokens = subword");
  }

  @Test
  void theOrderIsThatOfTheSourceHoweverSparkCutsIt() {
    var lines = new ArrayList<String>();
    for (int i = 0; i < 5000; i++) {
      lines.add("token%d next".formatted(i));
    }
    TextBuild build = stream().text("t.txt", String.join("\n", lines) + "\n");
    build.run();
    var whole = build.files();

    var spark = io.sluice.sequences.SparkExtension.session();
    spark.conf().set("spark.sql.files.maxPartitionBytes", "7000b");
    try {
      build.with("dataset.partitions = 5").run();
    } finally {
      spark.conf().unset("spark.sql.files.maxPartitionBytes");
    }

    assertThat(build.files()).isEqualTo(whole);
    assertThat(build.stream(Split.TRAIN).subList(0, 4))
        .isEqualTo(List.of("token0", "next", "<eos>", "token1"));
  }
}
