package io.sluice.sequences.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.failure.InvalidInputException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import org.apache.commons.io.FileUtils;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A rerun does what has changed, and what it leaves is the dataset of a full build, to the byte.
 */
class IncrementalTest {
  @TempDir Path folder;

  private TextBuild build;
  private int clock;

  @BeforeEach
  void reviews() {
    build =
        TextBuild.in(folder)
            .with("dataset.incremental = true, reject.max-share = 0.2")
            .with("source { format = csv, columns { id = id, label = label } }")
            .with("split.validation = 0.3")
            .source("path", folder.resolve("train"))
            .source("test-path", folder.resolve("test"));
    csv("train/a.csv", "a1,pos,good good film", "a2,neg,bad film", "a3,pos,fine", "a4,neg,");
    csv("train/b c.csv", "b1,neg,boring bad film", "b2,pos,good fine", "b3,neg,bad");
    csv("test/t.csv", "t1,pos,good film", "t2,neg,bad zebra");
  }

  private void csv(String name, String... rows) {
    write(name, "id,label,text\n" + String.join("\n", rows) + "\n");
  }

  /** Each file a second after the one before, so that no two states of one are equal. */
  private void write(String name, String text) {
    Path file = build.bytes(name, text.getBytes(StandardCharsets.UTF_8));
    try {
      Files.setLastModifiedTime(file, FileTime.fromMillis(1_700_000_000_000L + 1000 * clock++));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void assertEqualsFullBuild() {
    Path full = folder.resolve("full");
    build.with("dataset { path = \"%s\", incremental = false }".formatted(full)).run();
    build.with("dataset { path = \"%s\", incremental = true }".formatted(build.dataset()));
    assertThat(build.files()).isEqualTo(TextBuild.files(full));
  }

  private static void assertDone(TextReport report, int tokenisedFiles, String... writtenSplits) {
    assertThat(report.tokenisedFiles()).isEqualTo(tokenisedFiles);
    assertThat(report.writtenSplits()).containsExactly(writtenSplits);
  }

  @Test
  void whatHasNotChangedIsNotDoneAgain() throws IOException {
    assertDone(build.run(), 3, "train", "validation", "test");
    var before = Files.readAttributes(build.dataset(), "unix:ino").get("ino");

    TextReport unchanged = build.run();

    assertDone(unchanged, 0);
    assertThat(Files.readAttributes(build.dataset(), "unix:ino").get("ino")).isEqualTo(before);
    assertThat(unchanged.documents()).isEqualTo(9);
    assertThat(unchanged.rejectedDocuments()).isEqualTo(Map.of("text-missing", 1L));
    // a test file more: neither the words nor their ids change
    csv("test/u.csv", "u1,neg,boring film", "u2,pos,fine and good");
    assertDone(build.run(), 1, "test");
    // one of train is another, of the same length
    csv("train/a.csv", "a1,pos,nice nice film", "a2,neg,bad film", "a3,pos,fine", "a4,neg,");
    Files.delete(folder.resolve("test/t.csv"));
    assertDone(build.run(), 1, "train", "validation", "test");
    // a test document takes one out of train; the tokens stay whatever is done with duplicates
    csv("test/v.csv", "v1,neg,Boring BAD film");
    build.with("text.duplicates = drop");
    assertDone(build.run(), 1, "train", "validation", "test");
    // a file of the dataset is lost
    Files.delete(build.dataset().resolve("split=test/part-00000.parquet"));
    assertDone(build.run(), 0, "train", "validation", "test");
    assertEqualsFullBuild();
    // other tokens
    assertDone(build.with("text.lowercase = false").run(), 4, "train", "validation", "test");
  }

  @Test
  void anUnchangedRerunSaysWhatTheBuildSaidAndLeavesItsRejectsWhereTheyAreAskedFor()
      throws IOException {
    csv("test/t.csv", "t,pos,good good film", "t,neg,bad zebra");
    TextReport first = build.run();
    assertThat(first.warnings()).hasSize(2);

    TextReport unchanged = build.run();

    assertDone(unchanged, 0);
    assertThat(unchanged.warnings()).isEqualTo(first.warnings());
    assertThat(unchanged.rejects()).isEqualTo(first.rejects());
    Path elsewhere = folder.resolve("elsewhere");
    build.with("reject.path = \"%s\"".formatted(elsewhere));
    for (int run = 0; run < 2; run++) {
      TextReport moved = build.run();
      assertDone(moved, 0);
      assertThat(moved.warnings()).isEqualTo(first.warnings());
      assertThat(moved.rejects()).isEqualTo(elsewhere.toString());
      assertThat(elsewhere).isDirectoryContaining("glob:**.parquet");
      FileUtils.deleteDirectory(elsewhere.toFile());
    }
  }

  @Test
  void filesThatAreBackAfterABuildThatFailedGetTheirRejectsBack() throws IOException {
    build.run();
    List<String> rejects = build.rejects();
    csv("train/z.csv", "z1,pos,", "z2,pos,", "z3,pos,");
    assertThatThrownBy(build::run).isInstanceOf(InvalidInputException.class);
    assertThat(build.rejects()).hasSize(4);
    Files.delete(folder.resolve("train/z.csv"));

    TextReport back = build.run();

    assertDone(back, 0);
    assertThat(build.rejects()).isEqualTo(rejects).hasSize(1);
  }

  @Test
  void aStreamGoesOnWhereAFileComesBetween() {
    build =
        TextBuild.in(folder)
            .with("dataset { layout = stream, incremental = true }, text.line-end = \"|\"")
            .source("path", folder.resolve("raw"))
            .source("test-path", folder.resolve("t.txt"));
    write("raw/a.txt", "a b\nc\n");
    write("raw/c.txt", "c d\n");
    write("t.txt", "a b\n");
    assertDone(build.run(), 3, "train", "test");

    write("raw/b.txt", "c c a\n");

    assertDone(build.run(), 1, "train", "test");
    assertEqualsFullBuild();
  }
}
