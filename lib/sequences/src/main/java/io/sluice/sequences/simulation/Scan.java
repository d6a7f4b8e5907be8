package io.sluice.sequences.simulation;

import java.util.List;

/**
 * One poll of all channels of a unit, as it reached the historian.
 *
 * @param unit name
 * @param nominalMillis time on the plan
 * @param timeMillis time of the reading
 * @param arrivalMillis when it reached the historian
 * @param copyMillis when the second copy did, of what was sent twice
 * @param lost true while the link was down: none of it arrived
 * @param values by {@link Channel}
 * @param states by {@link Channel}
 * @param tagsTwice by {@link Channel}: this reading was sent twice
 * @param rowTwice the whole scan was sent twice to the wide table
 * @param events what happened since the scan before
 */
record Scan(
    String unit,
    long nominalMillis,
    long timeMillis,
    long arrivalMillis,
    long copyMillis,
    boolean lost,
    double[] values,
    State[] states,
    boolean[] tagsTwice,
    boolean rowTwice,
    List<PlantEvent> events) {

  /** What became of a reading. */
  enum State {
    GOOD,
    /** Arrived with a bad quality flag and a worthless value. */
    BAD,
    /** Did not arrive. */
    MISSING
  }
}
