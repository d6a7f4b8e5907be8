package io.sluice.scoring.batch;

import io.sluice.config.Provenance;
import io.sluice.config.Settings;
import io.sluice.recurrent.model.Attention;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.bundle.TextModels;
import io.sluice.sequences.text.dataset.TextDataset;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** A lake in a folder: documents, a dataset built from them, and published classifiers. */
final class DocumentLake {
  static final Configuration HADOOP = new Configuration();

  final Path folder;
  private final SparkSession spark;
  private final TextDataset dataset;

  /**
   * @param hocon more settings of the dataset
   */
  DocumentLake(SparkSession spark, Path folder, String... hocon) {
    this.spark = spark;
    this.folder = folder;
    this.dataset = TextModels.documents(folder, hocon);
  }

  /** Publishes a network that fits the dataset. */
  ModelBundle publish(String name, Attention attention) {
    return TextModels.classifier(folder, name, dataset, attention);
  }

  /** Writes a file of the lake. */
  Path write(String name, byte[] content) {
    try {
      Path file = folder.resolve(name);
      Files.createDirectories(file.getParent());
      return Files.write(file, content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Writes a text file of the lake, and reads from it. */
  String input(String name, String content) {
    return "score.input = \"%s\"".formatted(write(name, content.getBytes(StandardCharsets.UTF_8)));
  }

  DocumentScoreReport score(String runId, String... hocon) {
    return score(runId, PublishStep.Observer.NONE, hocon);
  }

  DocumentScoreReport score(String runId, PublishStep.Observer observer, String... hocon) {
    var lines = new ArrayList<String>();
    lines.add("name = reports");
    lines.add("lake.root = \"%s\"".formatted(folder));
    lines.add("source { format = csv, columns { id = id, label = label, text = text } }");
    lines.addAll(List.of(hocon));
    ScoreSettings settings = Settings.parse(String.join("\n", lines)).read(ScoreSettings::from);
    return (DocumentScoreReport) BatchScorer.run(spark, settings, run(runId), observer);
  }

  /** The rows of the table; a run that was cut off is finished first. */
  Dataset<Row> rows() {
    return PredictionsTable.at(
            folder.resolve("predictions").toUri().toString(), Duration.ofMinutes(1), HADOOP)
        .read(spark);
  }

  private static Provenance run(String runId) {
    return new Provenance(runId, "test", "ab12", Instant.parse("2024-06-01T23:30:00.123456Z"));
  }
}
