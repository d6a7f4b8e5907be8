package io.sluice.sequences.telemetry;

import static io.sluice.failure.ExitStatus.BAD_INPUT;
import static io.sluice.failure.ExitStatus.BAD_SETTINGS;
import static io.sluice.sequences.telemetry.Refusals.assertRefused;
import static io.sluice.sequences.telemetry.Refusals.cutOff;
import static io.sluice.sequences.telemetry.Refusals.gzip;
import static io.sluice.sequences.telemetry.Refusals.only;
import static io.sluice.sequences.telemetry.Refusals.parquet;
import static io.sluice.sequences.telemetry.Refusals.readings;
import static io.sluice.sequences.telemetry.Refusals.scribbleOn;
import static io.sluice.sequences.telemetry.Refusals.withColumn;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.sequences.dataset.Split;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sources that are missing, empty, truncated, corrupt, or not of one shape. */
class BadFilesTest {
  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"raw", "raw/*.csv", "raw/{a,b}/x.csv"})
  void aMissingPathIsNamed(String path) {
    assertRefused(
        folder,
        Build.in(folder).source(folder.resolve(path)),
        BAD_INPUT,
        "source.path FOLDER/"
            + path
            + ": there is no such file or folder. Give an existing path, folder or glob.");
  }

  @Test
  void anUnknownFileSystemIsNamed() {
    assertRefused(
        folder,
        Build.in(folder).with("source.path = \"nowhere://lake/raw\""),
        BAD_INPUT,
        "source.path nowhere://lake/raw: cannot be read (No FileSystem for scheme \"nowhere\"). Check the path and its permissions.");
  }

  @ParameterizedTest
  @ValueSource(strings = {"csv", "parquet", "json", "avro", "orc"})
  void aFolderWithoutFilesIsEmpty(String format) throws IOException {
    Path raw = Files.createDirectories(folder.resolve("raw"));
    Files.createFile(raw.resolve("_SUCCESS"));

    assertRefused(
        folder,
        Build.in(folder).source(raw).with("source.format = " + format),
        BAD_INPUT,
        "source.path FOLDER/raw holds no files. Give a path with data.");
  }

  @Test
  void filesOfNoBytesAreEmpty() throws IOException {
    Path raw = Files.createDirectories(folder.resolve("raw"));
    Files.createFile(raw.resolve("a.csv"));
    Files.createFile(raw.resolve("b.csv"));

    assertRefused(
        folder,
        Build.in(folder).source(raw),
        BAD_INPUT,
        "source.path FOLDER/raw has no rows: its 2 file(s) are empty. Give a path with data.");
  }

  @ParameterizedTest
  @ValueSource(strings = {"[]", "[load]"})
  void aHeaderWithoutRowsIsEmpty(String channels) {
    assertRefused(
        folder,
        Build.in(folder).csv("time,load").with("features.channels = " + channels),
        BAD_INPUT,
        "source.path FOLDER/source.csv has no rows. Give a path with data.");
  }

  @Test
  void aParquetTableWithoutRowsIsEmpty() {
    assertRefused(
        folder,
        Build.in(folder)
            .source(parquet(folder.resolve("raw.parquet"), readings(0, 0, "time", "id as load")))
            .with("source.format = parquet"),
        BAD_INPUT,
        "source.path FOLDER/raw.parquet has no rows. Give a path with data.");
  }

  @Test
  void aTruncatedParquetFileIsNamed() {
    parquet(folder.resolve("raw/a.parquet"), readings(0, 100, "time", "id as load"));
    cutOff(parquet(folder.resolve("raw/b.parquet"), readings(100, 200, "time", "id as load")), 0.6);

    assertRefused(
        folder,
        Build.in(folder).source(folder.resolve("raw")).with("source.format = parquet"),
        BAD_INPUT,
        "Cannot read FOLDER/raw/b.parquet of source.path FOLDER/raw: it is truncated, corrupt or of another format (file:FOLDER/raw/b.parquet is not a Parquet file. Expected magic number at tail, but found BYTES). Replace the file or leave it out.");
  }

  /** Without its checksum a scribbled page of doubles would be read as other doubles. */
  @Test
  void aCorruptPageOfAParquetFileIsNoticed() {
    parquet(folder.resolve("raw/a.parquet"), readings(0, 5000, "time", "rand(1) as load"));
    scribbleOn(
        parquet(folder.resolve("raw/b.parquet"), readings(5000, 9000, "time", "rand(2) as load")),
        0.5);

    assertRefused(
        folder,
        Build.in(folder).source(folder.resolve("raw")).with("source.format = parquet"),
        BAD_INPUT,
        "Cannot read FOLDER/raw/b.parquet of source.path FOLDER/raw: its content does not match its checksum: corrupt (could not verify page integrity, CRC checksum verification failed). Replace the file or leave it out.");
  }

  /** Spark names the file where its first row fails; here it is found by halving. */
  @Test
  void theTruncatedOneOfManyGzipFilesIsNamed() {
    for (int day = 0; day < 5; day++) {
      gzip(folder.resolve("raw/%d.csv.gz".formatted(day)), Build.hourly(24 * day, 24 * day + 24));
    }
    cutOff(folder.resolve("raw/3.csv.gz"), 0.8);

    assertRefused(
        folder,
        Build.in(folder).source(folder.resolve("raw")),
        BAD_INPUT,
        "Cannot read FOLDER/raw/3.csv.gz of source.path FOLDER/raw: it ends too early: truncated (Unexpected end of input stream). Replace the file or leave it out.");
  }

  @Test
  void aCorruptGzipFileIsNamed() {
    scribbleOn(gzip(folder.resolve("raw.csv.gz"), Build.hourly(0, 2000)), 0.5);

    assertRefused(
        folder,
        Build.in(folder).source(folder.resolve("raw.csv.gz")),
        BAD_INPUT,
        "Cannot read source.path FOLDER/raw.csv.gz: its content does not match its checksum: corrupt (gzip stream CRC failure). Replace the file or leave it out.");
  }

  @Test
  void textThatIsCalledGzipIsNamed() {
    assertRefused(
        folder,
        Build.in(folder).source(Build.in(folder).write("raw.csv.gz", Build.hourly(0, 20))),
        BAD_INPUT,
        "Cannot read source.path FOLDER/raw.csv.gz: it is corrupt, not what its compression suffix says (not a gzip file). Replace the file or leave it out.");
  }

  @ParameterizedTest
  @ValueSource(strings = {"parquet", "orc", "avro"})
  void aFileOfAnotherFormatIsNamed(String format) {
    String reason =
        switch (format) {
          case "parquet" ->
              "file:FOLDER/source.csv is not a Parquet file. Expected magic number at tail, but found BYTES";
          case "orc" -> "Malformed ORC file file:FOLDER/source.csv. Invalid postscript";
          default -> "Not an Avro data file";
        };

    assertRefused(
        folder,
        Build.in(folder).csv(Build.hourly(0, 20)).with("source.format = " + format),
        BAD_INPUT,
        "Cannot read source.path FOLDER/source.csv: it is truncated, corrupt or of another format (%s). Replace the file or leave it out."
            .formatted(reason));
  }

  @Test
  void csvIsNoJson() {
    assertRefused(
        folder,
        Build.in(folder).csv(Build.hourly(0, 20)).with("source.format = json"),
        BAD_INPUT,
        "Cannot read source.path FOLDER/source.csv as json: not one of its rows is json. Check source.format and the files.");
  }

  @Test
  void parquetIsNoCsv() {
    assertRefused(
        folder,
        Build.in(folder)
            .source(parquet(folder.resolve("raw.parquet"), readings("time", "id as load"))),
        BAD_INPUT,
        "Cannot read source.path FOLDER/raw.parquet as csv: its first line is not text in UTF-8. Check source.format, and source.options.encoding for another character set.");
  }

  @Test
  void anUnknownFormatIsNamedWithItsNearMiss() {
    assertRefused(
        folder,
        Build.in(folder).csv(Build.hourly(0, 20)).with("source.format = parqet"),
        BAD_SETTINGS,
        "Invalid configuration for source.path FOLDER/source.csv, 1 problem(s):\n  - format \"parqet\" is no data source on the class path; did you mean parquet? Another one needs its jar: spark-submit --packages.");
  }

  @ParameterizedTest
  @ValueSource(strings = {"parquet", "orc"})
  void aColumnOfTwoTypesIsNamedWithBothFiles(String format) {
    only(folder.resolve("raw/a"), readings(0, 100, "time", "cast(id as int) as load"), format);
    only(folder.resolve("raw/b"), readings(100, 200, "time", "cast(id as double) as load"), format);

    assertRefused(
        folder,
        Build.in(folder).source(folder.resolve("raw")).with("source.format = " + format),
        BAD_INPUT,
        "Cannot read source.path FOLDER/raw: column load is int in FOLDER/raw/a but double in FOLDER/raw/b. Give files of one schema, or convert one of them.");
  }

  @Test
  void aColumnThatSomeParquetFilesLackIsMissingThere() {
    parquet(folder.resolve("raw/a.parquet"), readings(0, 100, "time", "id as load"));
    parquet(
        folder.resolve("raw/b.parquet"), readings(100, 200, "time", "id as load", "id as flow"));

    Build build =
        Build.in(folder)
            .source(folder.resolve("raw"))
            .with("source.format = parquet\nfeatures.masks = true\nresample.gap-policy = mask");
    BuildReport report = build.run();

    assertThat(report.channels()).containsExactly("load", "flow");
    assertThat(build.values(Split.TRAIN, "all", "flow").get(Build.tick(99))).isNaN();
    assertThat(build.values(Split.TRAIN, "all", "flow").get(Build.tick(100))).isEqualTo(100f);
    assertThat(build.values(Split.TRAIN, "all", "load").get(Build.tick(99))).isEqualTo(99f);
  }

  @Test
  void csvFilesOfOtherColumnsAreNamed() {
    Build.in(folder).write("raw/a.csv", Build.hourly(0, 100));
    String[] rows = Build.hourly(100, 200);
    rows[0] = "time,flow";
    Build.in(folder).write("raw/b.csv", rows);

    assertRefused(
        folder,
        Build.in(folder).source(folder.resolve("raw")),
        BAD_INPUT,
        "Cannot read source.path FOLDER/raw: FOLDER/raw/a.csv has columns [time, load] where another file has [time, flow]. Give files of one header, or build from them one by one.");
  }

  @Test
  void csvFilesOfMoreColumnsAreNamed() {
    Build.in(folder).write("raw/a.csv", Build.hourly(0, 100));
    Build.in(folder).write("raw/b.csv", withColumn(Build.hourly(100, 200), "flow", "5"));

    assertRefused(
        folder,
        Build.in(folder).source(folder.resolve("raw")),
        BAD_INPUT,
        "Cannot read source.path FOLDER/raw: FOLDER/raw/a.csv has 2 columns where another file has 3. Give files of one header, or build from them one by one.");
  }
}
