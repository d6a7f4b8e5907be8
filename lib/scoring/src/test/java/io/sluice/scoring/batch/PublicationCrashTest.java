package io.sluice.scoring.batch;

import static io.sluice.scoring.batch.TestTable.day;
import static io.sluice.scoring.batch.TestTable.windows;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.scoring.SparkExtension;
import io.sluice.sequences.dataset.TimeAxis;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A publishing process is killed with SIGKILL; what a reader then sees is old or new. */
@ExtendWith(SparkExtension.class)
class PublicationCrashTest {
  private static final Instant FIRST = Instant.parse("2024-05-01T00:00:00Z");
  private static final Instant LAST = Instant.parse("2024-05-03T23:00:00Z");

  @TempDir Path temp;
  private TestTable table;
  private List<String> old;

  /** Three dates of run-1; run-2 replaces the first and the last and empties the second. */
  @BeforeEach
  void publishOldRows(SparkSession spark) {
    table = new TestTable(spark, temp.resolve("predictions"));
    var before = new ArrayList<ScoredWindow>();
    var after = new ArrayList<ScoredWindow>();
    for (String date : List.of("2024-05-01", "2024-05-02", "2024-05-03")) {
      before.addAll(windows("pump", 1, day(date)));
      if (!date.equals("2024-05-02")) {
        after.addAll(windows("pump", 2, day(date)));
      }
    }
    table.publish("m", "run-1", FIRST, LAST, before);
    old = table.plainContents();
    table.stage(
        new org.apache.hadoop.fs.Path(temp.resolve("new").toUri()),
        "m",
        "run-2",
        TestTable.forecast(TimeAxis.Type.TIMESTAMP),
        after);
  }

  @Test
  void killedBetweenStagingAndPublishTheOldRowsStand() throws Exception {
    killAt(PublishStep.STAGED, 1);

    assertThat(table.plainContents()).isEqualTo(old);
    assertThat(table.contents()).isEqualTo(old);
    assertThat(table.table().recover()).isEmpty();

    // the next run of the model clears what the dead one staged
    table.publish("m", "run-3", FIRST, LAST, windows("pump", 3, day("2024-05-01")));
    assertThat(table.rowsByRunAndDate()).isEqualTo(Map.of("run-3 2024-05-01", 96L));
    assertThat(table.leftovers()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"COMMITTED,1", "OLD_ASIDE,1", "OLD_ASIDE,3", "NEW_IN,1", "SWAPPED,1"})
  void killedAfterTheCommitTheNewRowsAreRolledForward(PublishStep step, int n) throws Exception {
    killAt(step, n);
    if (step == PublishStep.COMMITTED) {
      assertThat(table.plainContents()).isEqualTo(old);
    }

    assertThat(table.rowsByRunAndDate())
        .isEqualTo(Map.of("run-2 2024-05-01", 96L, "run-2 2024-05-03", 96L));
    assertThat(table.plainContents()).isEqualTo(table.contents());
    assertThat(table.leftovers()).isEmpty();
  }

  @Test
  void theNextRunFinishesTheDeadOnesSwapBeforeItsOwn() throws Exception {
    killAt(PublishStep.OLD_ASIDE, 1);

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
  void killedAfterTheJournalIsGoneOnlyLeftoversRemain() throws Exception {
    killAt(PublishStep.CLOSED, 1);

    assertThat(table.plainContents()).hasSize(2 * 96).doesNotContainAnyElementsOf(old);
    assertThat(table.table().recover()).isEmpty();

    table.publish("m", "run-3", FIRST, LAST, windows("pump", 3, day("2024-05-01")));
    assertThat(table.leftovers()).isEmpty();
  }

  private void killAt(PublishStep step, int n) throws IOException, InterruptedException {
    try (var child =
        ChildProcess.start(
            PublishingProcess.class,
            temp.resolve("child.log"),
            table.folder.toUri().toString(),
            temp.resolve("new").toUri().toString(),
            FIRST.toString(),
            LAST.toString(),
            step.name(),
            Integer.toString(n))) {
      child.killWhenReached();
    }
  }
}
