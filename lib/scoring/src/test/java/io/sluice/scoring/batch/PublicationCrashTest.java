package io.sluice.scoring.batch;

import static io.sluice.scoring.batch.TestTable.day;
import static io.sluice.scoring.batch.TestTable.windows;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.scoring.SparkExtension;
import io.sluice.sequences.dataset.TimeAxis;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.commons.io.FileUtils;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A publishing process is killed with SIGKILL; what a reader then sees is old or new. Three dates
 * of run-1; run-2 replaces the first and the last and empties the second.
 */
@ExtendWith(SparkExtension.class)
class PublicationCrashTest {
  static final Instant FIRST = Instant.parse("2024-05-01T00:00:00Z");
  static final Instant LAST = Instant.parse("2024-05-03T23:00:00Z");

  /** Where a run stopped: at the n-th time of a step. */
  private static final List<String> PLACES =
      List.of(
          "STAGED-1",
          "COMMITTED-1",
          "OLD_ASIDE-1",
          "OLD_ASIDE-3",
          "OLD_ASIDE-2",
          "NEW_IN-1",
          "SWAPPED-1",
          "CLOSED-1");

  @TempDir static Path temp;
  private static SparkSession spark;
  private static List<String> old;

  @BeforeAll
  static void killAProcessThatPublishes(SparkSession session) throws Exception {
    spark = session;
    var before = new ArrayList<ScoredWindow>();
    var after = new ArrayList<ScoredWindow>();
    for (String date : List.of("2024-05-01", "2024-05-02", "2024-05-03")) {
      before.addAll(windows("pump", 1, day(date)));
      if (!date.equals("2024-05-02")) {
        after.addAll(windows("pump", 2, day(date)));
      }
    }
    TestTable original = table("original");
    original.publish("m", "run-1", FIRST, LAST, before);
    old = original.plainContents();
    original.stage(
        new org.apache.hadoop.fs.Path(temp.resolve("new").toUri()),
        "m",
        "run-2",
        TestTable.forecast(TimeAxis.Type.TIMESTAMP),
        after);
    var arguments =
        new ArrayList<>(List.of(temp.resolve("new").toUri().toString(), temp.toUri().toString()));
    for (String place : PLACES) {
      FileUtils.copyDirectory(original.folder.toFile(), temp.resolve(place).toFile());
      arguments.add(place);
    }

    try (var child =
        ChildProcess.start(
            PublishingProcess.class, temp.resolve("child.log"), arguments.toArray(String[]::new))) {
      child.killWhenReached();
    }
  }

  @Test
  void killedBetweenStagingAndPublishTheOldRowsStand() {
    TestTable table = table("STAGED-1");

    assertThat(table.plainContents()).isEqualTo(old);
    assertThat(table.contents()).isEqualTo(old);
    assertThat(table.table().recover()).isEmpty();

    // the next run of the model clears what the dead one staged
    assertThat(table.leftovers()).isNotEmpty();
    table.publish("m", "run-3", FIRST, LAST, windows("pump", 3, day("2024-05-01")));
    assertThat(table.rowsByRunAndDate()).isEqualTo(Map.of("run-3 2024-05-01", 96L));
    assertThat(table.leftovers()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"COMMITTED-1", "OLD_ASIDE-1", "OLD_ASIDE-3", "NEW_IN-1", "SWAPPED-1"})
  void killedAfterTheCommitTheNewRowsAreRolledForward(String place) {
    TestTable table = table(place);
    if (place.startsWith("COMMITTED")) {
      assertThat(table.plainContents()).isEqualTo(old);
    }

    assertThat(table.rowsByRunAndDate())
        .isEqualTo(Map.of("run-2 2024-05-01", 96L, "run-2 2024-05-03", 96L));
    assertThat(table.plainContents()).isEqualTo(table.contents());
    assertThat(table.leftovers()).isEmpty();
  }

  @Test
  void theNextRunFinishesTheDeadOnesSwapBeforeItsOwn() {
    TestTable table = table("OLD_ASIDE-2");

    Instant noon = Instant.parse("2024-05-03T12:00:00Z");
    table.publish("m", "run-3", noon, noon, windows("pump", 3, noon));

    assertThat(table.rowsByRunAndDate())
        .isEqualTo(
            Map.of(
                "run-2 2024-05-01", 96L,
                "run-2 2024-05-03", 92L,
                "run-3 2024-05-03", 4L));
  }

  @Test
  void killedAfterTheJournalIsGoneOnlyLeftoversRemain() {
    TestTable table = table("CLOSED-1");

    assertThat(table.plainContents()).hasSize(2 * 96).doesNotContainAnyElementsOf(old);
    assertThat(table.table().recover()).isEmpty();

    table.publish("m", "run-3", FIRST, LAST, windows("pump", 3, day("2024-05-01")));
    assertThat(table.leftovers()).isEmpty();
  }

  private static TestTable table(String name) {
    return new TestTable(spark, temp.resolve(name));
  }
}
