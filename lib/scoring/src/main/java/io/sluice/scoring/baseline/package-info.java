/**
 * Predictions to beat. Forecasts: last value, seasonal naive over a day and a week, and a seasonal
 * ARIMA. Classes and events: the majority class, an alarm always, and a logistic regression on the
 * last step. Remaining life: the train windows' mean.
 *
 * <p>Main types: {@link io.sluice.scoring.baseline.BaselineKind}; {@link
 * io.sluice.scoring.baseline.NaiveForecast} and {@link io.sluice.scoring.baseline.SeasonalArima};
 * {@link io.sluice.scoring.baseline.SeriesHistory} finds the rows that a season reaches back to,
 * beyond a window's look-back, in the dataset's other parts.
 *
 * <p><b>Which ARIMA.</b> JDemetra+ 3 ({@code jdplus-toolkit-base-core} 3.2.4), the seasonal
 * adjustment software of the European statistical system, maintained by the National Bank of
 * Belgium: exact maximum likelihood by Kalman filter with Hannan–Rissanen starting values, state
 * space forms for filtering, missing values handled exactly. Licence EUPL 1.2, which lets an
 * unmodified library be used and shipped from a work under another licence; the jars are shipped as
 * published. Costs 2.9 MB in two jars without further dependencies. Measured on ETTh1 ({@code
 * SeasonalArimaTest}, 8640 train rows, (2,1,1)(1,0,1)24): 1.5 s for a fit on a free core, under 0.1
 * s to filter 5,700 rows on; test MSE 0.024 on scaled oil temperature at 24 hours, where the
 * published ARIMA has 0.108.
 *
 * <p><b>Considered:</b> Workday's timeseries-forecast (Hannan–Rissanen estimates only, fits anew
 * for each forecast), Smile (GPL), spark-ts (archived), H2O (no ARIMA). JDemetra+ alone filters
 * forward without a refit.
 *
 * <p><b>Considered:</b> the last known label as a forecast of the next one. Labels of events within
 * a lead time are known only when that time is over, labels of states when somebody has looked, and
 * the dataset says neither when: the step before's label would be a look into the future.
 */
package io.sluice.scoring.baseline;
