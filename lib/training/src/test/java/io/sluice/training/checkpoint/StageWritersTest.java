package io.sluice.training.checkpoint;

import static io.sluice.training.checkpoint.CheckpointTest.bytes;
import static io.sluice.training.checkpoint.CheckpointTest.whole;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.failure.OperationFailedException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The writers of three pipeline stages, each with a thread and a store of its own. */
class StageWritersTest {
  private static final int PARAMETERS = 10_000;
  private static final int[] BOUNDS = {0, 2000, 2003, PARAMETERS};

  @TempDir Path folder;
  private final BlockingQueue<String> written = new LinkedBlockingQueue<>();
  private final BlockingQueue<String> warned = new LinkedBlockingQueue<>();
  private final StageParts parts = new StageParts(3);
  private final List<CheckpointWriter> writers = new ArrayList<>();
  private Configuration hadoop;

  @BeforeEach
  void open() {
    hadoop = FillingDisk.configuration();
    open(() -> {}, Duration.ofSeconds(20), parts::told);
  }

  private void open(CheckpointWriter.Guard guard, Duration patience, Consumer<StagePart> told) {
    close();
    writers.add(new CheckpointWriter(store(), guard, written::add, warned::add, parts, patience));
    writers.add(CheckpointWriter.ofStage(store(), 1, told));
    writers.add(CheckpointWriter.ofStage(store(), 2, told));
  }

  @AfterEach
  void close() {
    FillingDisk.setFull(false);
    writers.forEach(CheckpointWriter::close);
    writers.clear();
  }

  private CheckpointStore store() {
    return CheckpointStore.open("filling:" + folder, 9, hadoop);
  }

  private void save(long step, int... stages) {
    Checkpoint whole = whole(step, PARAMETERS, 2, true);
    for (int stage : stages) {
      writers.get(stage).save(whole.range(BOUNDS[stage], BOUNDS[stage + 1]));
    }
  }

  private List<String> files() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private static String name(long step) {
    return "epoch-00002-step-%09d.checkpoint".formatted(step);
  }

  @Test
  void eachStepBecomesOneCheckpointWhicheverStageIsFirst() throws Exception {
    save(1, 0, 1, 2);
    save(2, 2, 0, 1);
    save(3, 1, 2);
    save(4, 2, 1);
    save(3, 0);
    save(4, 0);
    for (CheckpointWriter writer : writers) {
      writer.finish();
    }

    assertThat(files()).containsExactly(name(1), name(2), name(3), name(4));
    for (long step = 1; step <= 4; step++) {
      assertThat(folder.resolve(name(step)))
          .hasBinaryContent(bytes(whole(step, PARAMETERS, 2, true)));
    }
    assertThat(written).hasSize(4);
    assertThat(warned).isEmpty();
  }

  @Test
  void aPartThatCannotBeWrittenCostsTheCheckpointAndOneWarning() throws Exception {
    FillingDisk.setFull(true);
    save(1, 1);
    writers.get(1).finish();
    FillingDisk.setFull(false);
    save(1, 0, 2);

    String warning = warned.poll(10, TimeUnit.SECONDS);
    assertThat(warning)
        .isEqualTo(
            "Cannot write pipeline stage 1's part of checkpoint filling:%s/%s: No space left on device. Free space, or set train.checkpoint.path to a folder this run may write; resume continues from the checkpoint before. That is failure 1 in a row; 3 end the run.",
            folder, name(1));
    assertThat(files()).isEmpty();
    save(2, 0, 1, 2);
    writers.get(0).finish();
    assertThat(files()).containsExactly(name(2));
    assertThat(warned).isEmpty();
  }

  @Test
  void theThirdFailureInARowEndsTheRunAtTheFirstStageOnly() {
    FillingDisk.setFull(true);
    for (long step = 1; step <= 3; step++) {
      save(step, 0, 1, 2);
    }

    assertThatThrownBy(() -> save(4, 0))
        .isInstanceOf(OperationFailedException.class)
        .hasMessageStartingWith("Cannot write pipeline stage 1's part of checkpoint ")
        .hasMessageContaining(" Cannot write pipeline stage 2's part of checkpoint ");

    save(4, 1, 2);
  }

  @Test
  void theLastOneMustBeThere() {
    FillingDisk.setFull(true);
    save(1, 0, 1, 2);

    assertThatThrownBy(writers.get(0)::finish)
        .isInstanceOf(OperationFailedException.class)
        .hasMessageContaining(name(1) + ": No space left on device. ");
  }

  @Test
  void aStageThatSaysNothingCostsTheCheckpointAndLeavesNoPart() throws Exception {
    open(() -> {}, Duration.ofMillis(50), parts::told);
    save(1, 1);
    writers.get(1).finish();
    save(1, 0);

    assertThatThrownBy(writers.get(0)::finish)
        .isInstanceOf(OperationFailedException.class)
        .hasMessageStartingWith(
            "Cannot write the checkpoint of step 1: no part of pipeline stage 2 after 0 s. ");

    assertThat(files()).isEmpty();
  }

  @Test
  void aPartThatCameTooLateIsRemovedWithTheNextCheckpoint() throws Exception {
    open(() -> {}, Duration.ofMillis(50), parts::told);
    save(1, 0, 1);
    assertThatThrownBy(writers.get(0)::finish).hasMessageContaining("no part of pipeline stage 2");
    save(1, 2);
    writers.get(2).finish();
    assertThat(files()).singleElement().asString().endsWith(".part-2");
    save(2, 1, 2);
    writers.get(1).finish();
    writers.get(2).finish();
    save(2, 0);
    writers.get(0).finish();

    assertThat(files()).containsExactly(name(2));
    assertThat(folder.resolve(name(2))).hasBinaryContent(bytes(whole(2, PARAMETERS, 2, true)));
  }

  @Test
  void aGuardThatRefusesEndsTheRunAtOnceAndNoCheckpointIsWritten() throws Exception {
    open(
        () -> {
          throw new OperationFailedException("another run has the folder");
        },
        Duration.ofSeconds(20),
        parts::told);
    save(1, 0, 1, 2);

    assertThatThrownBy(() -> save(2, 0))
        .isInstanceOf(OperationFailedException.class)
        .hasMessage("another run has the folder");

    assertThat(files()).doesNotContain(name(1));
    assertThat(warned).isEmpty();
  }

  @Test
  void aStageThatCannotTellEndsItsRun() {
    open(
        () -> {},
        Duration.ofMillis(50),
        part -> {
          throw new IllegalStateException("no link to rank 0");
        });
    save(1, 1);

    assertThatThrownBy(() -> save(2, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("no link to rank 0");
  }
}
