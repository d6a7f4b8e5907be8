package io.sluice.scoring.baseline;

/** A seasonal ARIMA model of one channel of one series. */
public final class SeasonalArima {
  private SeasonalArima() {}
}
