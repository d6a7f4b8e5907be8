package io.sluice.scoring.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.failure.ExitStatus;
import io.sluice.failure.InvalidInputException;
import io.sluice.failure.OperationFailedException;
import io.sluice.recurrent.model.Head;
import io.sluice.scoring.SparkExtension;
import io.sluice.scoring.bundle.ModelBundle;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.commons.io.FileUtils;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A bundle and data that do not fit each other, or a bundle that is none: said before any row. */
@ExtendWith(SparkExtension.class)
class ScoringMisfitTest {
  @TempDir static Path folder;
  private static SparkSession spark;
  private static ScoringLake lake;
  private static ModelBundle bundle;

  @BeforeAll
  static void publishModel(SparkSession session) {
    spark = session;
    lake =
        new ScoringLake(
            session,
            folder,
            "source { format = parquet, path = \"%s\" }".formatted(folder.resolve("raw")),
            "source.columns.series = unit",
            "window { look-back = 8, horizon = 2 }");
    write("raw", 60, "1 hour", "'a' AS unit", "time", "load", "flow");
    bundle = lake.publish(contract -> Head.regression(contract.targetSize()), false);
  }

  @AfterEach
  void nothingWasPublished() {
    assertThat(folder.resolve("predictions/model=pump")).doesNotExist();
  }

  @Test
  void everyColumnThatDoesNotFitIsNamed() {
    write(
        "columns",
        30,
        "1 hour",
        "array('a') AS unit",
        "unix_micros(time) AS time",
        "load AS laod",
        "CAST(flow AS STRING) AS flow");

    refuses(
        "score.input %1$s/columns does not fit the model %2$s, 4 problem(s):%n"
                .formatted(folder, bundle.uri())
            + "  - column \"time\" (the time) has type bigint, but must be a time stamp: the model was trained on time stamps%n"
                .formatted()
            + "  - column \"unit\" (the series) has type array<string>, but must be a plain value%n"
                .formatted()
            + "  - column \"load\" (an input and a target) is missing; did you mean laod?%n"
                .formatted()
            + "  - column \"flow\" (an input and a target) has type string, but must be a number%n"
                .formatted()
            + "Give data of the same columns as the training source, or train a model on this one.",
        input("columns"));
  }

  @Test
  void dataOfAnotherIntervalHasNoWindow() {
    write("daily", 30, "1 day", "'a' AS unit", "time", "load", "flow");

    refuses(
        "No prediction made from score.input %s/daily: no origin from the first step to the last step has a complete look-back of 8 steps of PT1H. Read 30 rows of 1 series, readings about PT24H apart; rejected rows: {}; windows left out: {input-missing=690}. Give at least so many consecutive steps of each series, at the interval the model was trained on."
            .formatted(folder),
        input("daily"));
  }

  @Test
  void seriesShorterThanTheLookBackHaveNoWindow() {
    write("short", 5, "1 hour", "'a' AS unit", "time", "load", "flow");

    refuses(
        "No prediction made from score.input %s/short: no origin from the first step to the last step has a complete look-back of 8 steps of PT1H. Read 5 rows of 1 series, readings about PT1H apart; rejected rows: {}; windows left out: {}. Give at least so many consecutive steps of each series, at the interval the model was trained on."
            .formatted(folder),
        input("short"));
  }

  @Test
  void inputThatIsNotThereIsNamed() {
    refuses(
        "score.input %s/nothing: there is no such file or folder. Give an existing path, folder or glob."
            .formatted(folder),
        input("nothing"));
  }

  @Test
  void aBundleWhoseModelWasChangedIsRefused() throws IOException {
    Path copy = copyOfBundle("tampered");
    byte[] zip = Files.readAllBytes(copy.resolve("model.zip"));
    zip[zip.length / 2] ^= 1;
    Files.write(copy.resolve("model.zip"), zip);
    var published = bundle.manifest().files().get("model.zip");

    refuses(
        "Model bundle %s: model.zip is damaged or was changed: %d bytes with SHA-256 %s, but %d bytes with %s were published. Restore the bundle from a copy, or train again."
            .formatted(
                copy,
                zip.length,
                org.apache.commons.codec.digest.DigestUtils.sha256Hex(zip),
                published.bytes(),
                published.sha256()),
        bundle(copy));
  }

