package io.sluice.jobs;

import io.sluice.config.Provenance;
import io.sluice.failure.QualityGateException;
import io.sluice.report.EvaluationPage;
import io.sluice.scoring.evaluation.EvaluateSettings;
import io.sluice.scoring.evaluation.Evaluation;
import io.sluice.scoring.evaluation.EvaluationReport;
import io.sluice.scoring.evaluation.ReportFile;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSession;

/** Judges a model bundle against baselines and draws the page. */
public final class EvaluateJob {
  static final Job<EvaluateSettings, EvaluationSummary> JOB =
      new Job<>(
          "evaluate",
          "Judges a model bundle on a split of a dataset against baselines on the same windows:"
              + " prints a table, writes evaluation.json and a self-contained index.html, and fails"
              + " with status 4 where the quality gate says no.",
          List.of("name", "device", "registry", "evaluate"),
          List.of(
              "evaluate.sh --config conf/quickstart.conf",
              "evaluate.sh --config plant.conf --set evaluate.bundle=hdfs:///models/pumps/3",
              "evaluate.sh --config plant.conf --set evaluate.gate-metric=mase \\",
              "    --set evaluate.gate-limit=0.9"),
          EvaluateSettings::from,
          EvaluateJob::run,
          EvaluateJob::requireGate);

  private EvaluateJob() {}

  public static void main(String[] args) {
    JobMain.run(JOB, args);
  }

  static EvaluationSummary run(SparkSession spark, EvaluateSettings settings, Provenance provenance)
      throws IOException {
    Configuration hadoop = spark.sparkContext().hadoopConfiguration();
    EvaluationReport report = Evaluation.run(spark, settings, hadoop);
    var json = new Path(settings.output(), EvaluationReport.FILE_NAME);
    var page = new Path(settings.output(), EvaluationPage.FILE_NAME);
    FileSystem lake = json.getFileSystem(hadoop);
    try (var reader =
        new BufferedReader(new InputStreamReader(lake.open(json), StandardCharsets.UTF_8))) {
      ReportFile.replace(page, hadoop, writer -> EvaluationPage.write(reader, writer));
    }
    return EvaluationSummary.of(report, json, page);
  }

  /** The gate's verdict comes last: the report and the page of a refused model are there to see. */
  static void requireGate(EvaluationSummary summary) {
    if (summary.gate() != null && !summary.gate().passed()) {
      throw new QualityGateException(summary.gate().message());
    }
  }
}
