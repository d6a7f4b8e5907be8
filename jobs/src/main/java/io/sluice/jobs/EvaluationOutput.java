package io.sluice.jobs;

import io.sluice.report.EvaluationPage;
import io.sluice.scoring.evaluation.EvaluateSettings;
import io.sluice.scoring.evaluation.Evaluation;
import io.sluice.scoring.evaluation.EvaluationReport;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSession;

/** An evaluation and its page: the JSON is lib/scoring's, the HTML lib/report's. */
final class EvaluationOutput {
  private static final String PAGE = "index.html";

  private EvaluationOutput() {}

  static EvaluationReport write(SparkSession spark, EvaluateSettings settings) throws IOException {
    Configuration hadoop = spark.sparkContext().hadoopConfiguration();
    EvaluationReport report = Evaluation.run(spark, settings, hadoop);
    var json = new Path(settings.output(), EvaluationReport.FILE_NAME);
    FileSystem lake = json.getFileSystem(hadoop);
    try (var reader =
            new BufferedReader(new InputStreamReader(lake.open(json), StandardCharsets.UTF_8));
        var writer =
            new BufferedWriter(
                new OutputStreamWriter(
                    lake.create(page(settings), true), StandardCharsets.UTF_8))) {
      EvaluationPage.write(reader, writer);
    }
    return report;
  }

  static Path page(EvaluateSettings settings) {
    return new Path(settings.output(), PAGE);
  }
}
