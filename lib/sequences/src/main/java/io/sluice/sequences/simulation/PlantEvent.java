package io.sluice.sequences.simulation;

import java.util.Locale;

/** A row of the events table. */
record PlantEvent(long timeMillis, Type type) {
  enum Type {
    /** Wear reached its limit; the unit trips and stands still. */
    FAILURE,
    /** The unit is repaired, its sensors calibrated; it starts again. */
    REPAIR,
    /** A planned stop begins: lubrication and calibration, for four hours. */
    MAINTENANCE;

    String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }
}
