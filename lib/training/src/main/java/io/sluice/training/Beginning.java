package io.sluice.training;

import io.sluice.training.checkpoint.Checkpoint;
import io.sluice.training.checkpoint.CheckpointStore;
import io.sluice.training.loop.RunPlan;
import java.util.Optional;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where a run starts: at the newest checkpoint that is whole, or afresh, which may be with layers
 * of a bundle.
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
   * @param network with the parameters that a fresh run begins with
   */
  static Beginning of(
      RunPlan plan,
      MultiLayerNetwork network,
      CheckpointStore checkpoints,
      TrainSettings settings) {
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
}
