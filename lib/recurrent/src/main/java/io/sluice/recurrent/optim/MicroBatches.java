package io.sluice.recurrent.optim;

/**
 * How many pieces a replica's share of a batch is cut into, so that what one keeps for the way back
 * fits into memory.
 *
 * @param count of a share whose sequences have {@code timeSteps}, at least 1
 * @param timeSteps of the longest batch where batches are as long as their longest sequence:
 *     shorter ones are cut into as many fewer pieces; 0 is {@code count} for all
 */
public record MicroBatches(int count, int timeSteps) {
  /** The share as it is. */
  static final MicroBatches ONE = new MicroBatches(1, 0);

  public MicroBatches {
    if (count < 1) {
      throw new IllegalArgumentException("count is %d, must be at least 1".formatted(count));
    }
    if (timeSteps < 0) {
      throw new IllegalArgumentException(
          "timeSteps is %d, must be at least 0".formatted(timeSteps));
    }
  }

  /** The same number for all. */
  public static MicroBatches always(int count) {
    return new MicroBatches(count, 0);
  }

  /** Of a share; at most one an example. */
  public int of(Batch share) {
    int pieces = count;
    if (timeSteps > 0 && share.featuresMask() != null) {
      long steps = share.featuresMask().size(1);
      pieces = (int) Math.max(1, Math.min(count, (count * steps + timeSteps - 1) / timeSteps));
    }
    return Math.min(pieces, share.size());
  }
}
