package io.sluice.scoring.evaluation;

import java.util.Locale;

/**
 * What an evaluation measures: the name in settings, JSON and tables, which way is better, and one
 * line of meaning. The formulas stand where they are computed: {@link ForecastSums}, {@link
 * ClassScores}, {@link LifeSums}.
 */
public enum Metric {
  MAE(Better.LOWER, "mean absolute error, in the target's unit"),
  RMSE(Better.LOWER, "root of the mean squared error, in the target's unit"),
  MSE(Better.LOWER, "mean squared error, in the target's unit squared"),
  BIAS(Better.NEITHER, "mean of predicted minus actual, in the target's unit"),
  MAE_SCALED(Better.LOWER, "mean absolute error in units of the scaler fitted on train rows"),
  RMSE_SCALED(Better.LOWER, "root mean squared error in units of the scaler"),
  MSE_SCALED(Better.LOWER, "mean squared error in squared units of the scaler"),
  MAPE(Better.LOWER, "mean absolute error as a share of |actual|; actuals of zero are left out"),
  SMAPE(Better.LOWER, "mean of 2|error| / (|actual| + |predicted|), between 0 and 2"),
  MASE(
      Better.LOWER,
      "absolute error over the seasonal naive error on train rows; below 1 is better"),
  PINBALL(Better.LOWER, "mean pinball loss over the quantiles, in the target's unit"),
  COVERAGE(Better.NEITHER, "share of actuals inside the interval"),
  INTERVAL_WIDTH(Better.LOWER, "mean width of the interval, in the target's unit"),
  ACCURACY(Better.HIGHER, "share of windows whose class is right"),
  PRECISION(Better.HIGHER, "right alarms over alarms; more than two classes: mean over classes"),
  RECALL(Better.HIGHER, "events found over events; more than two classes: mean over classes"),
  F1(Better.HIGHER, "harmonic mean of precision and recall; more than two classes: mean over them"),
  ROC_AUC(Better.HIGHER, "chance that a positive window scores above a negative one, ties half"),
  PR_AUC(
      Better.HIGHER,
      "average precision over recall; a score that knows nothing has the event's share"),
  FALSE_ALARM_RATE(Better.LOWER, "false alarms over windows without an event"),
  MISSED_ALARM_RATE(Better.LOWER, "missed events over events"),
  LOG_LOSS(Better.LOWER, "mean of minus the logarithm of the right class's probability, nats"),
  PERPLEXITY(
      Better.LOWER, "e to the power of log-loss: as many equally likely tokens to choose from"),
  BITS_PER_TOKEN(Better.LOWER, "log-loss over ln 2"),
  BITS_PER_CHARACTER(
      Better.LOWER, "bits of all predicted tokens over the characters of their share of the text"),
  CALIBRATION_ERROR(
      Better.LOWER, "mean distance of confidence from accuracy over ten bins of confidence"),
  LIFE_SCORE(Better.LOWER, "asymmetric score of remaining life: late predictions cost more; a sum"),
  RMSE_UNCAPPED(Better.LOWER, "root mean squared error against remaining life without the cap"),
  LIFE_SCORE_UNCAPPED(Better.LOWER, "asymmetric score against remaining life without the cap"),
  RMSE_LAST(Better.LOWER, "root mean squared error at the last window of each series"),
  LIFE_SCORE_LAST(Better.LOWER, "asymmetric score at the last window of each series; a sum"),
  RMSE_LAST_UNCAPPED(Better.LOWER, "as rmse-last, against remaining life without the cap"),
  LIFE_SCORE_LAST_UNCAPPED(Better.LOWER, "as life-score-last, without the cap");

  /** Which way a metric improves. */
  public enum Better {
    LOWER,
    HIGHER,
    /** Neither end is better: a coverage should meet its interval, a bias zero. */
    NEITHER
  }

  private final Better better;
  private final String meaning;

  Metric(Better better, String meaning) {
    this.better = better;
    this.meaning = meaning;
  }

  public Better better() {
    return better;
  }

  /** One line for a person. */
  public String meaning() {
    return meaning;
  }

  /** The name in settings and reports: {@code mse-scaled}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
