package io.sluice.sequences.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.ManifestJson;
import io.sluice.sequences.text.KeptTokens.Built;
import io.sluice.sequences.text.KeptTokens.FileState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which files' tokens are kept, over builds, cut-off ones among them; see also IncrementalTest. */
class KeptTokensTest {
  private static final FileState A = new FileState(0, "a", 100, 1);
  private static final FileState B = new FileState(0, "b", 50, 1);
  private static final FileState LATER_A = new FileState(0, "a", 100, 2);

  @TempDir Path folder;

  private KeptTokens open() {
    return KeptTokens.open(folder + "/dataset", new Configuration());
  }

  private Path tokens() {
    return folder.resolve("dataset.tokens");
  }

  /** With a rejects table, which is there. */
  private Built built() {
    return new Built("seal", "files", folder.toString(), List.of("look at this"));
  }

  private Optional<Built> found(String seal, String files) {
    return open().built(seal, files, folder.toString());
  }

  private static void writeGeneration(KeptTokens kept) throws IOException {
    Path generation = Files.createDirectory(Path.of(kept.nextFolder()));
    Files.createFile(generation.resolve("_SUCCESS"));
  }

  /** A and B, and what was built of them. */
  private KeptTokens keptTwo() throws IOException {
    KeptTokens kept = open();
    kept.require("reading");
    writeGeneration(kept);
    kept.add(List.of(A, B));
    kept.published(built());
    return kept;
  }

  @Test
  void aFileOfAnotherTimeIsAnotherFile() throws IOException {
    keptTwo();

    KeptTokens kept = open();

    assertThat(found("seal", "files")).contains(built());
    assertThat(found("seal", "other")).isEmpty();
    assertThat(found("other", "files")).isEmpty();
    assertThat(kept.missing(List.of(A, B))).isEmpty();
    assertThat(kept.missing(List.of(LATER_A, B))).containsExactly(LATER_A);
    kept.require("reading");
    assertThat(kept.missing(List.of(A))).isEmpty();
    kept.require("another");
    assertThat(kept.missing(List.of(A))).containsExactly(A);
    assertThat(found("seal", "files")).isEmpty();
    assertThat(tokens()).isDirectoryNotContaining("glob:**/generation-*");
  }

  @Test
  void aBuildIsNoneThatLeftItsRejectsElsewhereOrHasLostThemOrNotedNone() throws IOException {
    KeptTokens kept = keptTwo();
    String lost = folder + "/lost";

    assertThat(kept.built("seal", "files", tokens().toString())).isEmpty();
    kept.published(new Built("seal", "files", lost, List.of()));
    assertThat(kept.built("seal", "files", lost)).isEmpty();
    // as it was written before rejects and warnings were noted: the tokens stay
    Path index = tokens().resolve("index.json");
    JsonNode tree = ManifestJson.mapper().readTree(index.toFile());
    ((ObjectNode) tree.get("built")).remove(List.of("rejects", "warnings"));
    Files.writeString(index, tree.toString());
    assertThat(found("seal", "files")).isEmpty();
    assertThat(open().missing(List.of(A, B))).isEmpty();
  }

  @Test
  void whatABuildLeftThatWasCutOffIsDeleted() throws IOException {
    Path half = Files.createDirectory(Path.of(keptTwo().nextFolder()));

    KeptTokens kept = open();

    assertThat(half).doesNotExist();
    assertThat(kept.missing(List.of(A, B))).isEmpty();
  }

  /** The index is written before any token: a build may die when that is all there is. */
  @Test
  void aBuildThatDiedAtItsFirstIndexIsNoForeignFolder() throws IOException {
    Files.createDirectories(tokens());
    Path half = Files.createFile(tokens().resolve(".index.json.tmp-1f"));

    KeptTokens kept = open();

    assertThat(kept.missing(List.of(A))).containsExactly(A);
    assertThat(half).doesNotExist();
  }

  @Test
  void generationsArePutTogetherWhereMostIsGoneOrThereAreMany() throws IOException {
    KeptTokens kept = keptTwo();
    assertThat(kept.isScattered(List.of(A, B))).isFalse();
    assertThat(kept.isScattered(List.of(B))).isTrue();
    for (int i = 0; i < 8; i++) {
      writeGeneration(kept);
      kept.add(List.of(new FileState(2, "more" + i, 0, 1)));
      assertThat(kept.isScattered(List.of(A, B))).isEqualTo(i == 7);
    }
    writeGeneration(kept);

    kept.replaceAll(List.of(A, B));

    assertThat(tokens().resolve("generation-00009")).exists();
    assertThat(tokens().toFile().list()).hasSize(2);
    assertThat(open().missing(List.of(A, B))).isEmpty();
  }

  @Test
  void aDamagedIndexOrALostFolderIsBegunAnewAndAForeignFolderIsLeftAlone() throws IOException {
    keptTwo();
    Path index = tokens().resolve("index.json");
    String whole = Files.readString(index);
    Files.delete(tokens().resolve("generation-00000/_SUCCESS"));
    assertThat(open().missing(List.of(A))).containsExactly(A);

    Files.writeString(index, whole.substring(9));
    assertThat(open().missing(List.of(A))).containsExactly(A);

    Files.delete(index);
    Files.createFile(tokens().resolve("mine.txt"));
    assertThatThrownBy(this::open)
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "dataset.incremental = true: %s is not a folder of kept tokens (has: [mine.txt]), and this job replaces the folder as a whole. Give it a folder of its own."
                .formatted(tokens()));
  }
}
