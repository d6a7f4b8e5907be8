package io.sluice.jobs;

import io.sluice.scoring.evaluation.EvaluateSettings;
import io.sluice.scoring.evaluation.EvaluationReport;
import java.util.List;

/** Judges a model bundle against baselines and draws the page. */
public final class EvaluateJob {
  static final Job<EvaluateSettings, EvaluationReport> JOB =
      new Job<>(
          "evaluate",
          "Judges a model bundle on a split of a dataset against baselines on the same windows:"
              + " prints a table, writes evaluation.json and a self-contained index.html, and fails"
              + " with status 4 where the quality gate says no.",
          List.of("name", "registry", "evaluate"),
          List.of(
              "evaluate.sh --config conf/quickstart.conf",
              "evaluate.sh --config plant.conf --set evaluate.bundle=hdfs:///models/pumps/3",
              "evaluate.sh --config plant.conf --set evaluate.gate-metric=mase \\",
              "    --set evaluate.gate-limit=0.9"),
          EvaluateSettings::from,
          (spark, settings, provenance) -> EvaluationOutput.write(spark, settings),
          EvaluationReport::requireGate);

  private EvaluateJob() {}

  public static void main(String[] args) {
    JobMain.run(JOB, args);
  }
}
