package io.sluice.training;

import io.sluice.config.ConfigReader;
import io.sluice.recurrent.kernel.Device;
import io.sluice.sequences.dataset.Split;
import io.sluice.training.checkpoint.Checkpoint.Position;
import io.sluice.training.loop.RunPlan;

/**
 * What a training run did; the job's JSON line.
 *
 * @param name of the experiment
 * @param runId of this attempt
 * @param dataset URI it learned from
 * @param strategy {@code local}, {@code gradient-sharing} or {@code parameter-averaging}
 * @param workers processes that shared each batch at first
 * @param device on which each computed, e.g. "GPU 0 (NVIDIA H200 (140 GiB)), GPU 1 (NVIDIA H200
 *     (140 GiB))" or "4 x CPU"; empty if this attempt had nothing left to train
 * @param parameters numbers in the network
 * @param trainWindows windows of the train split; of a stream, tokens that an epoch predicts
 * @param validationWindows windows of the validation split; of a stream, tokens that are predicted
 * @param droppedWindowsPerEpoch train windows that {@code train.max-train-windows} leaves out
 * @param epochs epochs finished, over all attempts
 * @param steps steps finished, over all attempts
 * @param stoppedEarly whether early stopping ended the run before its last epoch
 * @param resumedFrom the checkpoint this attempt continued; null if it started fresh
 * @param bestEpoch the epoch (from 1) whose parameters were published
 * @param bestValidationLoss its loss on the validation windows; of a stream, nats a token
 * @param lastValidationLoss of the last epoch
 * @param trainLoss mean loss over the steps of the last epoch
 * @param distanceMoved L2 distance of the published parameters from the initial ones
 * @param windowsPerSecond trained by this attempt, validation and checkpoints not counted; 0 if it
 *     had nothing left to train
 * @param seconds this attempt took
 * @param checkpoint the last one
 * @param metrics file of JSON lines
 * @param bundle what was published
 */
public record TrainReport(
    String name,
    String runId,
    String dataset,
    String strategy,
    int workers,
    String device,
    long parameters,
    long trainWindows,
    long validationWindows,
    long droppedWindowsPerEpoch,
    int epochs,
    long steps,
    boolean stoppedEarly,
    String resumedFrom,
    int bestEpoch,
    double bestValidationLoss,
    double lastValidationLoss,
    double trainLoss,
    double distanceMoved,
    double windowsPerSecond,
    double seconds,
    String checkpoint,
    String metrics,
    Bundle bundle) {

  static TrainReport of(
      Learnable dataset,
      TrainSettings settings,
      RunPlan plan,
      Beginning beginning,
      Position at,
      double moved,
      RunLog log,
      String checkpoint,
      Bundle bundle) {
    return new TrainReport(
        settings.name(),
        plan.runId(),
        dataset.uri(),
        ConfigReader.kebab(settings.strategy()),
        settings.workers().orElse(1),
        Device.summary(log.devices()),
        beginning.initialParameters().length,
        dataset.count(Split.TRAIN),
        dataset.count(Split.VALIDATION),
        dataset.count(Split.TRAIN) - plan.steps().windows(),
        at.epoch(),
        at.step(),
        at.epoch() < settings.epochs(),
        beginning.resumedFrom(),
        at.bestEpoch(),
        at.bestLoss(),
        at.validationLoss(),
        at.trainLoss(),
        moved,
        log.windowsPerSecond(),
        log.seconds(),
        checkpoint,
        settings.metricsPath(),
        bundle);
  }

  /**
   * @param hash SHA-256 of its manifest
   * @param published false if an earlier attempt of this run had published it
   */
  public record Bundle(String uri, int version, String hash, boolean published) {}
}
