/** Forecasts to beat: last value, seasonal naive, seasonal ARIMA. */
package io.sluice.scoring.baseline;