  @Test
  void aBundleOfAnotherFormatVersionIsRefused() throws IOException {
    Path copy = copyOfBundle("later");
    Path manifest = copy.resolve("manifest.json");
    Files.writeString(
        manifest, Files.readString(manifest).replace("model-bundle.v1", "model-bundle.v2"));

    refuses(
        "%s has format model-bundle.v2; this version reads model-bundle.v1. Train again, or use the version of Sluice that wrote it (test)."
            .formatted(manifest),
        bundle(copy));
  }

  @Test
  void aBundleThatIsNotThereIsNamed() {
    refuses(
        "No model bundle at %s/none: it has no manifest.json. Give a folder <registry>/<name>/<version>, or run train first."
            .formatted(folder),
        bundle(folder.resolve("none")));
    refuses(
        "Registry %1$s/models has no model named fan (it has: pump). Run train first, or set registry.path, name or the bundle's folder."
            .formatted(folder),
        "name = fan");
  }

  @Test
  void aBundleWithABrokenContractIsRefused() throws IOException {
    Path copy = copyOfBundle("broken");
    Path manifest = copy.resolve("manifest.json");
    // of the windows, which the manifest describes after the network
    Files.writeString(
        manifest,
        Files.readString(manifest).replaceFirst("(?s)(\"contract\".*?\"lookBack\" : )8", "$19"));

    refuses(
        "Model bundle %s contradicts itself. The model does not fit the windows: it has 8 look-back steps, the windows have 9. Use the dataset it was trained on, or train again."
            .formatted(copy),
        bundle(copy));
  }

  @Test
  void aModelThatPredictsNoNumberIsRefusedByTheTaskInItsOwnWords() {
    lake.publish(
        "diverged",
        contract -> Head.regression(contract.targetSize()),
        false,
        network -> network.params().assign(Float.NaN));
    String oneTask = "score.partitions = 1"; // of two tasks either may be the first to fail

    assertThatThrownBy(
            () ->
                lake.score(
                    "run-1",
                    "name = diverged",
                    oneTask,
                    "registry.path = \"%s\"".formatted(folder.resolve("models")),
                    "score.input = \"%s\"".formatted(folder.resolve("raw"))))
        .isInstanceOf(OperationFailedException.class)
        .hasMessage(
            "The model predicts NaN for series a at origin 2024-03-09T07:00:00Z, and a prediction must be finite. Nothing was published. Its weights may have diverged, or an input is far beyond what it was trained on: look at this window, and at the metrics of the bundle.");
    assertThat(folder.resolve("predictions/model=diverged")).doesNotExist();
  }

  private static void refuses(String message, String... hocon) {
    assertThatThrownBy(() -> lake.score("run-1", hocon))
        .isInstanceOfSatisfying(
            InvalidInputException.class,
            e -> assertThat(e.exitStatus()).isEqualTo(ExitStatus.BAD_INPUT))
        .hasMessage(message);
  }

  private static void write(String name, int rows, String interval, String... columns) {
    spark
        .sql(
            "SELECT TIMESTAMP'2024-03-09T00:00:00Z' + id * INTERVAL %s AS time, 20 + sin(id) AS load, 40 + cos(id) AS flow FROM range(%d)"
                .formatted(interval, rows))
        .selectExpr(columns)
        .coalesce(1)
        .write()
        .parquet(folder.resolve(name).toString());
  }

  private static Path copyOfBundle(String name) throws IOException {
    Path copy = folder.resolve("copies").resolve(name);
    FileUtils.copyDirectory(folder.resolve("models/pump/1").toFile(), copy.toFile());
    return copy;
  }

  private static String input(String name) {
    return "score.input = \"%s\"".formatted(folder.resolve(name));
  }

  private static String bundle(Path path) {
    return "score.bundle = \"%s\"".formatted(path);
  }
}
