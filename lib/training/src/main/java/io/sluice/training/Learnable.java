package io.sluice.training;

import io.sluice.config.Provenance;
import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.model.LayerTransfer;
import io.sluice.recurrent.model.ModelSettings;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.scoring.bundle.BundleContents;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.dataset.Padding;
import io.sluice.sequences.text.dataset.TextDataset;
import io.sluice.training.loop.ExampleSource;
import io.sluice.training.loop.StepPlan;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** A dataset a run can learn from. */
interface Learnable {
  /** Opens a dataset folder, of telemetry or of text. */
  static Learnable open(TrainSettings settings, ModelSettings model, Configuration hadoop) {
    return TextDataset.isAt(settings.datasetPath(), hadoop)
        ? LearnableText.open(settings, hadoop)
        : LearnableWindows.open(settings, model, hadoop);
  }

  /** For messages and the report. */
  String uri();

  /** Where its examples are. */
  ExampleSource source();

  /** What an example is, in the plural: "windows". */
  String examples();

  /** So many examples as the first line of a run tells them. */
  default String told(long count, ModelSpec spec) {
    return "%,d %s of %d x %d".formatted(count, examples(), spec.lookBack(), spec.inputSize());
  }

  /** A loss as a person reads it. */
  default String told(double loss) {
    return String.format(Locale.ROOT, "%.4g", loss);
  }

  /** How batches are padded; empty where examples are of one length. */
  default Optional<Padding> padding() {
    return Optional.empty();
  }

  /** Examples of a split, all of them. */
  long count(Split split);

  /** Examples that an epoch is drawn from, which may be fewer than the train split has. */
  long countOfEpoch(Configuration hadoop);

  /**
   * The network for it.
   *
   * @throws io.sluice.config.InvalidConfigException if the settings do not fit it
   */
  ModelSpec spec(ModelSettings model);

  /** The first digits of a hash over its rows and what is done with them. */
  String fingerprint();

  /** Settings besides the usual that a run may not change between two attempts, by name. */
  default Map<String, String> fixedSettings() {
    return Map.of();
  }

  /** Refuses a dataset that a run could not learn from or judge itself on. */
  void requireTrainable();

  /**
   * Refuses settings that mean nothing for it.
   *
   * @throws io.sluice.config.InvalidConfigException naming each
   */
  void requireFit(TrainSettings settings);

  /** Puts into a fresh network what it begins with besides its seed. */
  void prepare(MultiLayerNetwork network, TrainSettings settings, Configuration hadoop);

  /**
   * What the layers of a trained network mean here.
   *
   * @throws InvalidInputException if it reads something of another kind
   */
  LayerTransfer.Meaning meaning(ModelBundle bundle);

  /**
   * What goes into the bundle of a network that was trained on it.
   *
   * @param metrics measured by training, by name
   */
  BundleContents contents(
      MultiLayerNetwork network,
      ModelSpec spec,
      TrainSettings settings,
      Map<String, Double> metrics,
      Provenance provenance,
      Configuration hadoop);

  /**
   * @param drawn train examples an epoch is drawn from
   */
  default StepPlan plan(TrainSettings settings, long drawn) {
    if (drawn < settings.batchSize()) {
      throw new InvalidInputException(
          "Cannot train on %s: its train split has %,d %s%s, fewer than train.batch-size (%,d). Lower train.batch-size to at most %d, or build a larger dataset."
              .formatted(
                  uri(),
                  count(Split.TRAIN),
                  examples(),
                  drawn < count(Split.TRAIN)
                      ? ", of which train.max-train-windows leaves %,d".formatted(drawn)
                      : "",
                  settings.batchSize(),
                  drawn));
    }
    return new StepPlan(drawn, settings.batchSize(), settings.shardCount(), settings.epochs());
  }
}
