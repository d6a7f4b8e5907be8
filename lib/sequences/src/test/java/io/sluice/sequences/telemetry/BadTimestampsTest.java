package io.sluice.sequences.telemetry;

import static io.sluice.failure.ExitStatus.BAD_INPUT;
import static io.sluice.sequences.telemetry.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.sequences.dataset.Split;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroup;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.util.HadoopOutputFile;
import org.apache.parquet.schema.MessageTypeParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Time stamps that are wrong, strange, double, out of order or local. */
class BadTimestampsTest {
  private static final String LENIENT = "reject.max-share = 0.1";

  @TempDir Path folder;

  @Test
  void whatIsNoTimeIsRejectedByReason() {
    Build build =
        Build.in(folder)
            .csv(
                Build.append(
                    Build.hourly(0, 200),
                    "2024-13-45 00:00:00,1",
                    "2024-02-30 00:00:00,2",
                    "yesterday,3",
                    ",4",
                    "2024-06-02 00:00:01,5",
                    "9999-12-31 23:59:59,6",
                    "+999999999-12-31 00:00:00,7",
                    "1899-12-30 00:00:00,8",
                    "0001-01-01 00:00:00,9",
                    "-999999999-01-01 00:00:00,10"))
            .with(LENIENT);

    BuildReport report = build.run();

    assertThat(report.rejectedRows())
        .isEqualTo(
            Map.of(
                "time-unparsable",
                4L,
                "time-missing",
                1L,
                "time-in-future",
                3L,
                "time-before-min",
                2L));
    assertThat(report.rejectedShare()).isEqualTo(10 / 210.0);
    assertThat(build.rejects())
        .containsExactly(
            "time-before-min | {\"time\":\"0001-01-01 00:00:00\",\"load\":\"9\"}",
            "time-before-min | {\"time\":\"1899-12-30 00:00:00\",\"load\":\"8\"}",
            "time-in-future | {\"time\":\"+999999999-12-31 00:00:00\",\"load\":\"7\"}",
            "time-in-future | {\"time\":\"2024-06-02 00:00:01\",\"load\":\"5\"}",
            "time-in-future | {\"time\":\"9999-12-31 23:59:59\",\"load\":\"6\"}",
            "time-missing | {\"load\":\"4\"}",
            "time-unparsable | {\"time\":\"-999999999-01-01 00:00:00\",\"load\":\"10\"}",
            "time-unparsable | {\"time\":\"2024-02-30 00:00:00\",\"load\":\"2\"}",
            "time-unparsable | {\"time\":\"2024-13-45 00:00:00\",\"load\":\"1\"}",
            "time-unparsable | {\"time\":\"yesterday\",\"load\":\"3\"}");
    assertThat(build.manifest().rejectedRows()).isEqualTo(report.rejectedRows());
  }

  @Test
  void theBoundsOfTimeAreSettings() {
    Build build =
        Build.in(folder)
            .csv(Build.append(Build.hourly(0, 200), "2024-06-02 00:00:01,5"))
            .with("source.time { max-future = 2 days, min = \"2024-01-01T05:00:00Z\" }")
            .with("split { unit = rows, train = 100, validation = 40, test = 40 }\n" + LENIENT);

    assertThat(build.run().rejectedRows()).isEqualTo(Map.of("time-before-min", 5L));
    assertThat(build.manifest().source().firstTime()).isEqualTo(Build.tick(5));
    assertThat(build.manifest().source().lastTime())
        .isEqualTo(Instant.parse("2024-06-02T00:00:01Z").getEpochSecond() * 1_000_000L);
  }

  @Test
  void numbersThatAreNoEpochAreRejected() {
    var rows = new ArrayList<>(List.of("time,load"));
    for (int n = 0; n < 200; n++) {
      rows.add("%d,%d".formatted(Build.tick(n) / 1_000_000, n));
    }
    rows.addAll(
        List.of(
            "1704067200000,1", // milliseconds
            "1704067200000000,2", // microseconds
            "99999999999999999999,3",
            "-9223372036854775808,4", // a missing time of pandas
            "noon,5"));
    Build build =
        Build.in(folder)
            .csv(rows.toArray(String[]::new))
            .with("source.time.format = epoch-seconds\n" + LENIENT);

    BuildReport report = build.run();

    assertThat(report.rejectedRows())
        .isEqualTo(Map.of("time-in-future", 3L, "time-unparsable", 2L));
    assertThat(build.manifest().source().firstTime()).isEqualTo(Build.tick(0));
    assertThat(build.manifest().source().lastTime()).isEqualTo(Build.tick(199));
  }

