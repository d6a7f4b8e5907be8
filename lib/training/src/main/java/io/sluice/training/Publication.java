package io.sluice.training;

import io.sluice.config.Provenance;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.scoring.bundle.BundleContents;
import io.sluice.scoring.bundle.BundlePublisher;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.bundle.Predictions;
import io.sluice.scoring.bundle.Predictor;
import io.sluice.scoring.bundle.PublishedBundle;
import io.sluice.scoring.bundle.ResidualQuantiles;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.dataset.WindowEncoder;
import io.sluice.training.checkpoint.Checkpoint.Position;
import io.sluice.training.loop.RunPlan;
import io.sluice.training.loop.Windows;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** From a trained network to a bundle in the registry. */
final class Publication {
  /** Floats kept for residual quantiles: 64 MB. */
  private static final int RESIDUAL_FLOATS = 1 << 24;

  private static final int RESIDUAL_WINDOWS = 10_000;

  private Publication() {}

  static TrainReport.Bundle publish(
      MultiLayerNetwork network,
      Learnable dataset,
      Windows windows,
      TrainSettings settings,
      RunPlan plan,
      Position at,
      Provenance provenance,
      Configuration hadoop) {
    ModelSpec spec = plan.spec();
    var contents =
        new BundleContents(
            spec,
            dataset.manifest(),
            Map.of(
                "validation-loss", at.bestLoss(),
                "train-loss", at.trainLoss(),
                "best-epoch", (double) at.bestEpoch(),
                "epochs", (double) at.epoch(),
                "steps", (double) at.step(),
                "train-windows", (double) plan.steps().windows()),
            residuals(network, spec, windows, settings.batchSize()),
            provenance);
    PublishedBundle bundle =
        BundlePublisher.publish(
            settings.registryPath(),
            settings.name(),
            settings.registryVersion(),
            network,
            contents,
            hadoop);
    return new TrainReport.Bundle(bundle.uri(), bundle.version(), bundle.hash(), true);
  }

  /** The bundle of an earlier attempt. */
  static TrainReport.Bundle find(String uri, Configuration hadoop) {
    ModelBundle bundle = ModelBundle.open(uri, hadoop);
    return new TrainReport.Bundle(uri, bundle.manifest().version(), bundle.hash(), false);
  }

  /** Errors on the validation windows, where the network predicts a mean. */
  private static Optional<ResidualQuantiles> residuals(
      MultiLayerNetwork network, ModelSpec spec, Windows windows, int batchSize) {
    if (spec.head().kind() != Head.Kind.REGRESSION) {
      return Optional.empty();
    }
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
