package io.sluice.jobs;

import io.sluice.scoring.batch.BatchScorer;
import io.sluice.scoring.batch.ScoreReport;
import io.sluice.scoring.batch.ScoreSettings;
import java.util.List;

/** Writes predictions for new raw data to the lake. */
public final class ScoreJob {
  static final Job<ScoreSettings, ScoreReport> JOB =
      new Job<>(
          "score",
          "Writes predictions for new raw data, telemetry or texts, to the lake: the bundle's own"
              + " preparation, batches in Spark tasks, and a publication that a rerun repeats"
              + " without a trace and a crash leaves either not begun or whole.",
          List.of("name", "device", "source", "reject", "registry", "score"),
          List.of(
              "score.sh --config conf/quickstart.conf",
              "score.sh --config plant.conf --set score.input=s3a://lake/raw/2024-04 \\",
              "    --set score.from=2024-04-01T00:00:00Z",
              "score.sh --config plant.conf --set score.origins=last --set score.bundle=models/pumps/3",
              "score.sh --config conf/imdb.conf --set score.input=s3a://lake/reviews/2024-04-01 \\",
              "    --set score.date=2024-04-01 --set score.explain=attention"),
          ScoreSettings::from,
          BatchScorer::run,
          report -> {});

  private ScoreJob() {}

  public static void main(String[] args) {
    JobMain.run(JOB, args);
  }
}
