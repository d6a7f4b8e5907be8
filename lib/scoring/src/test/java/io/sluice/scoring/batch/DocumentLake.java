package io.sluice.scoring.batch;

import io.sluice.config.Provenance;
import io.sluice.config.Settings;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.Attention;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.model.WordEmbedding;
import io.sluice.scoring.bundle.BundleContents;
import io.sluice.scoring.bundle.BundlePublisher;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.sequences.text.TextBuild;
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
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * A lake in a folder: documents, a dataset built from them, and published classifiers with fresh
 * parameters (a prediction need not be good to be the right one).
 */
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
    TextBuild build =
        TextBuild.in(folder)
            .text(
                "train.csv",
                "id,label,text\n1,good,it runs and runs\n2,bad,it is broken\n3,good,all is well\n")
            .with("source { format = csv, columns { id = id, label = label, text = text } }");
    List.of(hocon).forEach(build::with);
    build.run();
    this.dataset = build.open();
  }

  /** Publishes a network that fits the dataset. */
  ModelBundle publish(String name, Attention attention) {
    ModelSpec spec =
        new ModelSpec(
                1,
                9,
                Cell.LSTM,
                List.of(6),
                true,
                0,
                ModelSpec.Output.LAST,
                List.of(),
                1,
                Precision.F32,
                Head.classes(2, List.of()),
                attention,
                false,
                false,
                0)
            .with(WordEmbedding.of(dataset.vocabulary().size(), 5));
    String uri =
        BundlePublisher.publish(
                folder.resolve("models").toUri().toString(),
                name,
                Optional.empty(),
                Networks.create(spec, OptimizerSpec.constantAdam(1e-3), 42),
                new BundleContents(spec, dataset, Map.of(), run("train")),
                HADOOP)
            .uri();
    return ModelBundle.open(uri, HADOOP);
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
