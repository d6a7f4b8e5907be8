package io.sluice.scoring.baseline;

import java.util.Locale;

/** Forecasts that a model must beat to be worth its keep. */
public enum BaselineKind {
  /** The newest value, held. */
  LAST_VALUE,
  /** The value at the same time of day, one or more days before. */
  SEASONAL_NAIVE_DAILY,
  /** The value at the same time of the week, one or more weeks before. */
  SEASONAL_NAIVE_WEEKLY,
  /** A seasonal ARIMA fitted on train rows; see {@link SeasonalArima}. */
  ARIMA;

  /** The name in settings and reports: {@code seasonal-naive-daily}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
