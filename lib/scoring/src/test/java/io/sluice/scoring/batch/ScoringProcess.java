package io.sluice.scoring.batch;

import io.sluice.scoring.SparkExtension;
import io.sluice.scoring.batch.PublishingProcess.StoppingPoint;
import java.nio.file.Path;

/**
 * Scores one input into a table for each of some steps of a publication, and stops each of these
 * runs at its step: one process to be killed leaves a table for every point at which a run can die.
 */
final class ScoringProcess {
  private ScoringProcess() {}

  /**
   * @param args the lake's folder
   */
  public static void main(String[] args) throws InterruptedException {
    var lake = ScoringCrashTest.lake(SparkExtension.session(), Path.of(args[0]));
    for (PublishStep step : ScoringCrashTest.STEPS) {
      var point = new StoppingPoint(step, 1);
      point.runTo(() -> lake.score("run-2", point, ScoringCrashTest.table(lake.folder, step)));
    }
    ChildProcess.reachedAndWaiting();
  }
}
