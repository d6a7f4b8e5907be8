package io.sluice.sequences.lake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.failure.InvalidInputException;
import io.sluice.failure.OperationFailedException;
import io.sluice.sequences.lake.TroubledFileSystem.Trouble;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LakeTest {
  private static final String USER = System.getProperty("user.name");
  private final Lake lake = Lake.of(new Configuration());
  @TempDir Path folder;

  @Test
  void textIsReplacedAndNothingIsLeftBeside() throws IOException {
    String file = folder.resolve("deep/er/manifest.json").toUri().toString();

    lake.writeTextAtomically(file, "old");
    lake.writeTextAtomically(file, "Größe: 5 µm");

    assertThat(lake.readText(file)).isEqualTo("Größe: 5 µm");
    try (Stream<Path> files = Files.list(folder.resolve("deep/er"))) {
      assertThat(files.map(f -> f.getFileName().toString())).containsExactly("manifest.json");
    }
  }

  @Test
  void ofManyThatCreateAFileAtOnceOneGetsThrough() throws Exception {
    String file = folder.resolve("claims/7").toUri().toString();
    var start = new CountDownLatch(1);
    ExecutorService threads = Executors.newFixedThreadPool(8);
    var tries = new ArrayList<Future<Boolean>>();
    for (int t = 0; t < 8; t++) {
      String text = "owner " + t;
      tries.add(
          threads.submit(
              () -> {
                start.await();
                return lake.createExclusively(file, text);
              }));
    }

    start.countDown();
    var winners = new ArrayList<String>();
    for (int t = 0; t < 8; t++) {
      if (tries.get(t).get()) {
        winners.add("owner " + t);
      }
    }
    threads.shutdown();

    assertThat(winners).hasSize(1);
    assertThat(lake.readText(file)).isEqualTo(winners.get(0));
    assertThat(lake.createExclusively(file, "too late")).isFalse();
  }

  @Test
  void foldersAreListedByNameAndByAge() throws IOException {
    for (int i = 1; i <= 3; i++) {
      Path child = Files.writeString(folder.resolve("v" + i), "");
      Files.setLastModifiedTime(child, FileTime.fromMillis(i == 2 ? 9_000_000 : 5_000_000));
    }
    Files.writeString(folder.resolve(".hidden"), "");

    assertThat(lake.children(folder.toString())).containsExactly(".hidden", "v1", "v2", "v3");
    assertThat(lake.newestChild(folder.toString())).hasValueSatisfying(n -> n.endsWith("/v2"));
    Files.setLastModifiedTime(folder.resolve("v2"), FileTime.fromMillis(5_000_000));
    assertThat(lake.newestChild(folder.toString())).hasValueSatisfying(n -> n.endsWith("/v3"));
    assertThat(lake.newestChild(folder + "/nothing")).isEmpty();
    assertThat(lake.children(folder + "/nothing")).isEmpty();
  }

  @Test
  void deletingWhatIsNotThereIsNoFailure() throws IOException {
    Files.createDirectories(folder.resolve("a/b"));

    lake.delete(folder + "/a");
    lake.delete(folder + "/a");

    assertThat(lake.exists(folder + "/a")).isFalse();
  }

  @Test
  void aMissingPathIsBadInput() {
    assertThatThrownBy(() -> lake.requireReadable(folder + "/raw", "source"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "The source at %s/raw does not exist. Check the path, or run the job that writes it."
                .formatted(folder));
    assertThatThrownBy(() -> lake.readText(folder + "/raw"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("The file at " + folder + "/raw does not exist.");
  }

  @Test
  void anUnknownSchemeAsksForItsJar() {
    assertThatThrownBy(() -> lake.requireReadable("s9://bucket/raw", "source"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "Cannot read the source at s9://bucket/raw: No FileSystem for scheme \"s9\". Put the"
                + " file system's jar on the class path (spark-submit --packages).");
  }

  @Test
  void anUnreadableFileIsAMatterOfPermissionThoughJavaCallsItMissing() throws IOException {
    Files.writeString(folder.resolve("a.txt"), "a");
    Lake troubled = Lake.of(TroubledFileSystem.with(Trouble.READS_ARE_FORBIDDEN));

    assertThatThrownBy(() -> troubled.readText("troubled:" + folder + "/a.txt", "manifest"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "Cannot read the manifest at troubled:%s/a.txt: no permission (%s/a.txt (Permission denied)). Grant user %s read access to it."
                .formatted(folder, folder, USER));
    assertThatThrownBy(() -> troubled.requireReadable("troubled:" + folder, "source"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("no permission (Permission denied: user=plant")
        .hasMessageEndingWith("Grant user %s read access to it.".formatted(USER));
  }

  @ParameterizedTest
  @EnumSource(names = {"DISK_IS_FULL", "NO_DATA_NODE_HAS_ROOM", "DEV_FULL"})
  void aFullDiskLeavesTheOldTextAndSaysSo(Trouble trouble) throws IOException {
    Assumptions.assumeTrue(
        trouble != Trouble.DEV_FULL || Files.exists(Path.of("/dev/full")), "no /dev/full here");
    Files.writeString(folder.resolve("a.txt"), "old");
    Lake troubled = Lake.of(TroubledFileSystem.with(trouble));
    String file = "troubled:" + folder + "/a.txt";

    assertThatThrownBy(() -> troubled.writeTextAtomically(file, "a text of some length"))
        .isInstanceOf(OperationFailedException.class)
        .hasMessageStartingWith("Cannot write " + file + ": no space left (")
        .hasMessageEndingWith("). Free space there or choose another path.");

    assertThat(lake.readText(folder + "/a.txt")).isEqualTo("old");
    assertThat(lake.children(folder.toString())).containsExactly("a.txt");
  }

  @Test
  void withoutWritePermissionNothingIsWritten() {
    Lake troubled = Lake.of(TroubledFileSystem.with(Trouble.WRITES_ARE_FORBIDDEN));
    String file = "troubled:" + folder + "/a.txt";

    assertThatThrownBy(() -> troubled.writeTextAtomically(file, "text"))
        .isInstanceOf(OperationFailedException.class)
        .hasMessage(
            "Cannot write %s: no permission (Permission denied: user=plant, access=WRITE). Grant user %s write access or choose another path."
                .formatted(file, USER));
    assertThatThrownBy(() -> troubled.createFolder("troubled:" + folder + "/b"))
        .isInstanceOf(OperationFailedException.class)
        .hasMessageContaining("no permission");
  }
}
