package io.sluice.recurrent.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.ModelSpec.Output;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import java.util.List;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class CarriedStatesTest {
  private static final int B = 5;
  private static final int I = 3;
  private static final int T = 8;

  private static MultiLayerNetwork network(Cell cell, boolean bidirectional) {
    var spec =
        new ModelSpec(
            I,
            T,
            cell,
            List.of(4, 6),
            bidirectional,
            0,
            Output.SEQUENCE,
            List.of(),
            1,
            Precision.F32,
            Head.regression(2));
    return Networks.create(spec, OptimizerSpec.constantAdam(0.1), 3);
  }

  private static INDArray steps(INDArray x, int from, int to) {
    return x.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.interval(from, to)).dup();
  }

  private static INDArray rows(INDArray x, int from, int to) {
    return x.get(NDArrayIndex.interval(from, to), NDArrayIndex.all(), NDArrayIndex.all()).dup();
  }

  private static INDArray output(MultiLayerNetwork network, CarriedStates states, INDArray x) {
    try (CarriedStates.Bound carried = states.bind(network)) {
      return network.output(x);
    }
  }

  @ParameterizedTest
  @EnumSource(Cell.class)
  void passesThatCarryStatesAreOneLongPass(Cell cell) {
    MultiLayerNetwork network = network(cell, false);
    INDArray x = Nd4j.randn(B, I, T);
    INDArray whole = network.output(x);
    CarriedStates states = CarriedStates.zeros(network, B);

    INDArray first = output(network, states, steps(x, 0, 3));
    // until they advance, a pass begins where the one before began
    assertThat(output(network, states, steps(x, 0, 3))).isEqualTo(first);
    states.advance();
    float[] between = states.toArray();
    // in parts, as replicas and micro-batches take them
    INDArray upper = output(network, states.rows(0, 2), rows(steps(x, 3, T), 0, 2));
    INDArray lower = output(network, states.rows(2, B), rows(steps(x, 3, T), 2, B));
    states.advance();

    INDArray rest = Nd4j.concat(0, upper, lower);
    assertThat(Nd4j.concat(2, first, rest).sub(whole).amaxNumber().doubleValue()).isLessThan(1e-6);
    assertThat(states.numbers()).isEqualTo((4 + 6) * (cell.hasCellState() ? 2 : 1));
    assertThat(output(network, CarriedStates.zeros(network, B), x)).isEqualTo(whole);

    CarriedStates restored = CarriedStates.zeros(network, B);
    restored.set(between);
    assertThat(restored.toArray()).isEqualTo(between);
    assertThat(output(network, restored, steps(x, 3, T)).sub(rest).amaxNumber().doubleValue())
        .isLessThan(1e-6);
    restored.clear();
    assertThat(output(network, restored, steps(x, 0, 3))).isEqualTo(first);
    assertThat(network.output(x)).isEqualTo(whole);
  }

  @Test
  void theStatesOfASequenceAreThoseOfItsLastStep() {
    MultiLayerNetwork network = network(Cell.GRU, false);
    INDArray x = Nd4j.randn(B, I, T);
    INDArray lowest = network.feedForward(x).get(1);
    CarriedStates states = CarriedStates.zeros(network, B);

    output(network, states, x);
    states.advance();

    float[] all = states.toArray();
    for (int b = 0; b < B; b++) {
      for (int k = 0; k < 4; k++) {
        assertThat(all[b * states.numbers() + k])
            .isCloseTo(lowest.getFloat(b, k, T - 1), within(1e-6f));
      }
    }
  }

  @Test
  void whatDoesNotFitIsRefused() {
    CarriedStates states = CarriedStates.zeros(network(Cell.LSTM, false), B);

    assertThatThrownBy(() -> states.set(new float[7]))
        .hasMessage("states has length 7, expected B*N = 100 (B=5, N=20)");
    assertThatThrownBy(() -> CarriedStates.zeros(network(Cell.LSTM, true), B))
        .hasMessage("Layer recurrent-0 reads in both directions and carries no state");
    assertThatThrownBy(() -> output(network(Cell.LSTM, false), states, Nd4j.randn(B + 1, I, T)))
        .hasMessageContaining("holds the state of 5 sequences, but the input has 6");
  }
}
