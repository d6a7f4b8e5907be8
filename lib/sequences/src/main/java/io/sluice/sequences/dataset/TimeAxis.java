package io.sluice.sequences.dataset;

import java.io.Serializable;

/**
 * The resampling grid.
 *
 * @param type whether ticks are microseconds since 1970-01-01T00:00:00Z or ordinal numbers
 * @param stepTicks ticks from one grid point to the next; grid points are multiples of it
 */
public record TimeAxis(Type type, long stepTicks) implements Serializable {
  /** What a tick is. */
  public enum Type {
    /** Microseconds since the epoch, UTC. */
    TIMESTAMP,
    /** A cycle or sample number. */
    ORDINAL
  }
}
