package io.sluice.recurrent.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class FlatFloatsTest {
  @Test
  void aViewGoesToTheHeapAndBackWithoutItsNeighbours() {
    INDArray all = Nd4j.create(new float[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    INDArray view = all.get(NDArrayIndex.interval(3, 7));

    assertThat(FlatFloats.of(view)).containsExactly(3, 4, 5, 6);
    FlatFloats.put(new float[] {-3, -4, -5, -6}, view);
    assertThat(FlatFloats.of(all)).containsExactly(0, 1, 2, -3, -4, -5, -6, 7, 8, 9);
  }

  @Test
  void noArrayHasNoNumbers() {
    assertThat(FlatFloats.of(null)).isEmpty();
  }

  @Test
  void gapsAndOtherLengthsAreRefused() {
    INDArray column = Nd4j.zeros(DataType.FLOAT, 3, 4).getColumn(1);

    assertThatThrownBy(() -> FlatFloats.of(column))
        .hasMessage("array is FLOAT with element stride 4, expected FLOAT with 1");
    assertThatThrownBy(() -> FlatFloats.put(new float[2], Nd4j.zeros(DataType.FLOAT, 3)))
        .hasMessage("values has length 2, expected 3");
  }
}
