package io.sluice.benchmarks.recurrent;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class LanguageModelTest {
  private static final LanguageModel SMALL = new LanguageModel(3, 4, 50, 6, 2, Precision.F32);

  @Test
  void labelsAreTheWordsThatFollowInEachStream() {
    long[][] streams = SMALL.streams();

    for (int k = 0; k < LanguageModel.BATCHES; k++) {
      long[] labels = SMALL.labels(streams, k);
      for (int t = 0; t < 4; t++) {
        for (int b = 0; b < 3; b++) {
          long next = t < 3 ? streams[k][(t + 1) * 3 + b] : streams[k + 1][b];
          assertThat(labels[t * 3 + b]).isEqualTo(next);
        }
      }
    }
    assertThat(Arrays.stream(streams).flatMapToLong(Arrays::stream))
        .allMatch(w -> w >= 0 && w < 50);
  }

  @Test
  void ourStepsLowerTheLossOnOneThreadAsOnTwo() {
    var ours = new SluiceLanguageModel(1);
    var split = new SluiceLanguageModel(2);
    ours.open(SMALL);
    split.open(SMALL);
    float[] before = ours.losses();

    ours.train(20);
    split.train(20);

    float[] after = ours.losses();
    float[] afterSplit = split.losses();
    assertThat(mean(after)).isLessThan(mean(before));
    // float32 sums in another order over 20 steps
    assertThat(Agreement.distance(after, afterSplit)).isLessThan(1e-4);
    ours.close();
    split.close();
  }

  @Test
  void itsSizesSurviveTheWayToAProcess() {
    assertThat(LanguageModel.parse(SMALL.sizes(), "f32")).isEqualTo(SMALL);
  }

  private static double mean(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    return sum / values.length;
  }
}
