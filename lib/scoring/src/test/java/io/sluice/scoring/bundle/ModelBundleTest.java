package io.sluice.scoring.bundle;

import static io.sluice.scoring.bundle.BundleFixture.HADOOP;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.failure.InvalidInputException;
import io.sluice.failure.OperationFailedException;
import io.sluice.recurrent.model.Attention;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.sequences.dataset.TinyDataset;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.lake.TroubledFileSystem;
import io.sluice.sequences.lake.TroubledFileSystem.Trouble;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelBundleTest {
  @TempDir Path folder;
  private BundleFixture fixture;
  private Path registry;

  @BeforeEach
  void makeDatasetAndNetwork() {
    fixture = BundleFixture.forecast(folder.resolve("dataset"));
    registry = folder.resolve("models");
  }

  @Test
  void openedBundleHoldsWhatWasPublishedAndPredictsTheSame() {
    WindowBatch batch = BundleFixture.batch(TinyDataset.forecast().days(20), 5);
    Predictions before = fixture.predictor(null).predict(batch);

    PublishedBundle published = fixture.publish(registry, Optional.empty());
    ModelBundle bundle = ModelBundle.open(published.uri(), HADOOP);

    assertThat(published.version()).isEqualTo(1);
    assertThat(bundle.hash()).isEqualTo(published.hash()).hasSize(64);
    assertThat(bundle.spec()).isEqualTo(fixture.spec());
    assertThat(bundle.contract()).isEqualTo(fixture.contract());
    assertThat(bundle.preparation()).isEqualTo(fixture.dataset().preparation());
    assertThat(bundle.manifest().metrics()).containsEntry("validation-loss", 0.25);
    assertThat(bundle.manifest().dataset().source()).isEqualTo(fixture.dataset().source());
    assertThat(bundle.manifest().provenance().runId())
        .isEqualTo("20240601T000000000Z-000000000000");
    assertThat(bundle.newPredictor().predict(batch).original()).isEqualTo(before.original());
    assertThat(bundle.newPredictor().predict(batch).scaled()).isEqualTo(before.scaled());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void attentionAndLayerNormComeBackWithTheBundle(boolean self) {
    ModelSpec plain = fixture.spec();
    var spec =
        new ModelSpec(
            plain.inputSize(),
            plain.lookBack(),
            plain.cell(),
            List.of(8, 6),
            true,
            0.1,
            self ? ModelSpec.Output.MEAN : ModelSpec.Output.LAST,
            plain.denseSizes(),
            plain.forgetBias(),
            plain.precision(),
            plain.head(),
            self ? Attention.self(3) : Attention.additive(5),
            true,
            false,
            0);
    fixture =
        new BundleFixture(
            fixture.dataset(), spec, Networks.create(spec, OptimizerSpec.constantAdam(0.01), 17));
    WindowBatch batch = BundleFixture.batch(TinyDataset.forecast().days(20), 5);
    Predictions before = fixture.predictor(null).predict(batch);

    ModelBundle bundle =
        ModelBundle.open(fixture.publish(registry, Optional.empty()).uri(), HADOOP);

    assertThat(bundle.spec()).isEqualTo(spec);
    assertThat(bundle.newPredictor().predict(batch).original()).isEqualTo(before.original());
  }

  @Test
  void manifestsOfEqualContentDifferInTheNumberAndTheZipOnly() throws Exception {
    Path first = Path.of(java.net.URI.create(fixture.publish(registry, Optional.empty()).uri()));
    Path second = Path.of(java.net.URI.create(fixture.publish(registry, Optional.empty()).uri()));

    assertThat(second.getFileName()).hasToString("2");
    String manifest = Files.readString(second.resolve("manifest.json"));
    assertThat(manifest.replace("\"version\" : 2", "\"version\" : 1"))
        .isEqualTo(
            Files.readString(first.resolve("manifest.json"))
                .replace(zipEntry(first), zipEntry(second)));
  }

  /** A zip holds the time of its making. */
  private static String zipEntry(Path bundle) throws IOException {
    return Sha256.of(Files.readAllBytes(bundle.resolve("model.zip")));
  }

  @Test
  void latestIsTheHighestNumberAndAFolderIsItself() throws Exception {
    fixture.publish(registry, Optional.of(9));
    fixture.publish(registry, Optional.of(10));
    // what is not a version does not count
    Files.createDirectories(registry.resolve("pump/.staging-11-dead"));
    Files.createDirectories(registry.resolve("pump/notes"));
    Files.writeString(registry.resolve("pump/12"), "a file");

    String latest = ModelRegistry.resolve("latest", registry.toString(), "pump", HADOOP);

    assertThat(latest).isEqualTo("file:" + registry.resolve("pump/10"));
    assertThat(ModelRegistry.resolve("/models/pump/3", registry.toString(), "pump", HADOOP))
        .isEqualTo("/models/pump/3");
  }

  @Test
  void registryWithoutTheModelNamesThoseItHas() {
    fixture.publish(registry, Optional.empty());

    assertThatThrownBy(() -> ModelRegistry.resolve("latest", registry.toString(), "fan", HADOOP))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "Registry %s has no model named fan (it has: pump). Run train first, or set registry.path, name or the bundle's folder."
                .formatted(registry));
    assertThatThrownBy(
            () -> ModelRegistry.resolve("latest", folder.resolve("none").toString(), "fan", HADOOP))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("has no model named fan (it is empty)");
  }

  @Test
  void damagedModelIsRefusedBeforeItIsOpened() throws Exception {
    Path bundle = publishedFolder();
    byte[] zip = Files.readAllBytes(bundle.resolve("model.zip"));
    String published = Sha256.of(zip);
    zip[zip.length / 2] ^= 1;
    Files.write(bundle.resolve("model.zip"), zip);

    assertThatThrownBy(() -> ModelBundle.open(bundle.toString(), HADOOP))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "Model bundle %s: model.zip is damaged or was changed: %d bytes with SHA-256 %s, but %d bytes with %s were published. Restore the bundle from a copy, or train again."
                .formatted(bundle, zip.length, Sha256.of(zip), zip.length, published));
  }

  @Test
  void swappedModelIsRefused() throws Exception {
    Path bundle = publishedFolder();
    Files.writeString(bundle.resolve("model.zip"), "another model");

    assertThatThrownBy(() -> ModelBundle.open(bundle.toString(), HADOOP))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("model.zip is damaged or was changed: 13 bytes");
  }

  @Test
  void modelWithAnEntryThatMayHoldJavaObjectsIsNotOpened() throws Exception {
    Path bundle = publishedFolder();
    byte[] published = Files.readAllBytes(bundle.resolve("model.zip"));
    var zip = new ByteArrayOutputStream();
    try (var in = new ZipInputStream(new ByteArrayInputStream(published));
        var out = new ZipOutputStream(zip)) {
      for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
        out.putNextEntry(new ZipEntry(entry.getName()));
        in.transferTo(out);
      }
      out.putNextEntry(new ZipEntry("preprocessor.bin"));
      out.write(1);
    }
    Files.write(bundle.resolve("model.zip"), zip.toByteArray());
    // whoever may write the registry can make the manifest agree
    rewrite(bundle, Sha256.of(published), Sha256.of(zip.toByteArray()));
    rewrite(bundle, "\"bytes\" : " + published.length, "\"bytes\" : " + zip.size());

    assertThatThrownBy(() -> ModelBundle.open(bundle.toString(), HADOOP))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "Model bundle %s: model.zip holds \"preprocessor.bin\", which no published model has and which is not opened: it may run code. Restore the bundle from a copy, or train again."
                .formatted(bundle));
  }

  @Test
  void missingFileIsNamed() throws Exception {
    Path bundle = publishedFolder();
    Files.delete(bundle.resolve("model.zip"));

    assertThatThrownBy(() -> ModelBundle.open(bundle.toString(), HADOOP))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "Model bundle %s lacks model.zip, which its manifest lists. Restore the bundle from a copy, or train again."
                .formatted(bundle));
  }

  @Test
  void folderWithoutManifestIsNoBundle() {
    assertThatThrownBy(() -> ModelBundle.open(folder.toString(), HADOOP))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "No model bundle at %s: it has no manifest.json. Give a folder <registry>/<name>/<version>, or run train first."
                .formatted(folder));
  }

  @Test
  void otherFormatVersionIsNamed() throws Exception {
    Path bundle = publishedFolder();
    rewrite(bundle, "\"model-bundle.v1\"", "\"model-bundle.v7\"");

    assertThatThrownBy(() -> ModelBundle.open(bundle.toString(), HADOOP))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "%s has format model-bundle.v7; this version reads model-bundle.v1. Train again, or use the version of Sluice that wrote it (0.1.0)."
                .formatted(bundle.resolve("manifest.json")));
  }

  @Test
  void brokenManifestIsNamedWithTheLine() throws Exception {
    Path bundle = publishedFolder();
    Files.writeString(bundle.resolve("manifest.json"), "{\n\"format\": ]");

    assertThatThrownBy(() -> ModelBundle.open(bundle.toString(), HADOOP))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(bundle.resolve("manifest.json") + " is not JSON: ")
        .hasMessageEndingWith("(line 2). Restore the bundle from a copy, or train again.");
  }

  @Test
  void manifestWithoutAFieldIsRefused() throws Exception {
    Path bundle = publishedFolder();
    rewrite(bundle, "\"lookBack\" : 24,", "");

    assertThatThrownBy(() -> ModelBundle.open(bundle.toString(), HADOOP))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("does not fit its format")
        .hasMessageContaining("lookBack");
  }

  @Test
  void bundleOfBeforePrecisionAttentionAndLayerNormOpensWithNoneOfThem() throws Exception {
    Path bundle = publishedFolder();
    Path file = bundle.resolve("manifest.json");
    JsonNode manifest = new ObjectMapper().readTree(file.toFile());
    ObjectNode spec = (ObjectNode) manifest.get("spec");
    for (String field :
        new String[] {"precision", "attention", "layerNorm", "variationalDropout"}) {
      assertThat(spec.remove(field)).as(field).isNotNull();
    }
    Files.writeString(file, manifest.toString(), StandardCharsets.UTF_8);

    assertThat(ModelBundle.open(bundle.toString(), HADOOP).spec()).isEqualTo(fixture.spec());
  }

  @Test
  void networkThatIsNotTheOneDescribedIsRefused() throws Exception {
    Path bundle = publishedFolder();
    rewrite(bundle, "\"hiddenSizes\" : [ 8 ]", "\"hiddenSizes\" : [ 9 ]");

    assertThatThrownBy(() -> ModelBundle.open(bundle.toString(), HADOOP))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "Model bundle %s: the network has 460 parameters, its manifest describes 552. Restore the bundle from a copy, or train again."
                .formatted(bundle));
  }

  @Test
  void fileOutsideTheBundleIsNotRead() throws Exception {
    Path bundle = publishedFolder();
    rewrite(bundle, "\"model.zip\"", "\"../model.zip\"");

    assertThatThrownBy(() -> ModelBundle.open(bundle.toString(), HADOOP))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("lists a file outside itself: \"../model.zip\"");
  }

  @Test
  void givenVersionThatExistsIsNeverOverwritten() throws Exception {
    Path bundle = publishedFolder();
    byte[] manifest = Files.readAllBytes(bundle.resolve("manifest.json"));

    assertThatThrownBy(() -> fixture.publish(registry, Optional.of(1)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "Cannot publish pump version 1: it exists at %s and is never overwritten. Set registry.version to auto or to a free number."
                .formatted(registry.toUri().resolve("pump/1").toString().replace("///", "/")));
    assertThat(bundle.resolve("manifest.json")).hasBinaryContent(manifest);
  }

  @Test
  void versionThatAnotherRunHoldsIsRefusedAndSkippedWhereTheNumberIsOpen() throws Exception {
    Path claim = registry.resolve("pump/.claims/1");
    Files.createDirectories(claim.getParent());
    Files.writeString(claim, "another-run\n");

    assertThatThrownBy(() -> fixture.publish(registry, Optional.of(1)))
        .isInstanceOf(OperationFailedException.class)
        .hasMessageStartingWith("Cannot publish pump version 1: another run holds ")
        .hasMessageContaining(".claims/1")
        .hasMessageContaining("set registry.version to auto");
    assertThat(fixture.publish(registry, Optional.empty()).version()).isEqualTo(2);
    assertThat(claim).exists();
  }

  @Test
  void placeThatCannotBeWrittenIsNamed() throws Exception {
    Files.writeString(registry, "a file where the registry should be");

    assertThatThrownBy(() -> fixture.publish(registry, Optional.empty()))
        .isInstanceOf(OperationFailedException.class)
        .hasMessageStartingWith("Cannot write ");
  }

  @Test
  void aFullDiskIsNamedAndLeavesNothingBehind() throws Exception {
    assumeThat(Path.of("/dev/full")).exists();

    assertThatThrownBy(
            () ->
                BundlePublisher.publish(
                    "troubled:" + registry,
                    "pump",
                    Optional.empty(),
                    fixture.network(),
                    fixture.contents(Optional.empty()),
                    TroubledFileSystem.with(Trouble.DEV_FULL, ".staging-")))
        .isInstanceOf(OperationFailedException.class)
        .hasMessageContaining("no space left (No space left on device). Free space there");

    try (var left = Files.walk(registry).filter(Files::isRegularFile)) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void nameThatIsAPathIsRefused() {
    assertThatThrownBy(
            () ->
                BundlePublisher.publish(
                    registry.toString(),
                    "../pump",
                    Optional.empty(),
                    fixture.network(),
                    fixture.contents(Optional.empty()),
                    HADOOP))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "Cannot publish a model named \"../pump\": a name has letters, digits, dots, underscores and dashes only. Change name.");
  }

  private Path publishedFolder() {
    fixture.publish(registry, Optional.empty());
    return registry.resolve("pump/1");
  }

  private static void rewrite(Path bundle, String from, String to) throws IOException {
    Path manifest = bundle.resolve("manifest.json");
    String text = Files.readString(manifest, StandardCharsets.UTF_8);
    assertThat(text).contains(from);
    Files.writeString(manifest, text.replace(from, to), StandardCharsets.UTF_8);
  }
}
