package io.sluice.jobs;

import io.sluice.config.ConfigReader;
import io.sluice.config.Provenance;
import io.sluice.scoring.batch.ScoreReport;
import io.sluice.scoring.batch.ScoreSettings;
import io.sluice.scoring.evaluation.EvaluateSettings;
import io.sluice.scoring.evaluation.ReportFile;
import io.sluice.training.TrainReport;
import java.util.List;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * build-sequences, train, evaluate and score of one experiment in one session: four starts of Spark
 * become one. Each step is the job of its name, and a gate that says no stops before score.
 */
public final class PipelineJob {
  private static final Logger LOG = LoggerFactory.getLogger(PipelineJob.class);

  static final Job<Settings, Report> JOB =
      new Job<>(
          "pipeline",
          "Runs build-sequences, train, evaluate and score of one experiment in one Spark session,"
              + " stops before score if the quality gate says no, and writes a summary for a person"
              + " beside the evaluation.",
          List.of(
              "name",
              "device",
              "source",
              "reject",
              "resample",
              "features",
              "target",
              "window",
              "split",
              "scaling",
              "text",
              "dataset",
              "model",
              "train",
              "registry",
              "evaluate",
              "score"),
          List.of(
              "pipeline.sh --config conf/quickstart.conf", "pipeline.sh --config conf/imdb.conf"),
          Settings::from,
          PipelineJob::run,
          report -> EvaluateJob.requireGate(report.evaluate()),
          settings -> TrainJob.outlook(settings.train()));

  private PipelineJob() {}

  public static void main(String[] args) {
    JobMain.run(JOB, args);
  }

  static Report run(SparkSession spark, Settings settings, Provenance provenance) throws Exception {
    LOG.info("pipeline | 1 of 4 | build-sequences");
    Record build = settings.build().run(spark, provenance);
    LOG.info("pipeline | 2 of 4 | train");
    TrainReport train = TrainJob.run(spark, settings.train(), provenance);
    LOG.info("pipeline | 3 of 4 | evaluate");
    EvaluationSummary evaluate = EvaluateJob.run(spark, settings.evaluate(), provenance);
    ScoreReport score = null;
    if (evaluate.gate() == null || evaluate.gate().passed()) {
      LOG.info("pipeline | 4 of 4 | score");
      score = ScoreJob.JOB.body().run(spark, settings.score(), provenance);
    }
    String text = PipelineSummary.text(build, train, evaluate, score);
    var summary = new Path(settings.evaluate().output(), "summary.txt");
    ReportFile.replace(
        summary, spark.sparkContext().hadoopConfiguration(), writer -> writer.write(text));
    return new Report(build, train, evaluate, score, summary.toString());
  }

  /** The settings of the four steps. */
  record Settings(
      BuildSequencesJob.Build build,
      TrainJob.Settings train,
      EvaluateSettings evaluate,
      ScoreSettings score) {
    static Settings from(ConfigReader root) {
      return new Settings(
          BuildSequencesJob.read(root),
          TrainJob.Settings.from(root),
          EvaluateSettings.from(root),
          ScoreSettings.from(root));
    }
  }

  /**
   * The reports of the four steps.
   *
   * @param build of telemetry or of text
   * @param score null where the gate said no
   * @param summary a text for a person
   */
  record Report(
      Record build,
      TrainReport train,
      EvaluationSummary evaluate,
      ScoreReport score,
      String summary) {}
}
