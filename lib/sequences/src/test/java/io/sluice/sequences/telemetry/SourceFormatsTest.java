package io.sluice.sequences.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.sequences.SparkExtension;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.Split;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The same readings give the same dataset, whatever they are kept in. */
class SourceFormatsTest {
  private static final RawPlant PLANT = RawPlant.hourly(7, 2, 90);

  @TempDir static Path shared;
  private static Build fromCsv;

  @TempDir Path folder;

  @BeforeAll
  static void buildFromCsv() {
    fromCsv = classes(Build.of(PLANT, shared));
    fromCsv.run();
  }

  private static Build classes(Build build) {
    return build.with("window.horizon = 0, target { type = class, label = state }");
  }

  /** JSON and CSV hold times as text, the others as time stamps; the session's zone is not UTC. */
  @ParameterizedTest
  @ValueSource(strings = {"parquet", "json", "avro", "orc"})
  void typedTablesGiveTheDatasetOfTheCsv(String format) {
    Dataset<Row> table =
        SparkExtension.session()
            .read()
            .option("header", "true")
            .schema(
                "series string, time timestamp, arrived timestamp, flow double, pressure double,"
                    + " temp double, state string")
            .csv(shared.resolve("plant.csv").toString());
    Path path = folder.resolve("table");
    table.write().format(format).save(path.toString());

    Build build = classes(Build.of(PLANT, folder)).source(path).with("source.format = " + format);
    build.run();

    assertSameDataset(build);
    assertThat(build.manifest().source().contentHash())
        .isEqualTo(fromCsv.manifest().source().contentHash());
  }

  @Test
  void gzippedCsvGivesTheDatasetOfTheCsv() {
    Build build =
        classes(Build.of(PLANT, folder)).source(PLANT.wideCsv(folder.resolve("plant.csv.gz")));
    build.run();

    assertSameDataset(build);
    assertThat(build.manifest().source().contentHash())
        .isEqualTo(fromCsv.manifest().source().contentHash());
  }

  @Test
  void longHistorianTableGivesTheDatasetOfTheWideOne() {
    Build build =
        classes(Build.of(PLANT, folder))
            .source(PLANT.longCsv(folder.resolve("long.csv")))
            .with(
                "source { layout = long, columns { series = unit, tag = tag, time = at"
                    + ", value = reading, quality = flag, arrival = arrived } }");
    BuildReport report = build.run();

    assertSameDataset(build);
    // the tag that nobody asked for is no rejected row
    assertThat(report.rejectedRows()).isEmpty();
    long readings =
        PLANT.rows().stream()
            .mapToLong(
                r ->
                    java.util.Arrays.stream(r.values()).filter(v -> !Double.isNaN(v)).count()
                        + (r.state() == null ? 0 : 1))
            .sum();
    assertThat(report.rawRows()).isEqualTo(readings);
  }

  private void assertSameDataset(Build build) {
    SequenceManifest expected = fromCsv.manifest();
    SequenceManifest actual = build.manifest();
    assertThat(actual.contract()).isEqualTo(expected.contract());
    assertThat(actual.splits()).isEqualTo(expected.splits());
    assertThat(actual.parts()).isEqualTo(expected.parts());
    assertThat(actual.droppedByPeriod()).isEqualTo(expected.droppedByPeriod());
    assertThat(build.files()).isEqualTo(fromCsv.files());
  }

  @Test
  void csvGivesTheDatasetOfTheReference() {
    var reference = TelemetryReference.of(fromCsv.settings(), PLANT);

    var windows = new TreeMap<Split, List<TelemetryReference.Window>>();
    for (Split split : Split.values()) {
      windows.put(split, fromCsv.windows(split));
    }

    windows.forEach(
        (split, found) -> assertThat(found).isEqualTo(reference.windows(split)).isNotEmpty());
  }
}
