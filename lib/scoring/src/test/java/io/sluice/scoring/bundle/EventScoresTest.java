package io.sluice.scoring.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class EventScoresTest {

  @Test
  void everyCutCountsTheWindowsFromItsScoreOn() {
    var random = new Random(3);
    var scores = new EventScores();
    var score = new float[2000];
    var event = new boolean[2000];
    for (int i = 0; i < score.length; i++) {
      score[i] = random.nextInt(300) / 299f; // with ties, 0 and 1 among them
      event[i] = random.nextInt(5) == 0;
      scores.add(score[i], event[i]);
    }

    var cuts = new ArrayList<Float>();
    scores.descend(
        (at, found, falseAlarms) -> {
          long events = 0;
          long others = 0;
          for (int i = 0; i < score.length; i++) {
            events += score[i] >= at && event[i] ? 1 : 0;
            others += score[i] >= at && !event[i] ? 1 : 0;
          }
          assertThat(List.of(found, falseAlarms)).as("from %s", at).containsExactly(events, others);
          cuts.add(at);
        });

    assertThat(cuts).hasSizeGreaterThan(290).doesNotHaveDuplicates();
    assertThat(cuts).isSortedAccordingTo((a, b) -> Float.compare(b, a));
    assertThat(scores.events() + scores.others()).isEqualTo(2000);
  }

  @Test
  void aNegativeZeroIsAZero() {
    var scores = new EventScores();
    scores.add(-0.0f, true);
    scores.add(0.0f, false);

    var cuts = new ArrayList<Long>();
    scores.descend((at, found, falseAlarms) -> cuts.add(found + falseAlarms));

    assertThat(cuts).containsExactly(2L);
  }

  @Test
  void whatIsNoProbabilityIsRefused() {
    var scores = new EventScores();

    assertThatThrownBy(() -> scores.add(Float.NaN, true))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("score is NaN, must be finite and not negative");
    assertThatThrownBy(() -> scores.add(-0.1f, true))
        .hasMessage("score is -0.1, must be finite and not negative");
    assertThatThrownBy(() -> scores.add(Float.POSITIVE_INFINITY, true))
        .hasMessage("score is Infinity, must be finite and not negative");
  }

  @Test
  void withoutAWindowThereIsNoCut() {
    new EventScores()
        .descend(
            (at, found, falseAlarms) -> {
              throw new AssertionError("a cut at " + at);
            });
  }
}
