package io.sluice.scoring.evaluation;

import io.sluice.sequences.dataset.Split;
import java.io.Serializable;
import java.util.Locale;
import java.util.OptionalDouble;

/**
 * From which probability on a window of two classes is an alarm. At one half a model of rare events
 * says nothing: it may rank every window well and never be that sure.
 *
 * @param value in [0, 1]
 * @param reason where it comes from, the end of a sentence
 */
record AlarmThreshold(float value, String reason) implements Serializable {
  private static final float HALF = 0.5f;

  static AlarmThreshold given(double value) {
    return new AlarmThreshold((float) value, "set by evaluate.threshold");
  }

  /**
   * The one with the best F1 on the validation windows, one half where these are not of both
   * classes.
   *
   * @param best F1's, empty where there is none
   * @param judged the split whose windows are judged with it
   */
  static AlarmThreshold chosen(OptionalDouble best, Split judged) {
    if (best.isEmpty()) {
      return new AlarmThreshold(
          HALF, "because the validation split has no windows of both classes to choose one on");
    }
    return new AlarmThreshold(
        (float) best.getAsDouble(),
        judged == Split.VALIDATION
            ? "the best F1 on these very windows, which flatters it"
            : "the best F1 on the validation windows");
  }

  String sentence(String who) {
    return String.format(
        Locale.ROOT, "%s raises an alarm from a probability of %.4g on, %s.", who, value, reason);
  }
}
