package io.sluice.sequences.telemetry.grid;

import java.util.Locale;

/** Why a window was not made; the label is what reports and the manifest say. */
public enum DropReason {
  /** In no split: in an embargo, or outside the splits' ranges. */
  BETWEEN_SPLITS,
  /** An input is missing after the gap policy. */
  INPUT_MISSING,
  /** No input was observed in the whole look-back. */
  NOTHING_OBSERVED,
  /** A forecast target is missing after the gap policy. */
  TARGET_MISSING,
  /** The class label is not known. */
  LABEL_MISSING,
  /** Whether or when an event follows lies beyond the end of the record. */
  CENSORED,
  /** In the step of an event or so soon after one that it is left out. */
  AFTER_EVENT;

  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
