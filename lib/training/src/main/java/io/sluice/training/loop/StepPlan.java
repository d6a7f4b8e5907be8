package io.sluice.training.loop;

import java.io.Serializable;

/**
 * How the windows of an epoch become steps: every window once, only the last step of an epoch has
 * fewer than the others. It does not say who computes: the ranks share each step's windows.
 *
 * <p>Of streams, a step takes the next tokens of all of them.
 *
 * @param windows an epoch is drawn from; tokens that it predicts where there are streams
 * @param batchSize windows of a step, over all ranks; or streams
 * @param shards parts of the train split that are dealt to ranks, see {@link Windows}
 * @param epochs in all
 * @param stepsPerEpoch steps of an epoch
 */
public record StepPlan(long windows, int batchSize, int shards, int epochs, int stepsPerEpoch)
    implements Serializable {

  /** Of windows. */
  public StepPlan(long windows, int batchSize, int shards, int epochs) {
    this(
        windows, batchSize, shards, epochs, Math.toIntExact((windows + batchSize - 1) / batchSize));
  }

  /** Steps of the whole run. */
  public int steps() {
    return Math.multiplyExact(epochs, stepsPerEpoch);
  }

  /**
   * Windows of one step; no streams.
   *
   * @param stepOfEpoch from 0
   */
  public int windowsAt(int stepOfEpoch) {
    return (int) Math.min(batchSize, windows - (long) stepOfEpoch * batchSize);
  }
}
