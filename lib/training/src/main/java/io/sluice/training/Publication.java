package io.sluice.training;

import io.sluice.config.Provenance;
import io.sluice.scoring.bundle.BundleContents;
import io.sluice.scoring.bundle.BundlePublisher;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.scoring.bundle.PublishedBundle;
import io.sluice.training.checkpoint.Checkpoint.Position;
import io.sluice.training.loop.RunPlan;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** From a trained network to a bundle in the registry. */
final class Publication {
  private Publication() {}

  static TrainReport.Bundle publish(
      MultiLayerNetwork network,
      Learnable dataset,
      TrainSettings settings,
      Optional<Pretrained> pretrained,
      RunPlan plan,
      Position at,
      Provenance provenance,
      Configuration hadoop) {
    Map<String, Double> metrics =
        Map.of(
            "validation-loss", at.bestLoss(),
            "train-loss", at.trainLoss(),
            "best-epoch", (double) at.bestEpoch(),
            "epochs", (double) at.epoch(),
            "steps", (double) at.step(),
            "train-windows", (double) plan.steps().windows());
    BundleContents contents =
        dataset.contents(network, plan.spec(), settings, metrics, provenance, hadoop);
    PublishedBundle bundle =
        BundlePublisher.publish(
            settings.registryPath(),
            settings.name(),
            settings.registryVersion(),
            network,
            pretrained.map(from -> contents.with(from.reference())).orElse(contents),
            hadoop);
    return new TrainReport.Bundle(bundle.uri(), bundle.version(), bundle.hash(), true);
  }

  /** The bundle of an earlier attempt. */
  static TrainReport.Bundle find(String uri, Configuration hadoop) {
    ModelBundle bundle = ModelBundle.open(uri, hadoop);
    return new TrainReport.Bundle(uri, bundle.manifest().version(), bundle.hash(), false);
  }
}
