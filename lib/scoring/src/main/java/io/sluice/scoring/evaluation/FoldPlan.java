package io.sluice.scoring.evaluation;

import java.io.Serializable;

/**
 * Cuts the time between a split's first and last origin into consecutive blocks of equal length.
 *
 * @param first time of the first origin, ticks
 * @param last time of the last origin, ticks
 * @param folds blocks
 */
record FoldPlan(long first, long last, int folds) implements Serializable {

  /** The block of an origin; one outside the range belongs to the nearest. */
  int of(long origin) {
    double share = (double) (origin - first) / ((double) (last - first) + 1);
    return (int) Math.max(0, Math.min(folds - 1, Math.floor(share * folds)));
  }

  /** First time of a block, ticks. */
  long start(int fold) {
    return first + (long) Math.ceil(((double) (last - first) + 1) * fold / folds);
  }
}
