package io.sluice.sequences.dataset;

import java.util.Locale;

/** What a window is for. */
public enum Split {
  TRAIN,
  VALIDATION,
  TEST;

  /** The name in folders ({@code split=train}), settings and reports. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
