package io.sluice.sequences.text;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.sequences.text.dataset.TextManifest.Run;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class SplitSummariesTest {

  @Test
  void lengthsThatDifferByOnePartIn64AreOneRun() {
    var lengths = new TreeMap<Integer, Long>();
    lengths.put(3, 5L);
    lengths.put(4, 1L);
    lengths.put(640, 2L);
    lengths.put(645, 7L);
    lengths.put(650, 1L);
    lengths.put(651, 3L);

    assertThat(SplitSummaries.runs(lengths))
        .containsExactly(new Run(3, 5), new Run(4, 1), new Run(650, 10), new Run(651, 3));
    assertThat(SplitSummaries.runs(new TreeMap<>())).isEmpty();
  }
}
