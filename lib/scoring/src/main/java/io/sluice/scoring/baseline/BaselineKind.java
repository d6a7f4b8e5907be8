package io.sluice.scoring.baseline;

import io.sluice.sequences.dataset.WindowContract.TargetType;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/** Predictions that a model must beat to be worth its keep. */
public enum BaselineKind {
  /** The newest value, held. */
  LAST_VALUE(TargetType.FORECAST),
  /** The value at the same time of day, one or more days before. */
  SEASONAL_NAIVE_DAILY(TargetType.FORECAST),
  /** The value at the same time of the week, one or more weeks before. */
  SEASONAL_NAIVE_WEEKLY(TargetType.FORECAST),
  /** A seasonal ARIMA fitted on train rows; see {@link SeasonalArima}. */
  ARIMA(TargetType.FORECAST),
  /** The class that most train windows have; each class's share of them is its probability. */
  MAJORITY_CLASS(TargetType.CLASS, TargetType.EVENT),
  /** Every window is an event: full recall at a false-alarm rate of one. */
  ALWAYS_ALARM(TargetType.CLASS, TargetType.EVENT),
  /**
   * A logistic regression on the inputs of the window's last step; see {@link LastStepLogistic}.
   */
  LOGISTIC_REGRESSION(TargetType.CLASS, TargetType.EVENT),
  /** The mean remaining life of the train windows, the constant with the least squared error. */
  TRAIN_MEAN(TargetType.REMAINING_LIFE),
  /** Every token of the vocabulary is as likely. */
  UNIFORM,
  /** A token is as likely as it is frequent in the train split, whatever came before. */
  UNIGRAM;

  private final Set<TargetType> targets;

  /** Of windows. */
  BaselineKind(TargetType first, TargetType... others) {
    this.targets = EnumSet.of(first, others);
  }

  /** Of streams of tokens. */
  BaselineKind() {
    this.targets = EnumSet.noneOf(TargetType.class);
  }

  /** Whether it predicts this kind of target. */
  public boolean fits(TargetType target) {
    return targets.contains(target);
  }

  /** The name in settings and reports: {@code seasonal-naive-daily}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
