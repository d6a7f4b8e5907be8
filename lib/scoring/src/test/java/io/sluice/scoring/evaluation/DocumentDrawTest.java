package io.sluice.scoring.evaluation;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.scoring.bundle.Decision;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DocumentDrawTest {
  private static final int MOST = 7;

  private static DocumentDraw of(List<Candidate> candidates, int most) {
    var draw = new DocumentDraw(most);
    for (Candidate candidate : candidates) {
      if (draw.wants(candidate.distance(), candidate.draw())) {
        draw.add(candidate);
      }
    }
    return draw;
  }

  @Test
  void partsInAnyOrderDrawTheSameDocuments() {
    var random = new Random(4);
    var candidates = new ArrayList<Candidate>();
    for (int d = 0; d < 200; d++) {
      // few distances and draws, so that the number decides between some
      candidates.add(
          new Candidate(random.nextInt(3), random.nextInt(5), d, "d" + d, 0, 0, new int[] {d}));
    }
    List<Candidate> expected = candidates.stream().sorted().limit(MOST).toList();

    DocumentDraw merged = of(candidates.subList(120, 200), MOST);
    merged.merge(of(candidates.subList(0, 50), MOST));
    merged.merge(of(candidates.subList(50, 120), MOST));

    assertThat(of(candidates, MOST).first()).isEqualTo(expected);
    assertThat(merged.first()).isEqualTo(expected);
    assertThat(of(candidates, 0).first()).isEmpty();
  }

  @Test
  void theMarginIsWhatSeparatesAClassFromAnother() {
    assertThat(new Decision(2, 0.3f).predicted(new float[] {9, 0.6f, 0.4f}, 1)).isEqualTo(1);
    assertThat(new Decision(2, 0.5f).margin(new float[] {9, 0.75f, 0.25f}, 1)).isEqualTo(0.25f);
    var three = new Decision(3, 0);
    assertThat(three.predicted(new float[] {0.25f, 0.625f, 0.125f}, 0)).isEqualTo(1);
    assertThat(three.margin(new float[] {0.25f, 0.625f, 0.125f}, 0)).isEqualTo(0.375f);
  }
}
