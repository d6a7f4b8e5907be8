package io.sluice.scoring.batch;

import io.sluice.config.Provenance;
import io.sluice.config.Settings;
import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.scoring.bundle.AlarmThreshold;
import io.sluice.scoring.bundle.BundleContents;
import io.sluice.scoring.bundle.BundlePublisher;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.bundle.ResidualQuantiles;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.telemetry.SequenceBuilder;
import io.sluice.sequences.telemetry.SequenceSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/**
 * A lake in a folder: raw data, a dataset built from it, and a published model with fresh
 * parameters (a prediction need not be good to be the right one).
 */
final class ScoringLake {
  static final Configuration HADOOP = new Configuration();

  final Path folder;
  private final SparkSession spark;
  private final List<String> settings = new ArrayList<>();

  /**
   * @param hocon settings of the experiment
   */
  ScoringLake(SparkSession spark, Path folder, String... hocon) {
    this.spark = spark;
    this.folder = folder;
    settings.add("name = pump");
    settings.add("lake.root = \"%s\"".formatted(folder));
    settings.add("source { path = \"%s\", format = csv }".formatted(folder.resolve("raw.csv")));
    settings.add("split { train = 1.0, validation = 0, test = 0 }");
    settings.addAll(List.of(hocon));
  }

  /** Writes a text file of the lake. */
  Path write(String name, String header, List<String> lines) {
    try {
      Path file = folder.resolve(name);
      Files.createDirectories(file.getParent());
      return Files.writeString(file, header + "\n" + String.join("\n", lines) + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Builds the dataset of {@code raw.csv} and publishes a network that fits it. */
  ModelBundle publish(Function<WindowContract, Head> head, boolean withResiduals) {
    SequenceBuilder.build(spark, resolve().read(SequenceSettings::from), run("build"));
    return publish("pump", head, withResiduals, network -> {});
  }

  /**
   * Publishes a network that fits the dataset.
   *
   * @param name in the registry
   * @param change done to it before
   */
  ModelBundle publish(
      String name,
      Function<WindowContract, Head> head,
      boolean withResiduals,
      Consumer<MultiLayerNetwork> change) {
    return publish(name, head, withResiduals, Optional.empty(), change);
  }

  /** Publishes a network of two classes that fits the dataset, with a threshold of its own. */
  ModelBundle publish(AlarmThreshold alarm) {
    return publish(
        "pump", contract -> Head.classes(2, List.of()), false, Optional.of(alarm), network -> {});
  }

  private ModelBundle publish(
      String name,
      Function<WindowContract, Head> head,
      boolean withResiduals,
      Optional<AlarmThreshold> alarm,
      Consumer<MultiLayerNetwork> change) {
    NativeThreads.set(1);
    SequenceDataset dataset =
        SequenceDataset.open(folder.resolve("datasets/pump").toString(), HADOOP);
    WindowContract contract = dataset.contract();
    var spec =
        new ModelSpec(
            contract.inputSize(),
            contract.lookBack(),
            Cell.LSTM,
            List.of(6, 5),
            false,
            0,
            ModelSpec.Output.LAST,
            List.of(),
            1,
            Precision.F32,
            head.apply(contract));
    MultiLayerNetwork network = Networks.create(spec, OptimizerSpec.constantAdam(1e-3), 42);
    change.accept(network);
    String uri =
        BundlePublisher.publish(
                folder.resolve("models").toUri().toString(),
                name,
                Optional.empty(),
                network,
                new BundleContents(
                        spec,
                        dataset.manifest(),
                        Map.of(),
                        withResiduals ? Optional.of(residuals(contract)) : Optional.empty(),
                        run("train"))
                    .with(alarm),
                HADOOP)
            .uri();
    return ModelBundle.open(uri, HADOOP);
  }

  /** Residuals that differ from level to level and from number to number. */
  private static ResidualQuantiles residuals(WindowContract contract) {
    int L = ResidualQuantiles.USUAL_LEVELS.size();
    var values = new ArrayList<Float>();
    for (int i = 0; i < contract.targetSize() * L; i++) {
      values.add((i % L - L / 2f) * (1 + i / L));
    }
    return new ResidualQuantiles(
        Math.max(1, contract.horizon()),
        Math.max(1, contract.target().channels().size()),
        ResidualQuantiles.USUAL_LEVELS,
        100,
        values);
  }

  WindowScoreReport score(String runId, String... hocon) {
    return score(runId, PublishStep.Observer.NONE, hocon);
  }

  WindowScoreReport score(String runId, PublishStep.Observer observer, String... hocon) {
    return (WindowScoreReport)
        BatchScorer.run(spark, resolve(hocon).read(ScoreSettings::from), run(runId), observer);
  }

  PredictionsTable predictions() {
    return PredictionsTable.at(
        folder.resolve("predictions").toUri().toString(), Duration.ofSeconds(2), HADOOP);
  }

  private Settings resolve(String... more) {
    var lines = new ArrayList<>(settings);
    lines.addAll(List.of(more));
    return Settings.parse(String.join("\n", lines));
  }

  static Provenance run(String runId) {
    return new Provenance(runId, "test", "ab12", Instant.parse("2024-06-01T00:00:00.123456Z"));
  }
}
