package io.sluice.training.checkpoint;

import static io.sluice.training.checkpoint.CheckpointTest.SETTINGS;
import static io.sluice.training.checkpoint.CheckpointTest.bytes;
import static io.sluice.training.checkpoint.CheckpointTest.whole;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.sluice.failure.OperationFailedException;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** One checkpoint of what several ranks hold. Each has a store of its own, as its process has. */
class CheckpointPartsTest {
  private static final int PARAMETERS = 40_000;

  /** Where stages 0, 1 and 2 begin, and where the last one ends. */
  private static final int[] BOUNDS = {0, 1, 17_000, PARAMETERS};

  private static final String NAME = "epoch-00002-step-000000030.checkpoint";

  @TempDir Path folder;
  private Configuration hadoop;
  private CheckpointStore store;

  @BeforeEach
  void open() {
    hadoop = FillingDisk.configuration();
    store = newStore();
  }

  @AfterEach
  void free() {
    FillingDisk.setFull(false);
  }

  private CheckpointStore newStore() {
    return CheckpointStore.open("filling:" + folder, 9, hadoop);
  }

  private static Checkpoint stage(Checkpoint whole, int stage) {
    return whole.range(BOUNDS[stage], BOUNDS[stage + 1]);
  }

  /** Stages 1 and 2 write theirs. */
  private List<String> parts(Checkpoint whole) {
    return List.of(
        newStore().savePart(stage(whole, 1), 1), newStore().savePart(stage(whole, 2), 2));
  }

  private List<String> files() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @ParameterizedTest
  @CsvSource({"0, false", "0, true", "1, false", "1, true", "2, false", "2, true", "3, true"})
  void theFileIsTheOneOfASingleRank(int moments, boolean hasAverage) throws IOException {
    Checkpoint whole = whole(30, PARAMETERS, moments, hasAverage);

    String uri = store.save(stage(whole, 0), parts(whole));

    assertThat(uri).endsWith("/" + NAME);
    assertThat(files()).containsExactly(NAME);
    assertThat(folder.resolve(NAME)).hasBinaryContent(bytes(whole));
  }

  @Test
  void aPartIsNoCheckpoint() throws IOException {
    Checkpoint whole = whole(30, PARAMETERS, 2, true);

    List<String> parts = parts(whole);

    assertThat(files()).containsExactlyInAnyOrderElementsOf(parts);
    assertThat(parts.get(1)).startsWith("." + NAME + ".").endsWith(".part-2");
    assertThat(store.newest(SETTINGS)).isEmpty();
  }

  @Test
  void eachRankMeasuresTimeByItselfAndTheFirstOnesCounts() {
    Checkpoint whole = whole(30, PARAMETERS, 2, true);
    Checkpoint late = at(whole, withSeconds(whole.position(), 99));

    store.save(stage(whole, 0), parts(late));

    assertThat(store.newest(SETTINGS).orElseThrow().checkpoint().position())
        .isEqualTo(whole.position());
  }

