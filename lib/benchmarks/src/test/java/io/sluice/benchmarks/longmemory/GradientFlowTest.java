package io.sluice.benchmarks.longmemory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.benchmarks.longmemory.Lesson.Budget;
import io.sluice.benchmarks.longmemory.MemoryTask.Examples;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;

class GradientFlowTest {
  private static final int DELAY = 4;

  /** One unit, w = 0.5: h' = tanh(0.5 h), answer h, so every factor can be written down. */
  @Test
  void ofATanhRnnEachStepBackMultipliesByWeightAndSlope() {
    MultiLayerNetwork network = network(Cell.RNN);
    network.getLayer(0).getParam("W").assign(0);
    network.getLayer(0).getParam("RW").assign(0.5);
    network.getLayer(0).getParam("b").assign(0.3);
    network.getOutputLayer().getParam("W").assign(1);
    Examples examples = MemoryTask.ADDING.draw(new Random(1), 3, DELAY);
    var h = new double[DELAY + 1];
    for (int t = 0; t < DELAY; t++) {
      h[t + 1] = Math.tanh(0.5 * h[t] + 0.3);
    }
    double expected = 0;
    for (int b = 0; b < 3; b++) {
      expected += 2 * Math.abs(h[DELAY] - examples.targets().getDouble(b, 0)) / 3;
    }

    Map<Integer, Double> norms =
        new GradientFlow(network, Cell.RNN).norms(examples, List.of(0, 1, 2, 3, 4));

    for (int distance = 0; distance <= DELAY; distance++) {
      // float32 products of a few terms
      assertThat(norms.get(distance)).isCloseTo(expected, within(1e-6));
      double reached = h[DELAY - distance];
      expected *= 0.5 * (1 - reached * reached);
    }
  }

  @Test
  void anLstmWithOpenForgetGatesAndNoOtherPathKeepsTheGradientOfItsCellState() {
    MultiLayerNetwork network = network(Cell.LSTM);
    INDArray bias = network.getLayer(0).getParam("b");
    network.getLayer(0).getParam("RW").assign(0);
    bias.putScalar(1, 20);
    Examples examples = MemoryTask.ADDING.draw(new Random(1), 3, DELAY);

    Map<Integer, Double> norms =
        new GradientFlow(network, Cell.LSTM).norms(examples, List.of(1, 2, 3, 4));

    // 1 - σ(20) is 2e-9; the rest is float32
    assertThat(norms.get(1)).isPositive();
    assertThat(norms.values())
        .allSatisfy(n -> assertThat(n / norms.get(1)).isCloseTo(1, within(1e-6)));
  }

  @Test
  void anLstmLearnsToAddOverTenTimeStepsAndIsSaidToHaveLearnt() {
    var lesson = new Lesson(MemoryTask.ADDING, 10, Cell.LSTM, 0.01, 1, new Budget(16, 32, 500));

    Lesson.Outcome outcome = lesson.run();

    assertThat(outcome.error()).isLessThan(MemoryTask.ADDING.learnt());
    assertThat(outcome.learntAt().orElseThrow()).isBetween(25, 500);
    assertThat(outcome.after()).containsOnlyKeys(0, 1, 5, 9);
  }

  private static MultiLayerNetwork network(Cell cell) {
    var spec =
        new ModelSpec(
            2,
            DELAY,
            cell,
            List.of(1),
            false,
            0,
            ModelSpec.Output.LAST,
            List.of(),
            1,
            Precision.F32,
            MemoryTask.ADDING.head());
    return Networks.create(spec, OptimizerSpec.constantAdam(1), 1);
  }
}
