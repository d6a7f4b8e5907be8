package io.sluice.training.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.failure.OperationFailedException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointWriterTest {
  private static final Map<String, String> SETTINGS = Map.of("train.seed", "1");

  @TempDir Path folder;
  private final BlockingQueue<String> written = new LinkedBlockingQueue<>();
  private CheckpointStore store;
  private CheckpointWriter writer;

  @BeforeEach
  void open() {
    store = CheckpointStore.open("filling:" + folder, 9, FillingDisk.configuration());
    writer = new CheckpointWriter(store, () -> {}, written::add);
  }

  @AfterEach
  void close() {
    writer.close();
    FillingDisk.setFull(false);
  }

  private static Checkpoint at(long step) {
    return new Checkpoint(
        new Checkpoint.Position(0, (int) step, step, 0, 0, 1, 1, 0, 1, 0, 1, List.of(), 0, null),
        SETTINGS,
        new float[] {step, 1, 2},
        new float[500],
        new float[0],
        new float[] {3});
  }

  private void save(long... steps) {
    for (long step : steps) {
      writer.save(at(step));
    }
  }

  private List<String> files() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private static String name(long step) {
    return "epoch-00000-step-%09d.checkpoint".formatted(step);
  }

  /** What was handed over is on the disk, or has failed. */
  private void settle(long step) throws InterruptedException {
    save(step);
    assertThat(written.poll(10, TimeUnit.SECONDS)).endsWith(name(step));
  }

  @Test
  void theThirdFailureInARowEndsTheRunAndLeavesTheLastGoodOneAlone() throws Exception {
    settle(1);
    FillingDisk.setFull(true);
    save(2, 3, 4);

    assertThatThrownBy(() -> save(5))
        .isInstanceOf(OperationFailedException.class)
        .hasMessage(
            "Cannot write checkpoint filling:%s/%s: No space left on device. Free space, or set train.checkpoint.path to a folder this run may write; resume continues from the checkpoint before.",
            folder, name(4));

    assertThat(files()).containsExactly(name(1));
    CheckpointStore.Found found = store.newest(SETTINGS).orElseThrow();
    assertThat(found.checkpoint().parameters()).isEqualTo(at(1).parameters());
  }

  @Test
  void aDiskThatIsFreeAgainForgivesTheFailuresBefore() throws Exception {
    for (long step = 1; step <= 12; step += 4) {
      FillingDisk.setFull(true);
      save(step, step + 1);
      // waits for the one before, and finds room
      awaitFailureOf(step + 1);
      FillingDisk.setFull(false);
      settle(step + 2);
    }

    writer.finish();

    assertThat(files()).containsExactly(name(3), name(7), name(11));
  }

  /** The staging file of a checkpoint is gone when its failure is known. */
  private void awaitFailureOf(long step) {
    assertThatThrownBy(writer::finish).hasMessageContaining(name(step));
  }

  @Test
  void theLastOneMustBeThere() throws Exception {
    settle(1);
    FillingDisk.setFull(true);
    save(2);

    assertThatThrownBy(writer::finish)
        .isInstanceOf(OperationFailedException.class)
        .hasMessageStartingWith("Cannot write checkpoint filling:" + folder + "/" + name(2))
        .hasMessageContaining(": No space left on device. ");
    assertThat(files()).containsExactly(name(1));
  }

  @Test
  void aGuardThatRefusesEndsTheRunAtOnce() throws Exception {
    var asked = new AtomicInteger();
    try (var guarded =
        new CheckpointWriter(
            store,
            () -> {
              if (asked.incrementAndGet() == 2) {
                throw new OperationFailedException("another run has the folder");
              }
            },
            written::add)) {
      guarded.save(at(1));
      guarded.save(at(2));

      assertThatThrownBy(() -> guarded.save(at(3)))
          .isInstanceOf(OperationFailedException.class)
          .hasMessage("another run has the folder");
    }

    assertThat(asked).hasValue(2);
    assertThat(files()).containsExactly(name(1));
  }

  @Test
  void closingWaitsForTheWriteUnderWay() throws Exception {
    var closer = new AtomicReference<Thread>();
    var slow =
        new CheckpointWriter(
            store,
            () -> {
              while (closer.get() == null || closer.get().getState() == Thread.State.RUNNABLE) {
                Thread.onSpinWait();
              }
            },
            written::add);
    slow.save(at(1));
    var closing = new Thread(slow::close);
    closing.start();
    closer.set(closing);

    closing.join();

    assertThat(files()).containsExactly(name(1));
    assertThat(written).hasSize(1);
  }

  @Test
  void aWriterThatHasNothingToWriteEndsQuietly() {
    assertThatCode(writer::finish).doesNotThrowAnyException();
  }

  @Test
  void aFileSystemThatIsReallyFull() throws Exception {
    Path disk = Files.createDirectory(folder.resolve("disk"));
    assumeTrue(
        mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", disk.toString()),
        "this system lets nobody mount a small disk here");
    try {
      var small = CheckpointStore.open(disk.toString(), 2, new Configuration());
      try (var onSmall = new CheckpointWriter(small, () -> {}, written::add)) {
        onSmall.save(at(1));
        onSmall.finish();
        onSmall.save(large(2));

        assertThatThrownBy(onSmall::finish)
            .isInstanceOf(OperationFailedException.class)
            .hasMessage(
                "Cannot write checkpoint file:%s/%s: No space left on device. Free space, or set train.checkpoint.path to a folder this run may write; resume continues from the checkpoint before.",
                disk, name(2));

        onSmall.save(at(3));
        onSmall.finish();
      }
      assertThat(small.newest(SETTINGS).orElseThrow().checkpoint().position().step()).isEqualTo(3);
      try (Stream<Path> files = Files.list(disk)) {
        assertThat(files.map(file -> file.getFileName().toString()))
            .filteredOn(name -> !name.endsWith(".crc"))
            .containsExactlyInAnyOrder(name(1), name(3));
      }
    } finally {
      new ProcessBuilder("umount", disk.toString()).start().waitFor();
    }
  }

  private static Checkpoint large(long step) {
    Checkpoint small = at(step);
    return new Checkpoint(
        small.position(), SETTINGS, new float[100_000], new float[0], new float[0], new float[0]);
  }

  private static boolean mount(String... arguments) throws InterruptedException {
    try {
      var command = new java.util.ArrayList<>(List.of("mount"));
      command.addAll(List.of(arguments));
      return new ProcessBuilder(command).start().waitFor() == 0;
    } catch (IOException e) {
      return false;
    }
  }
}
