package io.sluice.jobs;

import io.sluice.config.ConfigReader;
import io.sluice.config.Provenance;
import io.sluice.config.progress.Progress;
import io.sluice.recurrent.model.ModelSettings;
import io.sluice.training.TrainReport;
import io.sluice.training.TrainSettings;
import io.sluice.training.Trainer;
import java.util.List;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;

/** Trains a stacked LSTM on a sequence dataset and publishes a model bundle. */
public final class TrainJob {
  static final Job<Settings, TrainReport> JOB =
      new Job<>(
          "train",
          "Trains a stacked LSTM on a sequence dataset: early stopping on validation loss, a"
              + " checkpoint an epoch from which a rerun continues, and a model bundle in the"
              + " registry once the parameters are proved to have moved.",
          List.of("name", "device", "dataset", "model", "train", "registry"),
          List.of(
              "train.sh --config conf/quickstart.conf",
              "train.sh --config plant.conf --set train.epochs=40 --set model.hidden-sizes=[128,64]",
              "SLUICE_MASTER=spark://host:7077 train.sh --config plant.conf \\",
              "    --set train.workers=8"),
          Settings::from,
          TrainJob::run,
          report -> {},
          TrainJob::outlook);

  private TrainJob() {}

  public static void main(String[] args) {
    JobMain.run(JOB, args);
  }

  static TrainReport run(SparkSession spark, Settings settings, Provenance provenance) {
    return Trainer.run(
        spark, settings.train(), settings.model(), provenance, Progress.standardError());
  }

  static String outlook(Settings settings) {
    // spark-submit has made properties of the process of what it was given
    return Trainer.explain(new SparkConf(), settings.train(), settings.model());
  }

  /** How to train and what. */
  record Settings(TrainSettings train, ModelSettings model) {
    static Settings from(ConfigReader root) {
      return new Settings(TrainSettings.from(root), ModelSettings.from(root));
    }
  }
}
