package io.sluice.benchmarks.recurrent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class WorkloadTest {
  private static final Shape SMALL = new Shape(2, 3, 5, 7, 2);

  @Test
  void everyProcessDrawsTheSame() {
    var workload = new Workload(SMALL, Cell.LSTM, Precision.F32);
    var again = new Workload(SMALL, Cell.LSTM, Precision.BF16);

    assertThat(again.input()).isEqualTo(workload.input());
    assertThat(again.labels()).isEqualTo(workload.labels());
    assertThat(again.parameters().get("weight_hh_l1").values())
        .isEqualTo(workload.parameters().get("weight_hh_l1").values());
  }

  @Test
  void parametersAreNamedAsInPyTorch() {
    var workload = new Workload(SMALL, Cell.BIDIRECTIONAL_LSTM, Precision.F32);

    assertThat(workload.parameters().keySet())
        .hasSize(18)
        .contains("weight_ih_l0", "weight_hh_l1_reverse", "bias_ih_l0_reverse", "fc.weight");
    assertThat(workload.parameters().get("weight_ih_l1").shape()).containsExactly(28, 14);
    assertThat(workload.parameters().get("fc.weight").shape()).containsExactly(10, 14);
  }

  @Test
  void onlyGruRowsAreThreeBlocks() {
    assertThat(
            List.of(Cell.values()).stream()
                .map(cell -> new Workload(SMALL, cell, Precision.F32).parameters())
                .map(parameters -> parameters.get("weight_hh_l0").shape()[0] / 7))
        .containsExactly(4L, 4L, 4L, 4L, 3L, 1L);
  }

  @Test
  void countsTwoOperationsAWeightAndRowThreeTimes() {
    // layers read 5 and 7, H = 7: 3 · 2 · 28 · (12 + 14) · B·T
    assertThat(new Workload(SMALL, Cell.LSTM, Precision.F32).flops())
        .isEqualTo(3.0 * 2 * 28 * 26 * 6);
  }

  @Test
  void shapeComesBackFromItsText() {
    assertThat(Shape.parse(SMALL.toString())).isEqualTo(SMALL);
  }

  @Test
  void anUnknownShapeIsRefused() {
    assertThatThrownBy(() -> Shape.numbered(4))
        .hasMessageStartingWith("Shape 4 does not exist; there are 1 to 3: [32x50x16x64x2");
  }
}
