package io.sluice.sequences.telemetry.grid;

import java.io.Serializable;

/**
 * How far a block's steps reach beyond the origins it owns.
 *
 * @param segmentSteps origins owned
 * @param lookBack T
 * @param ahead steps needed after an origin: the horizon, and for known-future inputs as well
 * @param reach steps further on either side that decide how a gap is filled
 */
public record BlockShape(int segmentSteps, int lookBack, int ahead, int reach)
    implements Serializable {

  /** N, steps of a block and its halo. */
  public int steps() {
    return Math.toIntExact((long) segmentSteps + lookBack - 1 + ahead + 2L * reach);
  }

  /** The step at index 0. */
  public long firstStep(Grid grid, long block) {
    return grid.firstStep(block) - (lookBack - 1) - reach;
  }

  /** Index of the first origin that the block owns. */
  public int firstOrigin() {
    return lookBack - 1 + reach;
  }

  /** SQL for the first block that a reading at {@code step} is needed in. */
  public String firstBlockSql(Grid grid, String step) {
    return grid.blockSql("(%s - %dL)".formatted(step, (long) ahead + reach));
  }

  /** SQL for the last such block. */
  public String lastBlockSql(Grid grid, String step) {
    return grid.blockSql("(%s + %dL)".formatted(step, (long) lookBack - 1 + reach));
  }
}
