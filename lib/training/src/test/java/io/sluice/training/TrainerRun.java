package io.sluice.training;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.config.Provenance;
import io.sluice.config.Settings;
import io.sluice.config.progress.Progress;
import io.sluice.recurrent.model.ModelSettings;
import io.sluice.training.checkpoint.Checkpoint;
import io.sluice.training.checkpoint.CheckpointFiles;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;

/** One experiment folder for tests of whole runs: settings with overrides in, report out. */
final class TrainerRun {
  private static final String SMALL =
      """
      name = sine
      model { hidden-sizes = [6], output = last }
      train { epochs = 4, batch-size = 16, learning-rate = 0.02, early-stopping-patience = 0 }
      """;

  private final Path lake;
  private final Optional<SparkSession> spark;
  private final Configuration hadoop;

  TrainerRun(Path lake, SparkSession spark) {
    this(lake, spark, new Configuration());
  }

  TrainerRun(Path lake, SparkSession spark, Configuration hadoop) {
    this.lake = lake;
    this.spark = Optional.ofNullable(spark);
    this.hadoop = hadoop;
  }

  TrainReport train(LearnableWindows dataset, String... overrides) {
    return train(dataset, Progress.silent(), overrides);
  }

  TrainReport train(LearnableWindows dataset, Progress progress, String... overrides) {
    Settings settings = settings(overrides);
    return Trainer.train(
        spark,
        hadoop,
        decided -> dataset,
        settings.read(TrainSettings::from),
        settings.read(ModelSettings::from),
        new Provenance("run-" + System.nanoTime(), "test", "hash", Instant.EPOCH),
        progress);
  }

  /** A run on a dataset folder, as the job starts it. */
  TrainReport trainOn(String dataset, String... overrides) {
    Settings settings = settings(with(overrides, "dataset.path=\"" + dataset + "\""));
    TrainSettings train = settings.read(TrainSettings::from);
    ModelSettings model = settings.read(ModelSettings::from);
    var provenance = new Provenance("run-" + System.nanoTime(), "test", "hash", Instant.EPOCH);
    return spark
        .map(s -> Trainer.run(s, train, model, provenance, Progress.silent()))
        .orElseGet(() -> Trainer.run(hadoop, train, model, provenance, Progress.silent()));
  }

  Settings settings(String... overrides) {
    List<String> all = new ArrayList<>(List.of("lake.root=\"" + lake + "\""));
    all.addAll(Arrays.asList(overrides));
    return Settings.parse(SMALL, all.toArray(String[]::new));
  }

  Checkpoint checkpoint(TrainReport report) {
    return CheckpointFiles.read(Path.of(URI.create(report.checkpoint()).getPath()));
  }

  private static String[] with(String[] some, String more) {
    String[] all = Arrays.copyOf(some, some.length + 1);
    all[some.length] = more;
    return all;
  }

  JsonNode checkpointHeader(TrainReport report) {
    return CheckpointFiles.header(Path.of(URI.create(report.checkpoint()).getPath()));
  }

  List<String> metrics(TrainReport report) {
    try {
      return Files.readAllLines(Path.of(URI.create(report.metrics()).getPath()));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** Lines of metrics that tell of a step, not of an epoch. */
  List<JsonNode> stepMetrics(TrainReport report) {
    return metrics(report).stream()
        .map(TrainerRun::json)
        .filter(line -> !line.has("validationLoss"))
        .toList();
  }

  static JsonNode json(String text) {
    try {
      return new ObjectMapper().readTree(text);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  Path lake() {
    return lake;
  }
}
