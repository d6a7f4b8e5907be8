package io.sluice.benchmarks.longmemory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.benchmarks.longmemory.MemoryTask.Examples;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

class MemoryTaskTest {
  @Test
  void addingMarksOneNumberInEachHalfAndAsksForTheirSum() {
    Examples examples = MemoryTask.ADDING.draw(new Random(1), 50, 11);

    assertThat(examples.features().shape()).containsExactly(50, 2, 11);
    for (int b = 0; b < 50; b++) {
      double sum = 0;
      int early = 0;
      int late = 0;
      for (int t = 0; t < 11; t++) {
        double mark = examples.features().getDouble(b, 1, t);
        sum += mark * examples.features().getDouble(b, 0, t);
        early += t < 5 && mark == 1 ? 1 : 0;
        late += t >= 5 && mark == 1 ? 1 : 0;
      }
      assertThat(new int[] {early, late}).containsExactly(1, 1);
      // one rounding of a float32 sum below 2
      assertThat(examples.targets().getDouble(b, 0)).isCloseTo(sum, within(1.2e-7));
    }
  }

  @Test
  void recallAsksForTheFirstSymbolWhichAloneIsMarked() {
    Examples examples = MemoryTask.RECALL.draw(new Random(1), 50, 10);
    INDArray symbols = examples.features().get(all(), NDArrayIndex.interval(0, 8), all());
    INDArray marks = examples.features().get(all(), NDArrayIndex.point(8), all());

    assertThat(examples.features().shape()).containsExactly(50, 9, 11);
    assertThat(symbols.sum(1).minNumber().doubleValue()).isEqualTo(1);
    assertThat(symbols.sum(1).maxNumber().doubleValue()).isEqualTo(1);
    assertThat(marks.sumNumber().intValue()).isEqualTo(50);
    assertThat(marks.getColumn(0).sumNumber().intValue()).isEqualTo(50);
    assertThat(symbols.get(all(), all(), NDArrayIndex.point(0))).isEqualTo(examples.targets());
  }

  @Test
  void whoRemembersNothingMakesTheErrorThatIsSaid() {
    Examples adding = MemoryTask.ADDING.draw(new Random(1), 4000, 10);
    INDArray one = adding.targets().dup().assign(1);
    Examples recall = MemoryTask.RECALL.draw(new Random(1), 4000, 10);
    INDArray first = recall.targets().dup().assign(0);
    first.getColumn(0).assign(1);

    // means of 4,000 draws: 4 standard errors are 0.01 and 0.02
    assertThat(MemoryTask.ADDING.error(one, adding.targets()))
        .isCloseTo(MemoryTask.ADDING.withoutMemory(), within(0.01));
    assertThat(MemoryTask.RECALL.error(first, recall.targets()))
        .isCloseTo(MemoryTask.RECALL.withoutMemory(), within(0.02));
    assertThat(MemoryTask.RECALL.error(recall.targets(), recall.targets())).isZero();
  }

  @Test
  void anUnknownTaskIsRefusedWithTheKnownOnes() {
    assertThatThrownBy(() -> MemoryTask.of("parity"))
        .hasMessage("parity is not a task; there are [adding, recall]");
  }

  private static INDArrayIndex all() {
    return NDArrayIndex.all();
  }
}
