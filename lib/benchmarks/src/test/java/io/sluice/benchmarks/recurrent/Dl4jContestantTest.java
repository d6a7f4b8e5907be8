package io.sluice.benchmarks.recurrent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.benchmarks.recurrent.Contestant.CannotDo;
import io.sluice.benchmarks.recurrent.Workload.Parameter;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class Dl4jContestantTest {
  private static final Shape SMALL = new Shape(5, 4, 3, 6, 2);

  private final SluiceContestant ours = new SluiceContestant(1);
  private final SluiceContestant split = new SluiceContestant(2);
  private final StockContestant stock = new StockContestant(1);

  @AfterEach
  void close() {
    ours.close();
    split.close();
    stock.close();
  }

  @ParameterizedTest
  @EnumSource(Cell.class)
  void whatIsCopiedIntoOurNetworkIsReadBackUnderTheSameNames(Cell cell) throws Exception {
    var workload = new Workload(SMALL, cell, Precision.F32);
    var network = ours.network(workload);
    var parameters = new Dl4jParameters(network, workload);

    parameters.copy();

    assertRead(workload, parameters.read(network.paramTable()));
  }

  @ParameterizedTest
  @EnumSource(
      value = Cell.class,
      names = {"LAYERNORM_LSTM", "GRU"},
      mode = EnumSource.Mode.EXCLUDE)
  void whatIsCopiedIntoStockLayersIsReadBackUnderTheSameNames(Cell cell) throws Exception {
    var workload = new Workload(SMALL, cell, Precision.F32);
    var network = stock.network(workload);
    var parameters = new Dl4jParameters(network, workload);

    parameters.copy();

    assertRead(workload, parameters.read(network.paramTable()));
  }

  @ParameterizedTest
  @EnumSource(
      value = Cell.class,
      names = {"LAYERNORM_LSTM", "GRU"},
      mode = EnumSource.Mode.EXCLUDE)
  void ourGradientsAreThoseOfStockLayers(Cell cell) throws CannotDo {
    var workload = new Workload(SMALL, cell, Precision.F32);
    ours.open(workload);
    stock.open(workload);

    // float32, sums of some 100 terms
    assertThat(Agreement.gradientDistance(stock.gradients(), ours.gradients())).isLessThan(1e-5);
  }

  @Test
  void twoThreadsPredictAndTrainLikeOne() throws CannotDo {
    var workload = new Workload(SMALL, Cell.LSTM, Precision.F32);
    ours.open(workload);
    split.open(workload);

    assertThat(Agreement.distance(ours.probabilities(), split.probabilities())).isLessThan(1e-6);
    ours.train(3);
    split.train(3);
    // Adam's first steps divide gradients near zero by themselves
    assertThat(Agreement.distance(ours.probabilities(), split.probabilities())).isLessThan(1e-4);
  }

  /** With b_ih + b_hh, which the network has as one, under both names. */
  private static void assertRead(Workload workload, Map<String, float[]> read) {
    Map<String, Parameter> parameters = workload.parameters();
    Map<String, float[]> expected = new LinkedHashMap<>();
    parameters.forEach((name, parameter) -> expected.put(name, parameter.values().clone()));
    parameters.keySet().stream()
        .filter(name -> name.startsWith("bias_ih"))
        .forEach(
            name -> {
              float[] ih = expected.get(name);
              float[] hh = expected.get(name.replace("_ih", "_hh"));
              int summed =
                  workload.cell() == Cell.GRU ? 2 * workload.shape().hiddenSize() : ih.length;
              for (int i = 0; i < summed; i++) {
                ih[i] += hh[i];
                hh[i] = ih[i];
              }
            });
    assertThat(read).containsOnlyKeys(expected.keySet());
    expected.forEach(
        (name, values) -> assertThat(read.get(name)).as(name).containsExactly(values, within(0f)));
  }
}
