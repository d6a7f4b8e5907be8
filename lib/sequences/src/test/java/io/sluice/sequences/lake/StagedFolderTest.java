package io.sluice.sequences.lake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.failure.OperationFailedException;
import io.sluice.sequences.lake.TroubledFileSystem.Trouble;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class StagedFolderTest {
  private static final Duration TEN_MINUTES = Duration.ofMinutes(10);
  private final Configuration hadoop = new Configuration();
  @TempDir Path folder;
  private String target;

  @BeforeEach
  void nameTheTarget() {
    target = folder.resolve("dataset").toString();
  }

  @Test
  void aPublishedFolderTakesThePlaceOfTheOldOne() throws IOException {
    publish("1", "a.txt", "b.txt");
    assertThat(contents()).containsExactly("a.txt=1", "b.txt=1");

    publish("2", "b.txt", "c.txt");

    assertThat(contents()).containsExactly("b.txt=2", "c.txt=2");
    assertThat(siblings()).containsExactly("dataset");
  }

  @Test
  void anUnpublishedFolderLeavesNoTrace() throws IOException {
    publish("1", "a.txt");

    try (var staged = StagedFolder.open(target, "run-2", TEN_MINUTES, hadoop)) {
      Lake.of(hadoop).writeTextAtomically(staged.uri() + "/a.txt", "2");
    }

    assertThat(contents()).containsExactly("a.txt=1");
    assertThat(siblings()).containsExactly("dataset");
  }

  @Test
  void partsOfTheOldFolderCanBeKept() throws IOException {
    publish("1", "split=train/period=1/part.parquet", "split=train/period=2/part.parquet");

    try (var staged = StagedFolder.open(target, "run-2", TEN_MINUTES, hadoop)) {
      staged.keep("split=train/period=1");
      Lake.of(hadoop).writeTextAtomically(staged.uri() + "/split=train/period=2/part.parquet", "2");
      staged.publish();
    }

    assertThat(contents())
        .containsExactly(
            "split=train/period=1/part.parquet=1", "split=train/period=2/part.parquet=2");
  }

  @Test
  void aSecondPublisherFailsBeforeItWritesAnything() throws IOException {
    try (var staged = StagedFolder.open(target, "run-1", TEN_MINUTES, hadoop)) {
      assertThatThrownBy(() -> StagedFolder.open(target, "run-2", TEN_MINUTES, hadoop))
          .isInstanceOf(OperationFailedException.class)
          .hasMessageContaining("run run-1 on host");
      assertThat(siblings()).containsExactly("dataset.lock", "dataset.staging-run-1");
    }
  }

  /** A process is killed at a chosen moment; whoever comes next finds the old folder whole. */
  @ParameterizedTest
  @EnumSource(names = {"NONE", "STOPS_BETWEEN_RENAMES"})
  void aKilledPublisherLeavesTheOldFolder(Trouble moment) throws Exception {
    publish("1", "a.txt", "b.txt");
    Process child = startAndKill(moment);
    assertThat(child.exitValue()).isEqualTo(137); // 128 + SIGKILL
    assertThat(siblings())
        .containsExactlyElementsOf(
            moment == Trouble.NONE
                ? List.of("dataset", "dataset.lock", "dataset.staging-child")
                : List.of("dataset.lock", "dataset.old-child", "dataset.staging-child"));

    StagedFolder.recover(target, hadoop);

    assertThat(contents()).containsExactly("a.txt=1", "b.txt=1");
    publish("3", "c.txt");
    assertThat(contents()).containsExactly("c.txt=3");
    assertThat(siblings()).containsExactly("dataset");
  }

  @Test
  void theNextPublisherRecoversWithoutAReaderToo() throws Exception {
    publish("1", "a.txt", "b.txt");
    startAndKill(Trouble.STOPS_BETWEEN_RENAMES);

    try (var staged = StagedFolder.open(target, "run-3", TEN_MINUTES, hadoop)) {
      assertThat(contents()).containsExactly("a.txt=1", "b.txt=1");
      staged.keep("a.txt");
      staged.publish();
    }

    assertThat(contents()).containsExactly("a.txt=1");
    assertThat(siblings()).containsExactly("dataset");
  }

  @Test
  void aReaderWaitsWhileALivingRunIsBetweenTheRenames() throws Exception {
    Files.createDirectories(Path.of(target + ".old-run-1"));
    Files.writeString(Path.of(target + ".old-run-1/a.txt"), "1");
    Files.createDirectories(Path.of(target + ".staging-run-1"));
    Files.writeString(Path.of(target + ".staging-run-1/a.txt"), "2");
    var lock = PublishLock.acquire(target, "run-1", TEN_MINUTES, hadoop);

    var reader = new Thread(() -> StagedFolder.recover(target, hadoop));
    reader.start();
    reader.join(500);
    assertThat(reader.isAlive()).isTrue();
    Files.move(Path.of(target + ".staging-run-1"), Path.of(target));
    lock.close();
    reader.join(5000);

    assertThat(reader.isAlive()).isFalse();
    assertThat(contents()).containsExactly("a.txt=2");
  }

  @Test
  void aRefusedRenameIsAFailureAndTheOldFolderStays() throws IOException {
    publish("1", "a.txt");
    Configuration troubled = TroubledFileSystem.with(Trouble.RENAMES_ARE_REFUSED);

    try (var staged = StagedFolder.open("troubled:" + target, "run-2", TEN_MINUTES, troubled)) {
      assertThatThrownBy(staged::publish)
          .isInstanceOf(OperationFailedException.class)
          .hasMessageContaining("Cannot write troubled:" + target + ".old-run-2: renaming");
    }

    assertThat(contents()).containsExactly("a.txt=1");
  }

  @Test
  void publishingTwiceIsAMistakeOfTheProgram() {
    try (var staged = StagedFolder.open(target, "run-1", TEN_MINUTES, hadoop)) {
      staged.publish();

      assertThatThrownBy(staged::publish).isInstanceOf(IllegalStateException.class);
    }
  }

  /** Child process: stages a folder; publishes it into a trap, or stops before. */
  static final class Child {
    public static void main(String[] args) throws Exception {
      Trouble moment = Trouble.valueOf(args[1]);
      Configuration conf = TroubledFileSystem.with(moment);
      try (var staged = StagedFolder.open("troubled:" + args[0], "child", TEN_MINUTES, conf)) {
        Lake.of(new Configuration())
            .writeTextAtomically(staged.uri().replace("troubled:", "file:") + "/a.txt", "2");
        if (moment == Trouble.NONE) {
          System.out.println("before the renames");
          Thread.sleep(Long.MAX_VALUE);
        }
        staged.publish();
      }
    }
  }

  private Process startAndKill(Trouble moment) throws Exception {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-cp");
    command.add(
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
    command.add(Child.class.getName());
    command.add(target);
    command.add(moment.name());
    Process child =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    try (var out =
        new BufferedReader(new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8))) {
      assertThat(out.readLine()).endsWith(" the renames");
    } finally {
      child.destroyForcibly();
    }
    assertThat(child.waitFor(30, TimeUnit.SECONDS)).isTrue();
    return child;
  }

  private void publish(String text, String... files) {
    try (var staged = StagedFolder.open(target, "run-" + text, TEN_MINUTES, hadoop)) {
      for (String file : files) {
        Lake.of(hadoop).writeTextAtomically(staged.uri() + "/" + file, text);
      }
      staged.publish();
    }
  }

  private List<String> contents() throws IOException {
    try (Stream<Path> files = Files.walk(Path.of(target))) {
      return files
          .filter(Files::isRegularFile)
          .map(
              file -> {
                try {
                  return Path.of(target).relativize(file) + "=" + Files.readString(file);
                } catch (IOException e) {
                  throw new java.io.UncheckedIOException(e);
                }
              })
          .sorted()
          .toList();
    }
  }

  private List<String> siblings() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }
}
