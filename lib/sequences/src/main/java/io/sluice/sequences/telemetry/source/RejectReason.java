package io.sluice.sequences.telemetry.source;

import java.util.Locale;

/** Why a raw row cannot be used; the label is what reports and the rejects table say. */
public enum RejectReason {
  /** It does not have the columns its file has. */
  MALFORMED_ROW,
  SERIES_MISSING,
  TIME_MISSING,
  TIME_UNPARSABLE,
  /** A local time that a daylight-saving change skips. */
  TIME_NONEXISTENT,
  /** Later than the run's start by more than source.time.max-future. */
  TIME_IN_FUTURE,
  /** Earlier than source.time.min. */
  TIME_BEFORE_MIN,
  TAG_MISSING,
  /** The historian's flag is not in source.good-quality. */
  BAD_QUALITY,
  VALUE_MISSING,
  VALUE_UNPARSABLE,
  /** NaN, infinite, or too large for the float32 of a dataset. */
  VALUE_NOT_FINITE;

  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
