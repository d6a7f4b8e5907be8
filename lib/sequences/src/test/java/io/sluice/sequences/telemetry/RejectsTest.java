package io.sluice.sequences.telemetry;

import static io.sluice.failure.ExitStatus.BAD_INPUT;
import static io.sluice.sequences.telemetry.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.failure.UserFailure;
import io.sluice.sequences.SparkExtension;
import io.sluice.sequences.telemetry.source.RejectReason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rows that cannot be used: each reason, the table that keeps them, the share that is too much. */
class RejectsTest {
  /** A row for each reason, in a wide table of unit, time and load. */
  private static final Map<RejectReason, String> WIDE =
      new TreeMap<>(
          Map.of(
              RejectReason.MALFORMED_ROW, "A,2024-01-01 00:00:00,1,2,3",
              RejectReason.SERIES_MISSING, ",2024-01-01 00:00:00,1",
              RejectReason.TIME_MISSING, "A,,1",
              RejectReason.TIME_UNPARSABLE, "A,noon,1",
              RejectReason.TIME_NONEXISTENT, "A,2024-03-31 02:30:00,1",
              RejectReason.TIME_IN_FUTURE, "A,2124-01-01 00:00:00,1",
              RejectReason.TIME_BEFORE_MIN, "A,1601-01-01 00:00:00,1"));

  /** A row for each reason that only a long table has: unit, time, tag, value, quality. */
  private static final Map<RejectReason, String> LONG =
      new TreeMap<>(
          Map.of(
              RejectReason.TAG_MISSING, "A,2024-01-01 00:00:00,,1,good",
              RejectReason.BAD_QUALITY, "A,2024-01-01 00:00:00,load,1,Bad",
              RejectReason.VALUE_MISSING, "A,2024-01-01 00:00:00,load,,good",
              RejectReason.VALUE_UNPARSABLE, "A,2024-01-01 00:00:00,load,err,good",
              RejectReason.VALUE_NOT_FINITE, "A,2024-01-01 00:00:00,load,-Infinity,good"));

  @TempDir Path folder;

  @Test
  void everyReasonHasARowInTheseTests() {
    var reasons = new TreeSet<>(WIDE.keySet());
    reasons.addAll(LONG.keySet());

    assertThat(reasons).containsExactly(RejectReason.values());
  }

  @Test
  void eachReasonOfAWideTableIsCountedAndItsRowIsKept() {
    var rows = new ArrayList<>(List.of("unit,time,load"));
    for (int n = 0; n < 200; n++) {
      rows.add("A,%s,%d".formatted(Build.hour(n), n));
    }
    rows.addAll(WIDE.values());
    Build build =
        Build.in(folder)
            .csv(rows.toArray(String[]::new))
            .with("source { series-from = column, columns.series = unit }")
            .with("source.time.zone = \"Europe/Berlin\"\nreject.max-share = 0.1");

    BuildReport report = build.run();

    assertThat(report.rejectedRows()).isEqualTo(oneOfEach(WIDE));
    assertThat(report.rejects()).isEqualTo(folder.resolve("dataset.rejects").toString());
    assertThat(build.rejects())
        .containsExactly(
            "malformed-row | {\"unit\":\"A\",\"time\":\"2024-01-01 00:00:00\",\"load\":\"1\",\"malformed_row\":\"A,2024-01-01 00:00:00,1,2,3\"}",
            "series-missing | {\"time\":\"2024-01-01 00:00:00\",\"load\":\"1\"}",
            "time-before-min | {\"unit\":\"A\",\"time\":\"1601-01-01 00:00:00\",\"load\":\"1\"}",
            "time-in-future | {\"unit\":\"A\",\"time\":\"2124-01-01 00:00:00\",\"load\":\"1\"}",
            "time-missing | {\"unit\":\"A\",\"load\":\"1\"}",
            "time-nonexistent | {\"unit\":\"A\",\"time\":\"2024-03-31 02:30:00\",\"load\":\"1\"}",
            "time-unparsable | {\"unit\":\"A\",\"time\":\"noon\",\"load\":\"1\"}");
    List<Row> table = table();
    assertThat(table.get(0).schema().fieldNames()).containsExactly("source_file", "reason", "row");
    assertThat(table)
        .allSatisfy(
            row -> assertThat(row.getString(0)).endsWith(folder.resolve("source.csv").toString()));
  }

