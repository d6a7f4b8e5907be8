package io.sluice.training;

/**
 * What a training run did; the job's JSON line.
 *
 * @param name of the experiment
 * @param runId of this attempt
 * @param dataset URI it learned from
 * @param strategy {@code local} or {@code parameter-averaging}
 * @param parameters numbers in the network
 * @param trainWindows windows of the train split
 * @param validationWindows windows of the validation split
 * @param droppedWindowsPerEpoch train windows that no step of an epoch saw: with workers, the rest
 *     that fills no global batch; and what {@code train.max-train-windows} leaves out
 * @param epochs epochs finished, over all attempts
 * @param steps steps finished, over all attempts
 * @param stoppedEarly whether early stopping ended the run before its last epoch
 * @param resumedFrom the checkpoint this attempt continued; null if it started fresh
 * @param bestEpoch the epoch (from 1) whose parameters were published
 * @param bestValidationLoss its loss on the validation windows
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

  /**
   * @param hash SHA-256 of its manifest
   * @param published false if an earlier attempt of this run had published it
   */
  public record Bundle(String uri, int version, String hash, boolean published) {}
}
