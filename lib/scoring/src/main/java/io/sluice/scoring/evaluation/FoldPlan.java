package io.sluice.scoring.evaluation;

import java.io.Serializable;

/**
 * Cuts the grid from a split's first to its last origin into consecutive blocks of equally many
 * steps (to one).
 *
 * @param first time of the first origin, ticks
 * @param last time of the last origin, ticks
 * @param stepTicks ticks of a grid step
 * @param folds blocks
 */
record FoldPlan(long first, long last, long stepTicks, int folds) implements Serializable {

  /** The block of an origin; one outside the range belongs to the nearest. */
  int of(long origin) {
    long fold = Math.floorDiv(Math.floorDiv(origin - first, stepTicks) * folds, steps());
    return (int) Math.max(0, Math.min(folds - 1L, fold));
  }

  /** First time of a block, ticks. */
  long start(int fold) {
    long step = -Math.floorDiv(-(steps() * fold), (long) folds);
    return first + step * stepTicks;
  }

  private long steps() {
    return Math.floorDiv(last - first, stepTicks) + 1;
  }
}