  @Test
  void eachReasonOfALongTableIsCountedAndItsRowIsKept() {
    var rows = new ArrayList<>(List.of("unit,time,tag,value,quality"));
    for (int n = 0; n < 200; n++) {
      rows.add("A,%s,load,%d,GOOD".formatted(Build.hour(n), n));
    }
    rows.addAll(LONG.values());
    Build build =
        Build.in(folder)
            .csv(rows.toArray(String[]::new))
            .with("source { layout = long, columns.quality = quality }")
            .with("source { series-from = column, columns.series = unit }")
            .with("reject.max-share = 0.1");

    BuildReport report = build.run();

    assertThat(report.channels()).containsExactly("load");
    assertThat(report.rejectedRows()).isEqualTo(oneOfEach(LONG));
    assertThat(build.rejects())
        .containsExactly(
            "bad-quality | {\"unit\":\"A\",\"time\":\"2024-01-01 00:00:00\",\"tag\":\"load\",\"value\":\"1\",\"quality\":\"Bad\"}",
            "tag-missing | {\"unit\":\"A\",\"time\":\"2024-01-01 00:00:00\",\"value\":\"1\",\"quality\":\"good\"}",
            "value-missing | {\"unit\":\"A\",\"time\":\"2024-01-01 00:00:00\",\"tag\":\"load\",\"quality\":\"good\"}",
            "value-not-finite | {\"unit\":\"A\",\"time\":\"2024-01-01 00:00:00\",\"tag\":\"load\",\"value\":\"-Infinity\",\"quality\":\"good\"}",
            "value-unparsable | {\"unit\":\"A\",\"time\":\"2024-01-01 00:00:00\",\"tag\":\"load\",\"value\":\"err\",\"quality\":\"good\"}");
  }

  @Test
  void moreThanTheAllowedShareFailsAndLeavesTheRejectsAndTheOldDataset() throws IOException {
    Build.in(folder).csv(Build.hourly(0, 200)).run();
    assertThat(table()).isEmpty();
    byte[] manifest = Files.readAllBytes(folder.resolve("dataset/manifest.json"));
    Build bad = Build.in(folder).csv(Build.append(Build.hourly(0, 200), "x,1", ",2", "z,3"));

    assertThatThrownBy(bad::run)
        .hasMessage(
            "source.path %s/source.csv: 3 of 203 rows cannot be used (1.48 %%), more than reject.max-share = 0.01. Reasons: time-unparsable 2, time-missing 1. The rows are in %s/dataset.rejects; correct the data or the settings of source."
                .formatted(folder, folder))
        .isInstanceOfSatisfying(
            UserFailure.class, failure -> assertThat(failure.exitStatus()).isEqualTo(BAD_INPUT));
    assertThat(Refusals.leftBeside(folder)).containsExactly("dataset");
    assertThat(folder.resolve("dataset/manifest.json")).hasBinaryContent(manifest);
    assertThat(bad.rejects())
        .containsExactly(
            "time-missing | {\"load\":\"2\"}",
            "time-unparsable | {\"time\":\"x\",\"load\":\"1\"}",
            "time-unparsable | {\"time\":\"z\",\"load\":\"3\"}");
  }

  @Test
  void aShareOfExactlyTheMaximumIsAllowed() {
    Build build =
        Build.in(folder)
            .csv(Build.append(Build.hourly(0, 198), "x,1", "y,2"))
            .with("reject.max-share = 0.01");

    assertThat(build.run().rejectedShare()).isEqualTo(0.01);
  }

  @Test
  void aTableThatIsAllRejectsFails() {
    assertRefused(
        folder,
        Build.in(folder).csv("time,load", "x,1", "y,2").with("reject.max-share = 1.0"),
        BAD_INPUT,
        "source.path FOLDER/source.csv: 2 of 2 rows cannot be used (100.00 %), and none is left. Reasons: time-unparsable 2. The rows are in FOLDER/dataset.rejects; correct the data or the settings of source.");
  }

  private List<Row> table() {
    return SparkExtension.session()
        .read()
        .parquet(folder.resolve("dataset.rejects").toString())
        .collectAsList();
  }

  private static Map<String, Long> oneOfEach(Map<RejectReason, String> rows) {
    var counts = new TreeMap<String, Long>();
    rows.keySet().forEach(reason -> counts.put(reason.label(), 1L));
    return counts;
  }

  /** Labels and columns are a contract: data-schemas/rejects.v1. */
  @Test
  void theSchemaFileNamesTheColumnsAndEveryReason() throws IOException {
    Path file = Path.of(System.getenv("SLUICE_ROOT"), "data-schemas/rejects.v1.json");
    var columns = new ObjectMapper().readTree(file.toFile()).get("columns");

    assertThat(columns.findValuesAsText("name")).containsExactly("source_file", "reason", "row");
    assertThat(columns.findValuesAsText("type")).containsOnly("string");
    var values = new ArrayList<String>();
    columns.get(1).get("values").forEach(value -> values.add(value.asText()));
    assertThat(values)
        .containsExactlyElementsOf(
            Arrays.stream(RejectReason.values()).map(RejectReason::label).toList());
  }
}
