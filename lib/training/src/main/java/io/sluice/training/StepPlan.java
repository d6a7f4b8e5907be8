package io.sluice.training;

import io.sluice.sequences.dataset.Dealing;
import java.io.Serializable;

/**
 * How the windows of an epoch become steps.
 *
 * <p>One process learns from all of them, the last step from what is left. W workers share each
 * global batch evenly, so the rest of an epoch's order that does not fill one is not used: fewer
 * than {@code batchSize} windows, other ones in each epoch. An average over workers counts each as
 * much as the others, and a worker with a handful of windows would be mostly noise.
 *
 * @param windows an epoch is drawn from
 * @param batchSize of a global batch
 * @param workers W that share a batch, a divisor of it; 1 in one process
 * @param epochs in all
 */
record StepPlan(long windows, int batchSize, int workers, int epochs) implements Serializable {

  /** Steps of an epoch. */
  int stepsPerEpoch() {
    long usedByOne = (windows + batchSize - 1) / batchSize;
    return Math.toIntExact(workers == 1 ? usedByOne : windows / batchSize);
  }

  /** Steps of the whole run. */
  int steps() {
    return Math.multiplyExact(epochs, stepsPerEpoch());
  }

  /** How windows are dealt to batches and workers: every worker has as many of each batch. */
  Dealing dealing(long seed) {
    int shards = Math.min(Dealing.DEFAULT_SHARDS, batchSize);
    return new Dealing(batchSize, Math.max(1, shards / workers) * workers, seed);
  }

  /** Windows of a worker's share of a global batch. */
  int batchSizePerWorker() {
    return batchSize / workers;
  }

  /** Windows that an epoch's steps learn from. */
  long windowsPerEpoch() {
    return Math.min(windows, (long) stepsPerEpoch() * batchSize);
  }
}