  @Test
  void numbersThatAreNoCycleAreRejected() {
    var rows = new ArrayList<>(List.of("time,load"));
    for (int n = 0; n < 200; n++) {
      rows.add("%d,%d".formatted(n, n));
    }
    rows.addAll(List.of("200.5,1", "9223372036854775807,2", "first,3", ",4", "200.0,5"));
    Build build =
        Build.in(folder)
            .csv(rows.toArray(String[]::new))
            .with("source.time.type = ordinal\n" + LENIENT);

    BuildReport report = build.run();

    assertThat(report.rejectedRows()).isEqualTo(Map.of("time-unparsable", 3L, "time-missing", 1L));
    assertThat(build.manifest().source().lastTime()).isEqualTo(200);
  }

  /** Spark asks which calendar a Parquet file of another writer is in, and fails where not told. */
  @Test
  void nullAndAncientTimesInParquetOfAnotherWriterAreRejected() throws IOException {
    Path file = folder.resolve("raw.parquet");
    var schema =
        MessageTypeParser.parseMessageType(
            "message raw { optional int64 time (TIMESTAMP(MICROS,true)); optional double load; }");
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(
                HadoopOutputFile.fromPath(
                    new org.apache.hadoop.fs.Path(file.toUri()), new Configuration(false)))
            .withType(schema)
            .build()) {
      for (int n = 0; n < 200; n++) {
        writer.write(new SimpleGroup(schema).append("time", Build.tick(n)).append("load", 1.0 * n));
      }
      writer.write(new SimpleGroup(schema).append("load", 200.0));
      for (String time : List.of("0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z")) {
        long micros = Instant.parse(time).getEpochSecond() * 1_000_000L;
        writer.write(new SimpleGroup(schema).append("time", micros).append("load", 201.0));
      }
      writer.write(new SimpleGroup(schema).append("time", Long.MIN_VALUE).append("load", 202.0));
    }
    Build build = Build.in(folder).source(file).with("source.format = parquet\n" + LENIENT);

