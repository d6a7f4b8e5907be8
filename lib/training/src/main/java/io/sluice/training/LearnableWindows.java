package io.sluice.training;

import io.sluice.config.InvalidConfigException;
import io.sluice.config.Provenance;
import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.LayerTransfer;
import io.sluice.recurrent.model.ModelSettings;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.scoring.bundle.BundleContents;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.bundle.Predictions;
import io.sluice.scoring.bundle.Predictor;
import io.sluice.scoring.bundle.ResidualQuantiles;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.dataset.WindowEncoder;
import io.sluice.training.loop.DatasetSource;
import io.sluice.training.loop.Windows;
import io.sluice.training.loop.WindowsSource;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** Windows of series: a telemetry dataset. */
record LearnableWindows(SequenceManifest manifest, String uri, WindowsSource source)
    implements Learnable {
  /** Floats kept for residual quantiles: 64 MB. */
  private static final int RESIDUAL_FLOATS = 1 << 24;

  private static final int RESIDUAL_WINDOWS = 10_000;

  /** Opens a dataset folder. */
  static LearnableWindows open(TrainSettings settings, ModelSettings model, Configuration hadoop) {
    SequenceDataset dataset = SequenceDataset.open(settings.datasetPath(), hadoop).requireAudit();
    boolean everyStep = model.output() == ModelSpec.Output.SEQUENCE;
    var source = new DatasetSource(dataset.uri(), everyStep, settings.maxTrainWindows());
    return new LearnableWindows(dataset.manifest(), dataset.uri(), source);
  }

  @Override
  public String examples() {
    return "windows";
  }

  @Override
  public long count(Split split) {
    SequenceManifest.SplitSummary summary = manifest.splits().get(split.label());
    return summary == null ? 0 : summary.windows();
  }

  @Override
  public long countOfEpoch(Configuration hadoop) {
    return source.open(hadoop).count(Split.TRAIN);
  }

  @Override
  public ModelSpec spec(ModelSettings model) {
    WindowContract contract = manifest.contract();
    return model.toSpec(
        contract.inputSize(),
        contract.lookBack(),
        contract.targetSize(),
        contract.target().classes().size());
  }

  @Override
  public String fingerprint() {
    return Fingerprint.of(
        manifest.parts().stream()
            .sorted(Comparator.comparing(SequenceManifest.Part::path))
            .map(part -> part.path() + " " + part.contentHash()),
        manifest.contract());
  }

  @Override
  public void requireTrainable() {
    if (!manifest.layout().equals("segments")) {
      throw new InvalidInputException(
          "Cannot train on %s: its layout is %s, training reads segments. Rebuild with build-sequences and dataset.layout = segments."
              .formatted(uri, manifest.layout()));
    }
    for (Split split : new Split[] {Split.TRAIN, Split.VALIDATION}) {
      if (count(split) == 0) {
        throw new InvalidInputException(
            "Cannot train on %s: its %s split has no window. Give split.%s a larger share, or shorten window.look-back or window.horizon, and rebuild with build-sequences."
                .formatted(uri, split.label(), split.label()));
      }
    }
  }

  @Override
  public void prepare(MultiLayerNetwork network, TrainSettings settings, Configuration hadoop) {
    if (settings.wordVectors().isPresent()) {
      throw new InvalidConfigException(
          "for a dataset of windows",
          List.of(
              "train.word-vectors: must be null, because inputs are numbers and no words, but is \"%s\""
                  .formatted(settings.wordVectors().get())));
    }
  }

  @Override
  public LayerTransfer.Meaning meaning(ModelBundle bundle) {
    WindowContract theirs = bundle.contract();
    String reads = reads(manifest.contract());
    String predicts = predicts(manifest.contract());
    return new LayerTransfer.Meaning(
        null,
        reads.equals(reads(theirs))
            ? null
            : "it reads %s, the bundle %s".formatted(reads, reads(theirs)),
        predicts.equals(predicts(theirs))
            ? null
            : "it predicts %s, the bundle %s".formatted(predicts, predicts(theirs)));
  }

  /** Inputs of a time step, in the order of the network's. */
  private static String reads(WindowContract contract) {
    return contract.inputs()
        + (contract.masks() ? " with masks" : "")
        + (contract.timeSinceLast() ? " with ages" : "")
        + (contract.calendar().isEmpty() ? "" : " and " + contract.calendar())
        + (contract.knownFuture().isEmpty() ? "" : " and the future of " + contract.knownFuture());
  }

  /** What the outputs stand for, in their order. */
  private static String predicts(WindowContract contract) {
    WindowContract.Target target = contract.target();
    return switch (target.type()) {
      case FORECAST -> "%d steps of %s".formatted(contract.horizon(), target.channels());
      case CLASS -> "a class of %s".formatted(target.classes());
      case EVENT -> "an event within %d steps".formatted(target.leadSteps());
      case REMAINING_LIFE -> "a life of up to %d steps".formatted(target.cap());
    };
  }

  @Override
  public BundleContents contents(
      MultiLayerNetwork network,
      ModelSpec spec,
      TrainSettings settings,
      Map<String, Double> metrics,
      Provenance provenance,
      Configuration hadoop) {
    Optional<ResidualQuantiles> residuals =
        spec.head().kind() == Head.Kind.REGRESSION
            ? residuals(network, spec, source.open(hadoop), settings.batchSize())
            : Optional.empty();
    return new BundleContents(spec, manifest, metrics, residuals, provenance);
  }

  /** Errors on the validation windows, where the network predicts a mean. */
  private static Optional<ResidualQuantiles> residuals(
      MultiLayerNetwork network, ModelSpec spec, Windows windows, int batchSize) {
    WindowContract contract = windows.contract();
    var encoder = new WindowEncoder(contract);
    ResidualQuantiles.Sampler sampler = null;
    try (var predictor = new Predictor(network, spec, contract, null);
        Windows.Batches batches = windows.inOrder(Split.VALIDATION, batchSize)) {
      while (batches.hasNext()) {
        WindowBatch batch = batches.next();
        Predictions predictions = predictor.predict(batch);
        if (sampler == null) {
          sampler = sampler(predictions.horizon(), predictions.targets());
        }
        float[] actual = Arrays.copyOf(batch.targets(), batch.size() * contract.targetSize());
        encoder.toOriginalUnits(batch, actual, 1);
        sampler.add(actual, predictions.original(), batch.size());
      }
    }
    return Optional.ofNullable(sampler).map(s -> s.quantiles(ResidualQuantiles.USUAL_LEVELS));
  }

  private static ResidualQuantiles.Sampler sampler(int horizon, int targets) {
    int kept = Math.min(RESIDUAL_WINDOWS, Math.max(100, RESIDUAL_FLOATS / (horizon * targets)));
    return new ResidualQuantiles.Sampler(horizon, targets, kept);
  }
}
