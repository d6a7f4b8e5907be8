package io.sluice.recurrent.dropout;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.recurrent.pass.TrainingPass;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Masks of a time chunk are those of its steps in the whole series. */
class DropoutMaskTest {
  @ParameterizedTest
  @CsvSource({"5,7,2", "6,640,3", "3,5000,1", "9,1,4"})
  void rowsOfAChunkAreMultipliedByTheMasksOfTheirSteps(int T, int N, int firstStep) {
    int B = 3;
    var masks = new DropoutMask("recurrent-1", 0.7);
    INDArray whole = Nd4j.createUninitialized(DataType.FLOAT, (long) T * B, N);
    INDArray once = Nd4j.createUninitialized(DataType.FLOAT, B, N);
    INDArray rows = Nd4j.rand(DataType.FLOAT, (long) (T - firstStep) * B, N);
    INDArray perSeries = rows.dup();
    INDArray expected = rows.dup();
    INDArray expectedPerSeries = rows.dup();

    try (var ignored = TrainingPass.begin(4, new long[] {11, 12, 13}, null)) {
      masks.draw(whole, B);
      masks.draw(once, B);
      masks.multiply(memory(rows), T - firstStep, B, N, firstStep, false);
      masks.multiply(memory(perSeries), T - firstStep, B, N, firstStep, true);
    }

    expected.muli(
        whole.get(NDArrayIndex.interval((long) firstStep * B, (long) T * B), NDArrayIndex.all()));
    for (int t = 0; t < T - firstStep; t++) {
      expectedPerSeries
          .get(NDArrayIndex.interval((long) t * B, (t + 1L) * B), NDArrayIndex.all())
          .muli(once);
    }
    assertThat(rows).isEqualTo(expected);
    assertThat(perSeries).isEqualTo(expectedPerSeries);
  }

  private static FloatPointer memory(INDArray array) {
    return new FloatPointer(array.data().addressPointer());
  }
}