    assertThat(build.run().rejectedRows())
        .isEqualTo(
            Map.of(
                "time-missing",
                1L,
                "time-before-min",
                1L,
                "time-in-future",
                1L,
                "time-unparsable",
                1L));
  }

  @Test
  void anAncientTimeIsUsedWhereSettingsAllowIt() {
    assertRefused(
        folder,
        Build.in(folder)
            .csv(Build.append(Build.hourly(0, 200), "0001-01-01 00:00:00,9"))
            .with("source.time.min = null"),
        BAD_INPUT,
        "The validation split has no window. A window needs look-back 4 + horizon 2 = 6 steps, and an embargo of 6 steps is left out before the split (split.embargo). Enlarge split.validation, shorten window.look-back, or lower split.embargo.");
  }

  @Test
  void rowsOutOfOrderGiveTheDatasetOfRowsInOrder() {
    String[] rows = Build.hourly(0, 200);
    List<String> shuffled = new ArrayList<>(Arrays.asList(rows).subList(1, rows.length));
    Collections.shuffle(shuffled, new Random(7));
    shuffled.add(0, rows[0]);
    Path other = folder.resolve("shuffled");

    Build ordered = Build.in(folder.resolve("ordered")).csv(rows);
    Build unordered = Build.in(other).csv(shuffled.toArray(String[]::new));
    ordered.run();
    unordered.run();

    assertThat(unordered.rows()).isEqualTo(ordered.rows());
    assertThat(unordered.manifest().source().contentHash())
        .isEqualTo(ordered.manifest().source().contentHash());
  }

  @Test
  void ofConflictingReadingsTheLaterArrivalWinsAndWithoutOneTheLargerValue() {
    String[] rows =
        Build.append(
            Refusals.withColumn(Build.hourly(0, 200), "arrived", "2024-02-01 00:00:00"),
            Build.hour(5) + ",5,2024-02-01 00:00:00", // the same again
            Build.hour(6) + ",600,2024-01-15 00:00:00", // superseded
            Build.hour(7) + ",-7,2024-02-02 00:00:00", // a correction
            Build.hour(8) + ",800,"); // arrival unknown: the earliest
    Build byArrival =
        Build.in(folder.resolve("arrival"))
            .csv(rows)
            .with("features.channels = [load]\nsource.columns.arrival = arrived");
    Build byValue = Build.in(folder.resolve("value")).csv(rows).with("features.channels = [load]");

    BuildReport arrival = byArrival.run();
    BuildReport value = byValue.run();

    assertThat(byArrival.values(Split.TRAIN, "all", "load"))
        .containsEntry(Build.tick(5), 5f)
        .containsEntry(Build.tick(6), 6f)
        .containsEntry(Build.tick(7), -7f)
        .containsEntry(Build.tick(8), 8f);
    assertThat(arrival.duplicates())
        .isEqualTo(Map.of("repeated", 1L, "superseded-by-later-arrival", 3L));
    assertThat(arrival.warnings()).isEmpty();
    assertThat(byValue.values(Split.TRAIN, "all", "load"))
        .containsEntry(Build.tick(5), 5f)
        .containsEntry(Build.tick(6), 600f)
        .containsEntry(Build.tick(7), 7f)
        .containsEntry(Build.tick(8), 800f);
    assertThat(value.duplicates()).isEqualTo(Map.of("repeated", 1L, "conflicting", 3L));
    assertThat(value.warnings())
        .containsExactly(
            "3 readings contradict one of the same series, time and channel; the larger value was taken. Name source.columns.arrival to let the later one win.");
  }

  /** Every spelling of an hour is that hour; a time without an offset is in source.time.zone. */
  @Test
  void aMixOfZonesAndOffsetsIsOneTimeLine() {
    String[] rows = Build.hourly(0, 200);
    rows[1] = "2024-01-01 01:00:00,0"; // Berlin
    rows[2] = "2024-01-01T01:00:00Z,1";
    rows[3] = "2024-01-01 07:30:00+05:30,2";
    rows[4] = "2023-12-31T19:00:00-0800,3";
    rows[5] = "2024-01-01t05:00:00 +01,4";
    for (int n = 5; n < 200; n++) {
      rows[n + 1] = Build.hour(n) + "Z," + n;
    }
    Build build = Build.in(folder).csv(rows).with("source.time.zone = \"Europe/Berlin\"");

    BuildReport report = build.run();

    assertThat(report.rejectedRows()).isEmpty();
    assertThat(report.duplicates()).isEmpty();
    var values = build.values(Split.TRAIN, "all", "load");
    for (int n = 0; n < 100; n++) {
      assertThat(values).containsEntry(Build.tick(n), (float) n);
    }
  }

  /**
   * Central Europe, 2024: on 31 March 02:00 to 03:00 does not exist, on 27 October (here: 2023, 29
   * October) it comes twice.
   */
  @Test
  void aLocalTimeThatDoesNotExistIsRejectedAndOneThatOccursTwiceIsTheEarlier() {
    var rows = new ArrayList<>(List.of("time,load"));
    for (int n = 0; n < 24 * 8; n++) { // local days of 24 hours from 25 October to 1 November
      rows.add("2023-10-%02d %02d:00:00,%d".formatted(24 + n / 24, n % 24, n));
    }
    rows.add("2023-10-29 02:00:00,1000"); // after clocks went back
    rows.add("2023-03-26 02:30:00,1"); // clocks went forward
    Build build =
        Build.in(folder)
            .csv(rows.toArray(String[]::new))
            .with("source.time.zone = \"Europe/Berlin\"\n" + LENIENT);

    BuildReport report = build.run();

    assertThat(build.rejects())
        .containsExactly("time-nonexistent | {\"time\":\"2023-03-26 02:30:00\",\"load\":\"1\"}");
    assertThat(report.duplicates()).isEqualTo(Map.of("conflicting", 1L));
    assertThat(report.warnings())
        .contains(
            "2 rows have a local time that occurs twice (clocks went back); the earlier one was taken. Write time stamps with an offset.");
    var values = new java.util.TreeMap<Long, Float>();
    for (Split split : Split.values()) {
      values.putAll(build.values(split, "all", "load"));
    }
    assertThat(values)
        .containsEntry(berlin("2023-10-29T01:00:00+02:00"), 121f)
        .containsEntry(berlin("2023-10-29T02:00:00+02:00"), 1000f)
        .containsEntry(berlin("2023-10-29T02:00:00+01:00"), 1000f) // a gap, filled
        .containsEntry(berlin("2023-10-29T03:00:00+01:00"), 123f);
  }

  private static long berlin(String time) {
    return java.time.OffsetDateTime.parse(time).toEpochSecond() * 1_000_000L;
  }
}
