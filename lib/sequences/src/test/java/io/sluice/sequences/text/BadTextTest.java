package io.sluice.sequences.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.Split;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sources that cannot be used, or hardly: one message each, or one warning. */
class BadTextTest {
  @TempDir Path folder;

  private void assertRefused(TextBuild build, String message) {
    assertThatThrownBy(build::run).isInstanceOf(InvalidInputException.class).hasMessage(message);
    assertThat(folder.resolve("dataset")).doesNotExist();
  }

  @Test
  void aFolderWithoutFilesIsNamed() throws IOException {
    Path empty = Files.createDirectory(folder.resolve("empty"));

    assertRefused(
        TextBuild.in(folder).source("path", empty),
        "source.path %s holds no files. Give a path with data.".formatted(empty));
  }

  @Test
  void aTokenizerThatIsNoneIsNamed() {
    TextBuild build = TextBuild.in(folder).text("t.txt", "good\n").with("text.tokens = subword");
    Path json = build.bytes("tokenizer.json", "{\"model\":3}".getBytes());

    assertRefused(
        build.with("text.tokenizer-path = \"%s\"".formatted(json)),
        "text.tokenizer-path %s cannot be read: it has no model.vocab. Give text.tokenizer-path a tokenizer.json as Hugging Face's tokenizers write it."
            .formatted(json));
    build.bytes("tokenizer.json", "{".getBytes());
    assertThatThrownBy(build::run)
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(
            "text.tokenizer-path %s cannot be read: it is not JSON: ".formatted(json));
  }

  @Test
  void aColumnThatIsNotThereIsNamedWithItsNearMiss() {
    assertRefused(
        TextBuild.in(folder).csv("id,review\n1,good\n").with("source.columns.text = reviews"),
        "source.path %s/source.csv has no column \"reviews\" (source.columns.text); did you mean review?"
            .formatted(folder));
    assertRefused(
        TextBuild.in(folder).csv("id,text\n1,good\n").with("source.columns.label = stars"),
        "source.path %s/source.csv has no column \"stars\" (source.columns.label); this place has [id, text]"
            .formatted(folder));
  }

  @Test
  void aBrokenGzipFileIsNamedWhicheverSourceItIsOf() throws IOException {
    var noise = new byte[200_000];
    new Random(1).nextBytes(noise);
    var bytes = new ByteArrayOutputStream();
    try (var out = new GZIPOutputStream(bytes)) {
      out.write(java.util.Base64.getMimeEncoder().encode(noise));
    }
    byte[] broken = bytes.toByteArray();
    broken[broken.length / 2] ^= 0x55;
    TextBuild build = TextBuild.in(folder).text("t.txt", "good\n");
    Path test = folder.resolve("broken.txt.gz");
    Files.write(test, broken);

    assertThatThrownBy(() -> build.source("test-path", test).run())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(
            "Cannot read %1$s/broken.txt.gz of the sources (source.path %1$s/t.txt, source.test-path %1$s/broken.txt.gz): "
                .formatted(folder))
        .hasMessageEndingWith(". Replace the file or leave it out.");
  }

  @Test
  void aColumnOfThousandsOfLabelsIsNoClass() {
    String rows =
        IntStream.rangeClosed(0, 10_000)
            .mapToObj("text,%d"::formatted)
            .collect(Collectors.joining("\n"));

    assertRefused(
        TextBuild.in(folder).csv("text,label\n" + rows).with("source.columns.label = label"),
        "source.columns.label = label has more than 10000 different values in the train split: it is no class. Name the label's column, or list text.classes.");
  }

  @Test
  void oneClassAloneAndNamesThatStandTwiceAreWarnedOf() {
    TextBuild build =
        TextBuild.in(folder)
            .csv("id,label,text\nb,pos,good\na,pos,fine\na,pos,bad\nb,pos,good\n")
            .with("source.columns { id = id, label = label }");

    TextReport report = build.run();

    assertThat(report.warnings())
        .containsExactly(
            "2 names in source.columns.id = id stand more than once, a for one: every document is kept, and what is said of them later cannot be told apart by name. Give each a name of its own.",
            "Every document of the train split has the label pos: there is nothing to tell apart. Check source.columns.label and the source.");
    assertThat(report.splits().get("train").documents()).isEqualTo(4);
  }

  @Test
  void foldersOfAPartitionedSourceAreColumns() {
    TextBuild build = TextBuild.in(folder);
    build.bytes("raw/lang=de/mood=2/x.csv", "text\ngut\n".getBytes());
    build.bytes("raw/lang=en/mood=10/x.csv.gz", "text\ngood\n".getBytes());

    build
        .source("path", folder.resolve("raw"))
        .with("source { format = csv, columns { id = lang, label = mood } }")
        .run();

    assertThat(build.documents(Split.TRAIN))
        .containsExactly(entry("de", "gut | 0"), entry("en", "good | 1"));
    assertThat(build.manifest().contract().classes()).containsExactly("2", "10");
  }
}
