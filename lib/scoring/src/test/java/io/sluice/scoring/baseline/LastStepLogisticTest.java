package io.sluice.scoring.baseline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.scoring.SparkExtension;
import io.sluice.scoring.baseline.LastStepLogistic.Example;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LastStepLogisticTest {

  @Test
  void aModelWithAWeightForEveryCaseReproducesTheirFrequencies() {
    var examples = new ArrayList<Example>();
    for (int i = 0; i < 100; i++) {
      examples.add(new Example(new float[] {0}, i < 20 ? 1 : 0));
      examples.add(new Example(new float[] {1}, i < 70 ? 1 : 0));
    }

    LastStepLogistic logistic = LastStepLogistic.fit(SparkExtension.session(), 2, examples);

    // the penalty shrinks the weight a little
    assertThat(logistic.probabilities(new float[] {9, 0}, 1)[1]).isCloseTo(0.2f, within(0.002f));
    assertThat(logistic.probabilities(new float[] {1}, 0)[1]).isCloseTo(0.7f, within(0.002f));
    assertThat(logistic.examples()).isEqualTo(200);
  }

  @Test
  void aClassThatNoExampleHasIsNeverPredicted() {
    LastStepLogistic logistic =
        LastStepLogistic.fit(
            SparkExtension.session(),
            3,
            List.of(
                new Example(new float[] {0}, 0),
                new Example(new float[] {0.5f}, 1),
                new Example(new float[] {1}, 1)));

    float[] probabilities = logistic.probabilities(new float[] {0.7f}, 0);

    assertThat(probabilities[2]).isZero();
    assertThat(probabilities[0] + probabilities[1]).isCloseTo(1f, within(1e-6f));
  }

  @Test
  void oneClassAloneIsCertain() {
    LastStepLogistic logistic =
        LastStepLogistic.fit(
            SparkExtension.session(),
            2,
            List.of(new Example(new float[] {0}, 0), new Example(new float[] {1}, 0)));

    assertThat(logistic.probabilities(new float[] {3}, 0)).containsExactly(1f, 0f);
  }
}
