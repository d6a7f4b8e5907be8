package io.sluice.scoring.evaluation;

import io.sluice.scoring.bundle.AlarmThreshold;
import io.sluice.sequences.dataset.Split;
import java.io.Serializable;
import java.util.Locale;
import java.util.Optional;

/**
 * From which probability on a window of two classes is an alarm here, and why.
 *
 * @param threshold from this probability of the second class on
 * @param reason where it comes from, the end of a sentence
 */
record Alarm(float threshold, String reason) implements Serializable {
  private static final float HALF = 0.5f;

  static Alarm given(double threshold) {
    return new Alarm((float) threshold, "set by evaluate.threshold");
  }

  /** The one that is published with the model. */
  static Alarm published(AlarmThreshold threshold) {
    return new Alarm(threshold.value(), threshold.told());
  }

  /**
   * One that is chosen here, on the validation windows; one half where these are not of both
   * classes.
   *
   * @param judged the split whose windows are judged with it
   */
  static Alarm chosen(Optional<AlarmThreshold> threshold, Split judged) {
    if (threshold.isEmpty()) {
      return new Alarm(
          HALF, "because the validation split has no windows of both classes to choose one on");
    }
    return new Alarm(
        threshold.get().value(),
        threshold.get().rule()
            + (judged == Split.VALIDATION
                ? " on these very windows, which flatters it"
                : " on the validation windows"));
  }

  String sentence(String who) {
    return String.format(
        Locale.ROOT,
        "%s raises an alarm from a probability of %.4g on, %s.",
        who,
        threshold,
        reason);
  }
}
