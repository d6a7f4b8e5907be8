package io.sluice.training.loop;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.embedding.TouchedRows;
import io.sluice.recurrent.optim.RowBlock;
import io.sluice.training.allreduce.AllReduce;
import io.sluice.training.allreduce.AllReduceSettings;
import io.sluice.training.allreduce.Ranks;
import io.sluice.training.transport.Security;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** A gradient that begins with rows of which each rank touches few. */
class RowSumTest {
  private static final int V = 20_000;
  private static final int E = 16;
  private static final int OTHERS = 100;
  private static final RowBlock ROWS = new RowBlock(V, E);

  @BeforeAll
  static void oneNativeThread() {
    NativeThreads.set(1);
  }

  private record Got(List<float[]> gradients, List<String> touched, long bytes) {}

  /** Ids of a rank: some are those of all, one rank has none at step 1. */
  private static int[] ids(int rank, int step, int most) {
    if (rank == 1 && step == 1) {
      return new int[0];
    }
    var random = new Random(31L * step + rank);
    return IntStream.concat(IntStream.of(0, 5, V - 1), random.ints(most, 0, V))
        .sorted()
        .distinct()
        .toArray();
  }

  private static Got steps(AllReduce rank, int steps, int most) {
    var shared = new SummedGradient(rank, Ranks.DEADLINE, () -> false);
    INDArray gradient = Nd4j.zeros(ROWS.numbers() + OTHERS);
    var got = new Got(new ArrayList<>(), new ArrayList<>(), 0);
    long before = rank.bytesSent();
    for (int step = 0; step < steps; step++) {
      gradient.assign(Nd4j.createFromArray(gradient(rank.rank(), step, most)));
      var touched = new TouchedRows();
      touched.clear();
      int[] ids = ids(rank.rank(), step, most);
      touched.add(ids, ids.length);
      shared.begin(8, false);
      shared.ready(gradient, ROWS.numbers(), gradient.length());
      shared.ready(gradient, ROWS, touched);
      assertThat(shared.await(rank.rank() + step)).isEqualTo(sumOf(rank.ranks(), step));
      got.gradients.add(gradient.toFloatVector());
      got.touched.add(touched.toString());
    }
    return new Got(got.gradients, got.touched, rank.bytesSent() - before);
  }

  private static double sumOf(int ranks, int step) {
    return ranks * step + ranks * (ranks - 1) / 2.0;
  }

  private static float[] gradient(int rank, int step, int most) {
    var random = new Random(7L * step + rank);
    float[] gradient = new float[Math.toIntExact(ROWS.numbers() + OTHERS)];
    for (int id : ids(rank, step, most)) {
      for (int j = 0; j < E; j++) {
        gradient[id * E + j] = random.nextFloat() - 0.5f;
      }
    }
    for (int k = V * E; k < gradient.length; k++) {
      gradient[k] = random.nextFloat() - 0.5f;
    }
    return gradient;
  }

  private static List<Got> run(int count, int steps, int most) throws Exception {
    try (Ranks ranks = Ranks.join(Security.NONE.settings(), count, AllReduceSettings.DEFAULT)) {
      return ranks.all(rank -> steps(rank, steps, most));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void everyRankGetsTheSumAndTheUnionOfWhatIsTouched(int count) throws Exception {
    List<Got> all = run(count, 3, 300);

    for (int step = 0; step < 3; step++) {
      int at = step;
      float[] expected = new float[Math.toIntExact(ROWS.numbers() + OTHERS)];
      for (int rank = 0; rank < count; rank++) {
        float[] one = gradient(rank, step, 300);
        for (int k = 0; k < expected.length; k++) {
          expected[k] += one[k];
        }
      }
      int[] union =
          IntStream.range(0, count)
              .flatMap(rank -> IntStream.of(ids(rank, at, 300)))
              .sorted()
              .distinct()
              .toArray();
      for (Got got : all) {
        assertThat(got.touched.get(step)).isEqualTo(Arrays.toString(union));
        // float32 sums of numbers below 1 in another order
        assertThat(worst(got.gradients.get(step), expected)).isLessThan(3e-7);
        assertThat(got.gradients.get(step)).isEqualTo(all.get(0).gradients.get(step));
      }
    }
  }

  /** The largest difference; AssertJ takes a minute for as many numbers. */
  private static double worst(float[] actual, float[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    double worst = 0;
    for (int k = 0; k < actual.length; k++) {
      worst = Math.max(worst, Math.abs(actual[k] - expected[k]));
    }
    return worst;
  }

  @Test
  void onlyTouchedRowsTravel() throws Exception {
    List<Got> all = run(2, 4, 300);

    // at most 606 rows of 64 bytes and 303 ids of 4 a step, and the other 100 numbers; with heads
    for (Got got : all) {
      assertThat(got.bytes).isBetween(4 * 300L * 64, 4 * (606L * 64 + 303 * 4 + 400 + 1000));
    }
    // the whole block is 1.28 MB a step
    assertThat(all.get(0).bytes).isLessThan(4 * 1_280_000 / 20);
  }

  @Test
  void whereMostRowsAreTouchedTheWholeBlockIsSummed() throws Exception {
    List<Got> all = run(2, 1, 12_000);

    for (Got got : all) {
      assertThat(got.gradients.get(0)).isEqualTo(all.get(0).gradients.get(0));
      assertThat(got.touched.get(0)).startsWith("[0, ").isEqualTo(all.get(0).touched.get(0));
      assertThat(got.bytes).isLessThan(1_280_000 + 4 * 12_000 + 2_000);
    }
    INDArray sum = Nd4j.createFromArray(all.get(0).gradients.get(0));
    INDArray expected =
        Nd4j.createFromArray(gradient(0, 0, 12_000))
            .add(Nd4j.createFromArray(gradient(1, 0, 12_000)));
    assertThat(sum.sub(expected).get(NDArrayIndex.interval(0, V * E)).amaxNumber().doubleValue())
        .isLessThan(3e-7);
  }

  /** What residuals hold back is of all rows, so they are sent as any range is. */
  @Test
  void withThresholdEncodingAllRowsMayBeTouchedAfterwards() throws Exception {
    try (Ranks ranks = Ranks.join(Security.NONE.settings(), 2, AllReduceSettings.DEFAULT)) {
      List<Boolean> all =
          ranks.all(
              rank -> {
                var shared =
                    new ThresholdGradient(
                        rank, Ranks.DEADLINE, () -> false, new ThresholdSettings(0, 0.01));
                INDArray gradient = Nd4j.createFromArray(gradient(rank.rank(), 0, 300));
                var touched = new TouchedRows();
                touched.clear();
                shared.begin(8, true);
                shared.ready(gradient, ROWS.numbers(), gradient.length());
                shared.ready(gradient, ROWS, touched);
                shared.await(0);
                return touched.areAll();
              });

      assertThat(all).containsExactly(true, true);
    }
  }
}
