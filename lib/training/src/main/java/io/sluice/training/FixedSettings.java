package io.sluice.training;

import io.sluice.config.ConfigReader;
import io.sluice.recurrent.head.AdaptiveSoftmax;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Regularizers;
import io.sluice.sequences.lake.Lake;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * The settings a run may not change between two attempts, because parameters, optimizer state or
 * the order of windows would mean something else. All others may: more epochs, another learning
 * rate, other patience.
 */
final class FixedSettings {
  /** The setting whose value here is a bundle's hash. */
  static final String FINE_TUNED = "train.fine-tune.bundle";

  private FixedSettings() {}

  /** By name, as a person reads them. */
  static Map<String, String> of(
      Learnable dataset,
      TrainSettings train,
      Optional<Pretrained> pretrained,
      ModelSpec spec,
      Configuration hadoop) {
    var settings = new TreeMap<String, String>();
    settings.put("dataset", dataset.fingerprint());
    settings.put("window.look-back", Integer.toString(spec.lookBack()));
    settings.put("inputs per time step", Integer.toString(spec.inputSize()));
    settings.put("model.cell", ConfigReader.kebab(spec.cell()));
    settings.put("model.hidden-sizes", spec.hiddenSizes().toString());
    settings.put("model.bidirectional", Boolean.toString(spec.bidirectional()));
    settings.put("model.dropout", Double.toString(spec.dropout()));
    settings.put("model.variational-dropout", Boolean.toString(spec.variationalDropout()));
    settings.put("model.recurrent-dropout", Double.toString(spec.recurrentDropout()));
    settings.put("model.output", ConfigReader.kebab(spec.output()));
    settings.put("model.dense-sizes", spec.denseSizes().toString());
    settings.put("model.precision", ConfigReader.kebab(spec.precision()));
    settings.put("model.attention", ConfigReader.kebab(spec.attention().kind()));
    settings.put("model.attention-size", Integer.toString(spec.attention().size()));
    settings.put("model.attention-heads", Integer.toString(spec.attention().heads()));
    settings.put("model.layer-norm", Boolean.toString(spec.layerNorm()));
    settings.put("model.head", ConfigReader.kebab(spec.head().kind()));
    settings.put("model.quantiles", spec.head().quantiles().toString());
    settings.put("model.class-weights", spec.head().classWeights().toString());
    AdaptiveSoftmax adaptive = spec.head().adaptive();
    if (adaptive != null) {
      settings.put("model.softmax-cutoffs", adaptive.cutoffs().toString());
      settings.put("model.softmax-divide", Integer.toString(adaptive.divide()));
    }
    if (spec.hasEmbedding()) {
      settings.put("words", Integer.toString(spec.embedding().words()));
      settings.put("model.embedding-size", Integer.toString(spec.embedding().size()));
      settings.put("model.embedding-frozen", Boolean.toString(spec.embedding().frozen()));
      settings.put("model.embedding-dropout", Double.toString(spec.embedding().wordDropout()));
      settings.put("model.embedding-tied", Boolean.toString(spec.embedding().tied()));
      if (spec.embedding().adversarialEpsilon() > 0) {
        settings.put(
            "model.adversarial-epsilon", Double.toString(spec.embedding().adversarialEpsilon()));
      }
    }
    Regularizers regularizers = spec.regularizers();
    if (!regularizers.equals(Regularizers.NONE)) {
      settings.put("model.input-dropout", Double.toString(regularizers.inputDropout()));
      settings.put("model.output-dropout", String.valueOf(regularizers.outputDropout()));
      settings.put("model.weight-dropout", Double.toString(regularizers.weightDropout()));
      settings.put("model.activation-regularization", Double.toString(regularizers.activation()));
      settings.put(
          "model.temporal-activation-regularization", Double.toString(regularizers.temporal()));
    }
    settings.put("outputs", Integer.toString(spec.outputSize()));
    settings.put("train.optimizer", ConfigReader.kebab(train.optimizer().algorithm()));
    settings.put("train.batch-size", Integer.toString(train.batchSize()));
    settings.put("train.shards", Integer.toString(train.shardCount()));
    settings.put("train.average-decay", Double.toString(train.averageDecay()));
    if (train.averagePatience() > 0) {
      settings.put("train.average-patience", Integer.toString(train.averagePatience()));
    }
    pretrained.ifPresent(bundle -> settings.put(FINE_TUNED, bundle.hash()));
    train
        .wordVectors()
        .ifPresent(uri -> settings.put("train.word-vectors", nameAndSize(uri, hadoop)));
    if (train.initialRange() > 0) {
      settings.put("train.initial-range", Double.toString(train.initialRange()));
    }
    if (train.optimizer().gradualUnfreezing()) {
      settings.put("train.fine-tune.gradual-unfreezing", "true");
    }
    settings.put("train.max-train-windows", Long.toString(train.maxTrainWindows()));
    settings.put("train.seed", Long.toString(train.seed()));
    settings.putAll(dataset.fixedSettings());
    return settings;
  }

  /** Of a file that may have gigabytes: a hash would read it once more. */
  private static String nameAndSize(String uri, Configuration hadoop) {
    Path file = new Path(uri);
    try {
      return "%s, %d bytes"
          .formatted(file.getName(), file.getFileSystem(hadoop).getFileStatus(file).getLen());
    } catch (IOException e) {
      throw Lake.readFailure("file of word vectors", uri, e);
    }
  }
}
