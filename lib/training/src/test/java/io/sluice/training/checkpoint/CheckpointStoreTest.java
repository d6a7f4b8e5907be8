package io.sluice.training.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.failure.ExitStatus;
import io.sluice.failure.OperationFailedException;
import io.sluice.recurrent.optim.LossScale;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointStoreTest {
  private static final Map<String, String> SETTINGS =
      Map.of("model.hidden-sizes", "[64, 64]", "train.seed", "1");

  @TempDir Path folder;
  private CheckpointStore store;

  @BeforeEach
  void open() {
    store = open(2);
  }

  private CheckpointStore open(int keep) {
    return CheckpointStore.open(
        folder.resolve("checkpoints").toString(), keep, new Configuration());
  }

  private static Checkpoint checkpoint(int epoch) {
    var values = new float[40_000];
    for (int i = 0; i < values.length; i++) {
      values[i] = epoch + i / 7f;
    }
    return new Checkpoint(
        new Checkpoint.Position(
            epoch,
            3,
            10L * epoch,
            1.5,
            48,
            0.5,
            0.6,
            epoch,
            0.6,
            0,
            12.5,
            List.of(4),
            1,
            new LossScale(512, 9)),
        SETTINGS,
        values,
        new float[] {1, Float.MIN_VALUE, -0f},
        new float[] {7},
        new float[] {3, 4});
  }

  @Test
  void givesBackWhatItTook() {
    Checkpoint saved = checkpoint(3);

    String uri = store.save(saved);

    CheckpointStore.Found found = store.newest(SETTINGS).orElseThrow();
    assertThat(found.uri()).isEqualTo(uri).endsWith("/epoch-00003-step-000000030.checkpoint");
    assertThat(found.bundle()).isEmpty();
    assertThat(found.checkpoint().position()).isEqualTo(saved.position());
    assertThat(found.checkpoint().settings()).isEqualTo(SETTINGS);
    assertThat(found.checkpoint().parameters()).isEqualTo(saved.parameters());
    assertThat(found.checkpoint().optimizer()).isEqualTo(saved.optimizer());
    assertThat(found.checkpoint().averageParameters()).isEqualTo(saved.averageParameters());
    assertThat(found.checkpoint().bestParameters()).isEqualTo(saved.bestParameters());
  }

  @Test
  void anEmptyOrAbsentFolderHasNone() {
    assertThat(store.newest(SETTINGS)).isEmpty();
    assertThat(store.clear()).isZero();
  }

  @Test
  void theNewestAreKept() throws IOException {
    for (int epoch = 1; epoch <= 4; epoch++) {
      store.recordBundle(store.save(checkpoint(epoch)), "models/" + epoch);
    }

    assertThat(store.newest(SETTINGS).orElseThrow().bundle()).contains("models/4");
    try (var files = Files.list(folder.resolve("checkpoints"))) {
      assertThat(files.map(f -> f.getFileName().toString()).filter(f -> !f.endsWith(".crc")))
          .containsExactlyInAnyOrder(
              "epoch-00003-step-000000030.checkpoint",
              "epoch-00003-step-000000030.checkpoint.bundle",
              "epoch-00004-step-000000040.checkpoint",
              "epoch-00004-step-000000040.checkpoint.bundle");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 5, 17, 300, 80_000, 160_000})
  void aTruncatedCheckpointIsPassedOver(int bytes) throws IOException {
    store.save(checkpoint(1));
    Path newest = local(store.save(checkpoint(2)));
    Files.write(newest, java.util.Arrays.copyOf(Files.readAllBytes(newest), bytes));

    Optional<CheckpointStore.Found> found = store.newest(SETTINGS);

    assertThat(found.orElseThrow().checkpoint().position().epoch()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.0, 0.0001, 0.001, 0.5, 0.9999, 1.0})
  void anAlteredByteIsFoundWhereverItIs(double share) throws IOException {
    store.save(checkpoint(1));
    Path newest = local(store.save(checkpoint(2)));
    byte[] bytes = Files.readAllBytes(newest);
    bytes[(int) (share * (bytes.length - 1))] ^= 1;
    Files.write(newest, bytes);

    Optional<CheckpointStore.Found> found = store.newest(SETTINGS);

    assertThat(found.orElseThrow().checkpoint().position().epoch()).isEqualTo(1);
  }

  @Test
  void aRunWithOtherSettingsIsRefused() {
    String uri = store.save(checkpoint(2));

    assertThatThrownBy(() -> store.newest(Map.of("model.hidden-sizes", "[32]", "train.seed", "1")))
        .isInstanceOf(IncompatibleCheckpointException.class)
        .hasMessage(
            "Cannot resume from %s: saved with model.hidden-sizes [64, 64], this run has [32]. Use another train.checkpoint.path, restore the setting, or start over with train.checkpoint.resume = false.",
            uri)
        .extracting(e -> ((IncompatibleCheckpointException) e).exitStatus())
        .isEqualTo(ExitStatus.BAD_INPUT);
  }

  @Test
  void everyDifferenceIsNamed() {
    String uri = store.save(checkpoint(2));

    assertThatThrownBy(() -> store.newest(Map.of("train.seed", "2", "model.cell", "lstm")))
        .hasMessage(
            "Cannot resume from %s: saved with model.cell unset, this run has lstm; saved with model.hidden-sizes [64, 64], this run has unset; saved with train.seed 1, this run has 2. Use another train.checkpoint.path, restore the settings, or start over with train.checkpoint.resume = false.",
            uri);
  }

  @Test
  void whatAKilledRunLeftIsRemoved() throws IOException {
    store.save(checkpoint(1));
    Path staging =
        folder.resolve("checkpoints").resolve(".epoch-00002-step-000000020.checkpoint.staging");
    Files.writeString(staging, "half");

    store.removeStaging();

    assertThat(staging).doesNotExist();
    assertThat(store.newest(SETTINGS)).isPresent();
  }

  @Test
  void aFolderThatCannotBeWrittenIsNamed() throws IOException {
    Path file = folder.resolve("checkpoints");
    Files.writeString(file, "a file, not a folder");

    assertThatThrownBy(() -> store.save(checkpoint(1)))
        .isInstanceOf(OperationFailedException.class)
        .hasMessageStartingWith(
            "Cannot write checkpoint file:" + file + "/epoch-00001-step-000000010.checkpoint: ")
        .hasMessageEndingWith(
            "Free space, or set train.checkpoint.path to a folder this run may write; resume continues from the checkpoint before.");
  }

  @Test
  void startingOverRemovesAll() {
    store.save(checkpoint(1));
    store.save(checkpoint(2));

    assertThat(store.clear()).isEqualTo(2);
    assertThat(store.newest(SETTINGS)).isEmpty();
  }

  private static Path local(String uri) {
    return Path.of(java.net.URI.create(uri).getPath());
  }

  @Test
  void aPositionBeforeTheFirstValidationKeepsWhatIsNoNumber() {
    Checkpoint.Position start = Checkpoint.Position.START;
    Checkpoint begun =
        new Checkpoint(start, SETTINGS, new float[] {1}, new float[0], new float[0], new float[0]);

    store.save(begun);

    assertThat(store.newest(SETTINGS).orElseThrow().checkpoint().position()).isEqualTo(start);
  }

  @Test
  void withinAnEpochTheStepDecidesWhichIsNewest() {
    store.save(at(1, 12));
    store.save(at(1, 17));
    String atItsEnd = store.save(at(2, 20));

    assertThat(store.newest(SETTINGS).orElseThrow().uri()).isEqualTo(atItsEnd);
  }

  private static Checkpoint at(int epoch, long step) {
    Checkpoint.Position p = checkpoint(epoch).position();
    return new Checkpoint(
        new Checkpoint.Position(
            epoch, 0, step, 0, 0, 1, 1, epoch, 1, 0, p.trainSeconds(), List.of(), 0, null),
        SETTINGS,
        new float[] {step},
        new float[0],
        new float[0],
        new float[0]);
  }

  @Test
  void aCheckpointOfTheFormerFormatIsRefusedByName() throws IOException {
    Path old = folder.resolve("checkpoints/epoch-00002.checkpoint");
    Files.createDirectories(old.getParent());
    Files.writeString(old, "checkpoint.v1");

    assertThatThrownBy(() -> store.newest(SETTINGS))
        .isInstanceOf(IncompatibleCheckpointException.class)
        .hasMessage(
            "Cannot resume from file:%s: it was saved as checkpoint.v1, and this release reads checkpoint.v2, whose order of windows is another. Finish the run with the release that began it, set train.checkpoint.path to another folder, or start over with train.checkpoint.resume = false."
                .formatted(old));
    assertThat(store.clear()).isEqualTo(1);
    assertThat(store.newest(SETTINGS)).isEmpty();
  }
}
