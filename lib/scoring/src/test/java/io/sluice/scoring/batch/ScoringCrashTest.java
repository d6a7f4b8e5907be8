package io.sluice.scoring.batch;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.recurrent.model.Head;
import io.sluice.scoring.SparkExtension;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.apache.commons.io.FileUtils;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A whole scoring process is killed with SIGKILL; its tables hold the old rows or the new ones. */
@ExtendWith(SparkExtension.class)
class ScoringCrashTest {
  /** Old, in between, new; {@link PublicationCrashTest} stops at every place there is. */
  static final List<PublishStep> STEPS =
      List.of(PublishStep.STAGED, PublishStep.OLD_ASIDE, PublishStep.CLOSED);

  @TempDir Path folder;

  @Test
  void everyTableOfAKilledProcessHoldsOldOrNewRowsAndTheNextRunRepairs(SparkSession spark)
      throws Exception {
    ScoringLake lake = lake(spark, folder);
    lake.write("raw.csv", "unit,time,load,flow", RawSeries.waves("a", 0, 60).wide(false));
    lake.publish(contract -> Head.regression(contract.targetSize()), false);
    long rows = lake.score("run-1").predictionsWritten();
    for (PublishStep step : STEPS) {
      FileUtils.copyDirectory(
          folder.resolve("predictions").toFile(), folder.resolve("table-" + step).toFile());
    }

    try (var child =
        ChildProcess.start(ScoringProcess.class, folder.resolve("child.log"), folder.toString())) {
      child.killWhenReached();
    }

    for (PublishStep step : STEPS) {
      String run = step == PublishStep.STAGED ? "run-1" : "run-2";
      assertThat(rowsByRun(spark, step)).as(step.name()).containsExactly(run + " " + rows);
    }
    for (PublishStep step : List.of(PublishStep.STAGED, PublishStep.CLOSED)) {
      assertThat(leftovers(spark, step)).as(step.name()).isNotEmpty();
      lake.score("run-3", table(folder, step));
      assertThat(rowsByRun(spark, step)).containsExactly("run-3 " + rows);
      assertThat(leftovers(spark, step)).as(step.name()).isEmpty();
    }
    assertThat(leftovers(spark, PublishStep.OLD_ASIDE)).isEmpty();
  }

  /** The lake of this test, in this process and in the one that is killed. */
  static ScoringLake lake(SparkSession spark, Path folder) {
    return new ScoringLake(
        spark, folder, "source.columns.series = unit", "window { look-back = 8, horizon = 2 }");
  }

  static String table(Path folder, PublishStep step) {
    return "score.predictions = \"%s\"".formatted(folder.resolve("table-" + step));
  }

  private List<String> rowsByRun(SparkSession spark, PublishStep step) {
    String uri = folder.resolve("table-" + step).toUri().toString();
    return PredictionsTable.at(uri, Duration.ofMinutes(10), ScoringLake.HADOOP)
        .read(spark)
        .groupBy("run_id")
        .count()
        .collectAsList()
        .stream()
        .map((Row row) -> row.getString(0) + " " + row.getLong(1))
        .toList();
  }

  private List<String> leftovers(SparkSession spark, PublishStep step) {
    return new TestTable(spark, folder.resolve("table-" + step)).leftovers();
  }
}
