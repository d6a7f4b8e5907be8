package io.sluice.scoring.bundle;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;
import java.util.Optional;

/**
 * From which probability of the second of two classes on a window is an alarm, chosen on the
 * validation windows. At one half a model of rare events says nothing: it may rank every window
 * well and never be that sure.
 *
 * @param value in [0, 1]; above 1 where no alarm is raised at all
 * @param maxFalseAlarmRate of the thresholds with at most this share of false alarms it is the one
 *     that finds most; null: the one with the best F1
 * @param recall share of the windows with the event that it finds there
 * @param falseAlarmRate share of the others that it takes for one
 * @param windows it was chosen on
 */
public record AlarmThreshold(
    float value, Double maxFalseAlarmRate, double recall, double falseAlarmRate, long windows) {
  private static final int PERCENT = 100;
  private static final int PERCENT_DIGITS = 4;

  /** No probability is as high, not even by rounding. */
  private static final float NEVER = 2;

  /**
   * Of equally good thresholds the highest.
   *
   * @param maxFalseAlarmRate in [0, 1]; empty: the best F1
   * @return empty where there are not windows of both classes
   */
  public static Optional<AlarmThreshold> choose(
      EventScores scores, Optional<Double> maxFalseAlarmRate) {
    return scores.hasBoth()
        ? Optional.of(new Choice(scores, maxFalseAlarmRate.orElse(null)).made())
        : Optional.empty();
  }

  private AlarmThreshold with(float other) {
    return new AlarmThreshold(other, maxFalseAlarmRate, recall, falseAlarmRate, windows);
  }

  /** Whether it raises no alarm at all: too many of the windows that look most like one are not. */
  public boolean raisesNone() {
    return recall == 0 && falseAlarmRate == 0;
  }

  /** What it is best at: "the best F1". */
  public String rule() {
    return maxFalseAlarmRate == null
        ? "the best F1"
        : "the most events with at most %s %% false alarms"
            .formatted(
                BigDecimal.valueOf(PERCENT * maxFalseAlarmRate)
                    .round(new MathContext(PERCENT_DIGITS))
                    .stripTrailingZeros()
                    .toPlainString());
  }

  /** The same with what it does there, for a log line or a note. */
  public String told() {
    return String.format(
        Locale.ROOT,
        "%s on the validation windows of the training: %.1f %% of the events and %.2f %% false alarms in %,d",
        rule(),
        PERCENT * recall,
        PERCENT * falseAlarmRate,
        windows);
  }

  /**
   * The best so far as the threshold falls. It lies halfway to the next score, so that a window
   * whose probability differs in its last digit, as it may in a batch of another size, stays on its
   * side.
   */
  private static final class Choice {
    private final EventScores scores;
    private final Double maxFalseAlarmRate;
    private double best;
    private float lowest;
    private AlarmThreshold threshold;

    Choice(EventScores scores, Double maxFalseAlarmRate) {
      this.scores = scores;
      this.maxFalseAlarmRate = maxFalseAlarmRate;
    }

    AlarmThreshold made() {
      threshold = at(NEVER, 0, 0);
      scores.descend(this::consider);
      lower(0);
      return threshold;
    }

    private void consider(float score, long found, long falseAlarms) {
      lower(score);
      double goodness =
          maxFalseAlarmRate == null
              ? 2.0 * found / (found + falseAlarms + scores.events())
              : falseAlarms <= maxFalseAlarmRate * scores.others() ? found : 0;
      if (goodness > best) {
        best = goodness;
        threshold = at(score, found, falseAlarms);
        lowest = score;
      }
    }

    /** Moves a threshold that was just chosen down towards the next score. */
    private void lower(float next) {
      if (lowest > 0) {
        float halfway = (lowest + next) / 2;
        threshold = threshold.with(halfway > next ? halfway : lowest);
        lowest = 0;
      }
    }

    private AlarmThreshold at(float value, long found, long falseAlarms) {
      return new AlarmThreshold(
          value,
          maxFalseAlarmRate,
          (double) found / scores.events(),
          (double) falseAlarms / scores.others(),
          scores.events() + scores.others());
    }
  }
}
