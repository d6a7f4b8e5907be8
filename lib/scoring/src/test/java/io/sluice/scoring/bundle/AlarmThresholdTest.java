package io.sluice.scoring.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AlarmThresholdTest {

  @ParameterizedTest
  @ValueSource(doubles = {0.0, 0.01, 0.03, 0.2, 1.0})
  void findsTheMostEventsThatTheLimitAllows(double limit) {
    var random = new Random(9);
    var score = new float[3000];
    var event = new boolean[3000];
    var scores = new EventScores();
    for (int i = 0; i < score.length; i++) {
      event[i] = random.nextInt(20) == 0;
      score[i] = Math.min(1, random.nextInt(500) / 500f + (event[i] ? 0.4f : 0));
      scores.add(score[i], event[i]);
    }

    AlarmThreshold chosen = AlarmThreshold.choose(scores, Optional.of(limit)).orElseThrow();

    double best = 0;
    for (int t = 0; t <= 1000; t++) {
      if (rate(score, event, false, t / 1000f) <= limit) {
        best = Math.max(best, rate(score, event, true, t / 1000f));
      }
    }
    assertThat(chosen.recall()).isEqualTo(best).isEqualTo(rate(score, event, true, chosen.value()));
    assertThat(chosen.falseAlarmRate())
        .isLessThanOrEqualTo(limit)
        .isEqualTo(rate(score, event, false, chosen.value()));
    assertThat(chosen.maxFalseAlarmRate()).isEqualTo(limit);
    assertThat(chosen.windows()).isEqualTo(3000);
  }

  /** Share of the windows with the event, or without it, that are alarms. */
  private static double rate(float[] score, boolean[] event, boolean ofEvents, float threshold) {
    double alarms = 0;
    double all = 0;
    for (int i = 0; i < score.length; i++) {
      if (event[i] == ofEvents) {
        all++;
        alarms += score[i] >= threshold ? 1 : 0;
      }
    }
    return alarms / all;
  }

  @Test
  void ofThresholdsThatFindAsMuchItIsTheHighest() {
    AlarmThreshold chosen = chosen(Optional.of(0.5), 0.9, true, 0.4, false, 0.3, false);

    assertThat(chosen.value()).as("halfway to the next score").isCloseTo(0.65f, within(1e-6f));
    assertThat(chosen.falseAlarmRate()).isZero();
  }

  @Test
  void neighboursAreParted() {
    float higher = Math.nextUp(0.5f);

    AlarmThreshold chosen = chosen(Optional.of(0.0), (double) higher, true, 0.5, false, 0.25, true);

    assertThat(chosen.value()).isEqualTo(higher);
    assertThat(chosen.recall()).isEqualTo(0.5);
  }

  @Test
  void anEventThatIsTheLeastProbableIsStillFound() {
    AlarmThreshold chosen = chosen(Optional.of(1.0), 0.5, false, 0.25, true);

    assertThat(chosen.value()).isEqualTo(0.125f);
    assertThat(chosen.recall()).isEqualTo(1);
    AlarmThreshold ofNothing = chosen(Optional.of(1.0), 0.5, false, 0.0, true);
    assertThat(ofNothing.value()).isZero();
    assertThat(ofNothing.recall()).isEqualTo(1);
  }

  @Test
  void nothingIsAnAlarmWhereTheLimitLeavesNoEvent() {
    AlarmThreshold chosen = chosen(Optional.of(0.3), 1.0, false, 0.4, true, 0.3, false);

    assertThat(chosen.raisesNone()).isTrue();
    assertThat(new Decision(2, chosen.value()).predicted(new float[] {0, 1}, 0)).isZero();
    assertThat(chosen.recall()).isZero();
    assertThat(chosen.falseAlarmRate()).isZero();
  }

  @Test
  void withoutALimitItIsTheBestF1() {
    // F1 from the top: 2/3, 1/2, 4/5, 2/3
    AlarmThreshold chosen = chosen(Optional.empty(), 0.9, true, 0.8, false, 0.7, true, 0.1, false);

    assertThat(chosen.value()).isCloseTo(0.4f, within(1e-6f));
    assertThat(chosen.recall()).isEqualTo(1);
    assertThat(chosen.falseAlarmRate()).isCloseTo(0.5, within(1e-12));
    assertThat(chosen.raisesNone()).isFalse();
  }

  @Test
  void windowsOfOneKindAloneGiveNone() {
    var scores = new EventScores();
    assertThat(AlarmThreshold.choose(scores, Optional.of(0.1))).isEmpty();
    scores.add(0.5f, false);
    assertThat(AlarmThreshold.choose(scores, Optional.empty())).isEmpty();
  }

  @Test
  void tellsItsRuleAndWhatItFinds() {
    AlarmThreshold limited = new AlarmThreshold(0.2f, 0.03, 0.9133, 0.0287, 12_345);

    assertThat(limited.told())
        .isEqualTo(
            "the most events with at most 3 % false alarms on the validation windows of the training: 91.3 % of the events and 2.87 % false alarms in 12,345");
    assertThat(new AlarmThreshold(0.2f, null, 1, 0, 2).rule()).isEqualTo("the best F1");
  }

  /**
   * @param windows score and whether it is an event, in turns
   */
  private static AlarmThreshold chosen(Optional<Double> limit, Object... windows) {
    var scores = new EventScores();
    for (int i = 0; i < windows.length; i += 2) {
      scores.add(((Double) windows[i]).floatValue(), (Boolean) windows[i + 1]);
    }
    return AlarmThreshold.choose(scores, limit).orElseThrow();
  }
}
