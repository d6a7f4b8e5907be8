package io.sluice.training;

import io.sluice.failure.InvalidInputException;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.training.checkpoint.Checkpoint;
import io.sluice.training.checkpoint.CheckpointStore;
import io.sluice.training.loop.RunPlan;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where a run starts: at the newest checkpoint that is whole, with the weights of a bundle, or
 * afresh.
 *
 * @param start the checkpoint, or what stands in for one
 * @param initialParameters (P) those before the first step of all
 * @param resumedFrom the checkpoint's URI; null if there is none
 * @param publishedBefore the bundle that an earlier attempt published at the end of this run
 */
record Beginning(
    Checkpoint start,
    float[] initialParameters,
    String resumedFrom,
    Optional<String> publishedBefore) {
  private static final Logger LOG = LoggerFactory.getLogger(Beginning.class);

  /**
   * @param network with fresh parameters
   */
  static Beginning of(
      RunPlan plan,
      MultiLayerNetwork network,
      CheckpointStore checkpoints,
      TrainSettings settings,
      Configuration hadoop) {
    settings.warmStart().ifPresent(bundle -> warm(network, bundle, hadoop));
    Checkpoint fresh = plan.initial(network);
    checkpoints.removeStaging();
    if (!settings.checkpoints().resume()) {
      int cleared = checkpoints.clear();
      if (cleared > 0) {
        LOG.info("Starting over: removed {} checkpoints in {}", cleared, checkpoints.uri());
      }
      return new Beginning(fresh, fresh.parameters(), null, Optional.empty());
    }
    return checkpoints
        .newest(plan.settings())
        .map(found -> resumed(found, fresh, plan))
        .orElseGet(() -> new Beginning(fresh, fresh.parameters(), null, Optional.empty()));
  }

  private static Beginning resumed(CheckpointStore.Found found, Checkpoint fresh, RunPlan plan) {
    Checkpoint.Position at = found.checkpoint().position();
    // published from this checkpoint, unless the run is now longer than it was
    boolean atEnd = plan.isLast(at);
    LOG.info(
        "{} {} (epoch {} of {}, step {})",
        atEnd ? "Nothing left to train:" : "Resuming from",
        found.uri(),
        at.epoch(),
        plan.steps().epochs(),
        at.step());
    return new Beginning(
        found.checkpoint(),
        fresh.parameters(),
        found.uri(),
        atEnd ? found.bundle() : Optional.empty());
  }

  private static void warm(MultiLayerNetwork network, String uri, Configuration hadoop) {
    MultiLayerNetwork from = ModelBundle.open(uri, hadoop).network();
    if (!shapes(from).equals(shapes(network))) {
      throw new InvalidInputException(
          "Cannot begin with the weights of %s: they are %s, this run's are %s. Set train.warm-start to a bundle of the same network, or set the model section to that of the bundle."
              .formatted(uri, shapes(from), shapes(network)));
    }
    network.setParams(from.params());
    LOG.info("Beginning with the weights of {}", uri);
  }

  /** The shape of each weight, in the order of the network's flat view. */
  private static Map<String, String> shapes(MultiLayerNetwork network) {
    var shapes = new LinkedHashMap<String, String>();
    network
        .paramTable()
        .forEach((name, weight) -> shapes.put(name, Arrays.toString(weight.shape())));
    return shapes;
  }
}
