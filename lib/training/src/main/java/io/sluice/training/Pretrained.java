package io.sluice.training;

import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.model.LayerTransfer;
import io.sluice.recurrent.model.LayerTransfer.Fate;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.scoring.bundle.BundleManifest;
import io.sluice.scoring.bundle.BundleManifest.FineTunedFrom;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.bundle.ModelRegistry;
import io.sluice.training.checkpoint.CheckpointStore;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bundle whose layers a run begins with, and which of them fit.
 *
 * @param bundle opened
 * @param transfer from its network to the run's
 */
record Pretrained(ModelBundle bundle, LayerTransfer transfer) {
  private static final Logger LOG = LoggerFactory.getLogger(Pretrained.class);

  /**
   * Opens what {@code train.fine-tune.bundle} names; empty where it names nothing. A run that
   * resumes has the version that it began with, though there may be a newer one by now: its own.
   *
   * @param spec of the run's network
   * @throws InvalidInputException if it cannot be opened, is of another kind than the dataset, or
   *     has no layer that fits
   */
  static Optional<Pretrained> of(
      TrainSettings settings, Learnable dataset, ModelSpec spec, Configuration hadoop) {
    return settings
        .fineTuneFrom()
        .map(
            setting ->
                ModelRegistry.resolve(
                    setting,
                    settings.registryPath(),
                    settings.name(),
                    hashOfResumed(settings.checkpoints(), hadoop),
                    hadoop))
        .map(uri -> of(ModelBundle.open(uri, hadoop), dataset, spec));
  }

  private static Optional<String> hashOfResumed(
      TrainSettings.Checkpoints checkpoints, Configuration hadoop) {
    return checkpoints.resume()
        ? CheckpointStore.open(checkpoints.path(), checkpoints.keep(), hadoop)
            .settingOfNewest(FixedSettings.FINE_TUNED)
        : Optional.empty();
  }

  private static Pretrained of(ModelBundle bundle, Learnable dataset, ModelSpec spec) {
    var transfer = new LayerTransfer(bundle.spec(), spec, dataset.meaning(bundle));
    if (!transfer.takesAny()) {
      throw new InvalidInputException(
          "Cannot fine-tune %s: no layer of it fits this run's network (%s). Set the model section to that of the bundle, or train.fine-tune.bundle to another one."
              .formatted(
                  bundle.uri(),
                  transfer.fates().stream().map(Fate::toString).collect(Collectors.joining("; "))));
    }
    return new Pretrained(bundle, transfer);
  }

  /** SHA-256 of its manifest. */
  String hash() {
    return bundle.hash();
  }

  /** Puts its layers into a fresh network, and tells which. */
  void copyTo(MultiLayerNetwork network) {
    transfer.copy(bundle.network(), network);
    LOG.info("Fine-tuning {}", bundle.uri());
    transfer.fates().forEach(fate -> LOG.info("  {}", fate));
  }

  /** For the manifest of what the run publishes. */
  FineTunedFrom reference() {
    BundleManifest manifest = bundle.manifest();
    List<String> layers = transfer.fates().stream().filter(Fate::isTaken).map(Fate::layer).toList();
    return new FineTunedFrom(manifest.name(), manifest.version(), hash(), layers);
  }
}
