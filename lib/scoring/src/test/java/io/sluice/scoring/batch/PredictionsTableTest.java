package io.sluice.scoring.batch;

import static io.sluice.scoring.batch.TestTable.day;
import static io.sluice.scoring.batch.TestTable.windows;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.failure.InvalidInputException;
import io.sluice.failure.OperationFailedException;
import io.sluice.scoring.SparkExtension;
import io.sluice.sequences.dataset.TimeAxis;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(SparkExtension.class)
class PredictionsTableTest {
  private static final Instant FIRST = Instant.parse("2024-05-01T00:00:00Z");
  private static final Instant LAST = Instant.parse("2024-05-03T23:00:00Z");

  private TestTable table;

  @BeforeEach
  void open(SparkSession spark, @TempDir Path temp) {
    table = new TestTable(spark, temp.resolve("predictions"));
  }

  @Test
  void aRerunReplacesTheDatesItCoversAndNoOtherFile() {
    table.publish("m", "run-1", FIRST, LAST, threeDays(1));
    table.publish("other", "run-2", FIRST, LAST, threeDays(2));
    Map<String, String> before = table.files();

    table.publish(
        "m",
        "run-3",
        Instant.parse("2024-05-02T00:00:00Z"),
        Instant.parse("2024-05-02T23:00:00Z"),
        windows("pump", 9, day("2024-05-02")));

    String covered = "model=m/date=2024-05-02/";
    assertThat(without(table.files(), covered)).isEqualTo(without(before, covered)).isNotEmpty();
    // 24 origins x 2 steps x 2 targets a date
    assertThat(table.rowsByRunAndDate())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "run-1 2024-05-01", 96L,
                "run-3 2024-05-02", 96L,
                "run-1 2024-05-03", 96L,
                "run-2 2024-05-01", 96L,
                "run-2 2024-05-02", 96L,
                "run-2 2024-05-03", 96L));
    assertThat(table.leftovers()).isEmpty();
  }

  @Test
  void theSameRunTwiceLeavesTheSameRows() {
    table.publish("m", "run-1", FIRST, LAST, threeDays(1));
    List<String> once = table.contents();

    table.publish("m", "run-1", FIRST, LAST, threeDays(1));

    assertThat(table.contents()).isEqualTo(once).hasSize(3 * 96);
  }

  @Test
  void aCoveredDateWithoutNewRowsIsEmptied() {
    table.publish("m", "run-1", FIRST, LAST, threeDays(1));

    try (PredictionsWrite write = table.begin("m", "run-2")) {
      table.stage(write, "m", "run-2", windows("pump", 9, day("2024-05-01")));
      PredictionsWrite.Published published =
          write.publish(
              new Coverage.Range(
                  TimeAxis.Type.TIMESTAMP,
                  PredictionsSchema.ticks(FIRST),
                  PredictionsSchema.ticks(Instant.parse("2024-05-02T23:00:00Z"))));
      assertThat(published.replaced()).containsExactly("date=2024-05-01");
      assertThat(published.emptied()).containsExactly("date=2024-05-02");
    }

    assertThat(table.rowsByRunAndDate())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of("run-2 2024-05-01", 96L, "run-1 2024-05-03", 96L));
    assertThat(table.folder.resolve("model=m/date=2024-05-02")).doesNotExist();
  }

  @Test
  void theHalvesOfTheFirstAndTheLastDayOutsideTheRangeStay() {
    table.publish("m", "run-1", FIRST, LAST, threeDays(1));

    Instant from = Instant.parse("2024-05-01T18:00:00Z");
    Instant to = Instant.parse("2024-05-03T05:00:00Z");
    List<ScoredWindow> inside = threeDays(2);
    inside.removeIf(
        w ->
            w.getOriginTicks() < PredictionsSchema.ticks(from)
                || w.getOriginTicks() > PredictionsSchema.ticks(to));
    long kept = table.publish("m", "run-2", from, to, inside);

    assertThat(kept).isEqualTo((18 + 18) * 4);
    assertThat(table.rowsByRunAndDate())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "run-1 2024-05-01", 18 * 4L,
                "run-2 2024-05-01", 6 * 4L,
                "run-2 2024-05-02", 24 * 4L,
                "run-2 2024-05-03", 6 * 4L,
                "run-1 2024-05-03", 18 * 4L));
    assertThat(
            table
                .table()
                .read(table.spark)
                .where("run_id = 'run-1' AND origin BETWEEN '%s' AND '%s'".formatted(from, to))
                .count())
        .isZero();
  }

  @Test
  void theHalfOfADayOutsideTheRangeStaysEvenIfTheRangeHasNoRowLeft() {
    table.publish("m", "run-1", FIRST, LAST, threeDays(1));

    table.publish(
        "m",
        "run-2",
        Instant.parse("2024-05-01T12:00:00Z"),
        Instant.parse("2024-05-02T23:00:00Z"),
        windows("pump", 9, day("2024-05-02")));

    assertThat(table.rowsByRunAndDate())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "run-1 2024-05-01", 12 * 4L,
                "run-2 2024-05-02", 96L,
                "run-1 2024-05-03", 96L));
  }

  @Test
  void newestOriginsReplaceOnlyThemselves() {
    var hours = new ArrayList<>(windows("pump", 1, day("2024-05-01")));
    hours.addAll(windows("fan", 1, day("2024-05-01")));
    table.publish("m", "run-1", FIRST, LAST, hours);

    // the fan's record ends earlier than the pump's
    var newest = new ArrayList<>(windows("pump", 9, Instant.parse("2024-05-01T23:00:00Z")));
    newest.addAll(windows("fan", 9, Instant.parse("2024-05-01T20:00:00Z")));
    long kept =
        table.publish("m", "run-2", new Coverage.NewRowsOnly(TimeAxis.Type.TIMESTAMP), newest);

    assertThat(kept).isEqualTo((2 * 24 - 2) * 4);
    assertThat(table.rowsByRunAndDate())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of("run-1 2024-05-01", 46 * 4L, "run-2 2024-05-01", 2 * 4L));
    assertThat(table.table().read(table.spark).select("series", "origin").distinct().count())
        .isEqualTo(48);
  }

  @Test
  void aSecondRunAtTheSamePlaceIsRefusedAndAnotherModelIsNot() {
    try (PredictionsWrite first = table.begin("m", "run-1")) {
      table.stage(first, "m", "run-1", threeDays(1));

      assertThatThrownBy(() -> table.begin("m", "run-2"))
          .isInstanceOf(OperationFailedException.class)
          .hasMessageStartingWith(
              "Cannot publish to file:%s/_locks/m: run run-1 on host ".formatted(table.folder))
          .hasMessageEndingWith(
              "Wait for it to end; if it is dead, its lock file:%s/_locks/m.lock is taken over 2 s after its last sign of life."
                  .formatted(table.folder));
      table.publish("other", "run-3", FIRST, LAST, threeDays(1));

      first.publish(
          new Coverage.Range(
              TimeAxis.Type.TIMESTAMP,
              PredictionsSchema.ticks(FIRST),
              PredictionsSchema.ticks(LAST)));
    }

    table.publish("m", "run-4", FIRST, LAST, threeDays(2));
    assertThat(table.rowsByRunAndDate().keySet())
        .allMatch(key -> key.startsWith("run-3") || key.startsWith("run-4"))
        .hasSize(6);
  }

  @Test
  void aRunThatFailsBeforePublishingLeavesNoTrace() {
    table.publish("m", "run-1", FIRST, LAST, threeDays(1));
    List<String> before = table.contents();

    try (PredictionsWrite write = table.begin("m", "run-2")) {
      table.stage(write, "m", "run-2", threeDays(2));
    }

    assertThat(table.contents()).isEqualTo(before);
    assertThat(table.leftovers()).isEmpty();
  }

  @Test
  void stagedFilesAreInvisibleToAPlainReader() {
    table.publish("m", "run-1", FIRST, LAST, threeDays(1));
    List<String> before = table.plainContents();

    try (PredictionsWrite write = table.begin("m", "run-2")) {
      table.stage(write, "m", "run-2", threeDays(2));

      assertThat(table.plainContents()).isEqualTo(before).hasSize(3 * 96);
    }
  }

  @Test
  void aTableHoldsOneTypeOfOrigin() {
    table.publish("m", "run-1", FIRST, LAST, threeDays(1));

    assertThatThrownBy(
            () ->
                table
                    .table()
                    .begin(
                        "n",
                        new TableFormat.OfWindows(TimeAxis.Type.ORDINAL),
                        "run-2",
                        PublishStep.Observer.NONE))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "Cannot write to the predictions table file:%s: it holds origins of type timestamp, this model would add origins of type ordinal, and a table holds one kind. Set score.predictions to another folder."
                .formatted(table.folder));
    // the refusal lets go of the lock
    assertThat(table.folder.resolve("_locks/n.lock")).doesNotExist();
  }

  @Test
  void aFolderWithoutATableIsNamed() {
    assertThatThrownBy(() -> table.contents())
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "There is no predictions table at file:%s: it has no _format.json. Check the path; score writes the table."
                .formatted(table.folder));
  }

  @Test
  void anotherFormatVersionIsRefused() throws IOException {
    Files.createDirectories(table.folder);
    Files.writeString(
        table.folder.resolve("_format.json"),
        "{\"format\": \"predictions.v2\", \"origin\": \"timestamp\"}");

    assertThatThrownBy(() -> table.begin("m", "run-1"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "The predictions table file:%s has format \"predictions.v2\", this version reads and writes predictions.v1 and document-predictions.v1. Use the version that wrote it, or set score.predictions to another folder."
                .formatted(table.folder));
  }

  @Test
  void aDamagedJournalIsNamedAndStays() throws IOException {
    table.publish("m", "run-1", FIRST, LAST, threeDays(1));
    Path journal = table.folder.resolve("_journal/m/run-2.json");
    Files.createDirectories(journal.getParent());
    Files.writeString(journal, "{\"format\": ");

    assertThatThrownBy(() -> table.begin("m", "run-3"))
        .isInstanceOf(OperationFailedException.class)
        .hasMessageContaining("Cannot finish a publication: its journal file:" + journal)
        .hasMessageEndingWith(
            "Journals are written with one rename, so something else wrote or damaged it; restore it, or delete it to keep the rows as they are.");
    assertThat(journal).exists();
  }

  @Test
  void aJournalWhoseFilesAreGoneIsNotCarriedOutInSilence() throws IOException {
    table.publish("m", "run-1", FIRST, LAST, threeDays(1));
    Path journal = table.folder.resolve("_journal/m/run-2.json");
    Files.createDirectories(journal.getParent());
    Files.writeString(
        journal,
        new PublishJournal(
                PublishJournal.FORMAT,
                "run-2",
                "m",
                "2024-06-01T00:00:00Z",
                List.of(
                    new PublishJournal.Partition(
                        "date=2024-05-01",
                        List.of(new PublishJournal.StagedFile("part-0.parquet", 7)))))
            .toJson());

    assertThatThrownBy(() -> table.table().recover())
        .isInstanceOf(OperationFailedException.class)
        .hasMessage(
            "Cannot finish publishing run run-2: file:%1$s/model=m/date=2024-05-01 must hold {part-0.parquet=7}, but holds {}. Its journal file:%1$s/_journal/m/run-2.json stays; put the missing files back, or delete the journal and score these dates again."
                .formatted(table.folder));
    assertThat(journal).exists();
  }

  private static List<ScoredWindow> threeDays(float value) {
    var windows = new ArrayList<ScoredWindow>();
    for (String date : List.of("2024-05-01", "2024-05-02", "2024-05-03")) {
      windows.addAll(windows("pump", value, day(date)));
    }
    return windows;
  }

  private static Map<String, String> without(Map<String, String> files, String prefix) {
    var rest = new TreeMap<>(files);
    rest.keySet().removeIf(name -> name.startsWith(prefix));
    return rest;
  }
}