  @Test
  void aPartThatIsMissingIsNamed() throws IOException {
    Checkpoint whole = whole(30, PARAMETERS, 2, true);
    List<String> parts = parts(whole);
    Files.delete(folder.resolve(parts.get(0)));

    assertUnusable(whole, parts, 1, "it is missing");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 5, 17, 300, 60_000, 200_000})
  void aPartThatIsCutShortIsNamed(int bytes) throws IOException {
    Checkpoint whole = whole(30, PARAMETERS, 2, true);
    List<String> parts = parts(whole);
    Path part = folder.resolve(parts.get(0));
    Files.write(part, Arrays.copyOf(Files.readAllBytes(part), bytes));

    assertUnusable(whole, parts, 1, null);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.0, 0.001, 0.01, 0.5, 0.9999, 1.0})
  void anAlteredByteOfAPartIsFoundWhereverItIs(double share) throws IOException {
    Checkpoint whole = whole(30, PARAMETERS, 2, true);
    List<String> parts = parts(whole);
    Path part = folder.resolve(parts.get(1));
    byte[] bytes = Files.readAllBytes(part);
    bytes[(int) (share * (bytes.length - 1))] ^= 1;
    Files.write(part, bytes);

    assertUnusable(whole, parts, 2, share > 0.1 ? "its SHA-256 does not match its content" : null);
  }

  @Test
  void aPartOfAnotherStepIsNamed() throws IOException {
    Checkpoint whole = whole(30, PARAMETERS, 2, true);
    List<String> parts = List.of(parts(whole).get(0), parts(whole(20, PARAMETERS, 2, true)).get(1));
    // as a file of an earlier step under this step's name
    String renamed = parts.get(1).replace("step-000000020", "step-000000030");
    Files.move(folder.resolve(parts.get(1)), folder.resolve(renamed));

    assertUnusable(
        whole,
        List.of(parts.get(0), renamed),
        2,
        "it is of step 20, and the checkpoint of step 30");
  }

  @Test
  void aPartThatStandsElsewhereInTheRunIsNamed() throws IOException {
    Checkpoint whole = whole(30, PARAMETERS, 2, true);
    Checkpoint.Position p = whole.position();
    Checkpoint elsewhere =
        at(
            whole,
            new Checkpoint.Position(
                2, 3, 30, 1.75, 48, Double.NaN, 0.6, 1, 0.6, 0, 12.5, List.of(4), 1, null));

    assertUnusable(
        whole,
        parts(elsewhere),
        1,
        "it says %s, and the first stage %s".formatted(elsewhere.position(), p));
  }

  @Test
  void aPartOfARunWithOtherSettingsIsNamed() throws IOException {
    Checkpoint whole = whole(30, PARAMETERS, 2, true);
    Checkpoint other =
        new Checkpoint(
            whole.position(),
            Map.of("train.seed", "2", "model.hidden-sizes", "[64, 64]", "model.cell", "lstm"),
            whole.parameters(),
            whole.optimizer(),
            whole.averageParameters(),
            whole.bestParameters());

    assertUnusable(
        whole, parts(other), 1, "it was saved with other settings: model.cell, train.seed");
  }

  @Test
  void aPartWithoutTheAverageOfTheOthersIsNamed() throws IOException {
    Checkpoint whole = whole(30, PARAMETERS, 2, true);
    Checkpoint without = whole(30, PARAMETERS, 2, false);

    assertUnusable(
        whole,
        parts(without),
        1,
        "its arrays have [16999, 33998, 0, 16999] numbers, which do not go with the first stage's [1, 2, 1, 1]");
  }

  /**
   * The checkpoint before stays the newest, and nothing of this one.
   *
   * @param reason any, if null
   */
  private void assertUnusable(Checkpoint whole, List<String> parts, int stage, String reason)
      throws IOException {
    String before = store.save(whole(10, 5, 1, false));

    assertThatThrownBy(() -> store.save(stage(whole, 0), parts))
        .isInstanceOf(OperationFailedException.class)
        .hasMessageStartingWith(
            "Cannot write checkpoint filling:%s/%s: part %s of pipeline stage %d cannot be used: %s",
            folder, NAME, parts.get(stage - 1), stage, reason == null ? "it" : reason + ". ")
        .hasMessageEndingWith(
            ". Set train.checkpoint.path to a folder that every rank reaches and nothing else changes; resume continues from the checkpoint before.");

    assertThat(files()).containsExactly("epoch-00002-step-000000010.checkpoint");
    assertThat(store.newest(SETTINGS).orElseThrow().uri()).isEqualTo(before);
  }

  @Test
  void aDiskThatIsFullWhileAPartIsWritten() throws IOException {
    Checkpoint whole = whole(30, PARAMETERS, 2, true);
    FillingDisk.setFull(true);

    assertThatThrownBy(() -> newStore().savePart(stage(whole, 2), 2))
        .isInstanceOf(OperationFailedException.class)
        .hasMessage(
            "Cannot write pipeline stage 2's part of checkpoint filling:%s/%s: No space left on device. Free space, or set train.checkpoint.path to a folder this run may write; resume continues from the checkpoint before.",
            folder, NAME);

    assertThat(files()).isEmpty();
  }

  @Test
  void aDiskThatIsFullWhileTheWholeIsWritten() throws IOException {
    Checkpoint whole = whole(30, PARAMETERS, 2, true);
    List<String> parts = parts(whole);
    FillingDisk.setFull(true);

    assertThatThrownBy(() -> store.save(stage(whole, 0), parts))
        .isInstanceOf(OperationFailedException.class)
        .hasMessage(
            "Cannot write checkpoint filling:%s/%s: No space left on device. Free space, or set train.checkpoint.path to a folder this run may write; resume continues from the checkpoint before.",
            folder, NAME);

    assertThat(files()).isEmpty();
  }

  @Test
  void whatKilledRanksLeftIsRemovedBeforeTheNextOneIsWritten() throws IOException {
    var left = new ArrayList<>(parts(whole(20, PARAMETERS, 2, true)));
    Checkpoint whole = whole(30, PARAMETERS, 2, true);
    left.addAll(parts(whole));
    left.add("." + NAME + ".00c0ffee.part-1.staging");
    Files.writeString(folder.resolve(left.get(left.size() - 1)), "half");
    List<String> ahead = parts(whole(31, PARAMETERS, 2, true));
    List<String> parts = parts(whole);
    FillingDisk.setFull(true);

    assertThatThrownBy(() -> store.save(stage(whole, 0), parts))
        .hasMessageContaining("No space left on device");

    assertThat(files())
        .containsExactlyInAnyOrderElementsOf(ahead)
        .doesNotContainAnyElementsOf(left);
  }

  @Test
  void aRunThatStartsRemovesAllParts() throws IOException {
    String saved = store.save(whole(10, 5, 1, false));
    parts(whole(30, PARAMETERS, 2, true));
    Files.writeString(folder.resolve("." + NAME + ".00c0ffee.part-1.staging"), "half");

    store.removeStaging();

    assertThat(files()).containsExactly(saved.substring(saved.lastIndexOf('/') + 1));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../.epoch-00002-step-000000030.checkpoint.c0ffee.part-1",
        ".epoch-00002-step-000000030.checkpoint.c0ffee.part-2",
        ".epoch-00002-step-000000030.checkpoint.c0ffee.part-1.staging",
        "epoch-00002-step-000000030.checkpoint"
      })
  void aNameThatIsNotOfThePartOfItsStageIsRefused(String name) {
    Checkpoint whole = whole(30, PARAMETERS, 2, true);

    assertThatThrownBy(() -> store.save(stage(whole, 0), List.of(name)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("\"%s\" does not name a part of pipeline stage 1", name);
  }

  @Test
  void assemblingAllocatesNoArrayOfAPart() {
    Checkpoint whole = whole(30, 1_000_000, 2, true);
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long allocated = 0;

    // the second time, when all classes are loaded
    for (int i = 0; i < 2; i++) {
      Checkpoint first = whole.range(0, 1000);
      var parts = List.of(store.savePart(whole.range(1000, 1_000_000), 1));
      long before = threads.getCurrentThreadAllocatedBytes();
      store.save(first, parts);
      allocated = threads.getCurrentThreadAllocatedBytes() - before;
    }

    // the smallest array of the part has 3,996 kB; two buffers have 131
    assertThat(allocated).isLessThan(1_000_000);
  }

  private static Checkpoint at(Checkpoint whole, Checkpoint.Position position) {
    return new Checkpoint(
        position,
        whole.settings(),
        whole.parameters(),
        whole.optimizer(),
        whole.averageParameters(),
        whole.bestParameters());
  }

  private static Checkpoint.Position withSeconds(Checkpoint.Position p, double seconds) {
    return new Checkpoint.Position(
        p.epoch(),
        p.stepOfEpoch(),
        p.step(),
        p.lossSum(),
        p.windowsOfEpoch(),
        p.trainLoss(),
        p.validationLoss(),
        p.bestEpoch(),
        p.bestLoss(),
        p.epochsSinceBest(),
        seconds,
        p.rateReductions(),
        p.epochsOnPlateau(),
        p.lossScale());
  }
}
