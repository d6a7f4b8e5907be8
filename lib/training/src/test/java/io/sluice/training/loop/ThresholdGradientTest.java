package io.sluice.training.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.NativeThreads;
import io.sluice.training.allreduce.AllReduce;
import io.sluice.training.allreduce.AllReduceSettings;
import io.sluice.training.allreduce.Ranks;
import io.sluice.training.transport.Security;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class ThresholdGradientTest {
  private static final int SIZE = 50_000;

  /** Ranges of a step: two that are encoded, then one that is summed as it is. */
  private static final int[] ENDS = {SIZE, 20_000, 500, 0};

  private static final ThresholdSettings AUTO = new ThresholdSettings(0, 0.01);

  private static final int EXAMPLES = 64;

  @BeforeAll
  static void oneNativeThread() {
    NativeThreads.set(1);
  }

  private static ThresholdSettings from(double threshold) {
    return new ThresholdSettings(threshold, 0.01);
  }

  /** A step's gradient of one rank. */
  private interface Gradients {
    float[] of(int rank, int step);
  }

  /** Numbers of all sizes: most are small, few are large, some of them the same way each step. */
  private static float[] heavyTailed(int rank, int step) {
    var random = new Random(31L * step + rank);
    float[] gradient = new float[SIZE];
    for (int i = 0; i < SIZE; i++) {
      gradient[i] = (float) (Math.pow(random.nextGaussian(), 3) + 0.1 * Math.sin(i));
    }
    return gradient;
  }

  /**
   * What a rank got, added up over the steps.
   *
   * @param steps the sum of each step as it was handed out
   * @param losses what awaiting returned
   * @param bytes sent
   * @param whole of each step
   */
  private record Got(List<float[]> steps, List<Double> losses, long bytes, List<Boolean> whole) {}

  private static Got steps(
      AllReduce rank,
      ThresholdSettings settings,
      Gradients gradients,
      int steps,
      List<Integer> whole) {
    var shared = new ThresholdGradient(rank, Ranks.DEADLINE, () -> false, settings);
    INDArray gradient = Nd4j.create(SIZE);
    var got = new Got(new ArrayList<>(), new ArrayList<>(), 0, new ArrayList<>());
    long before = rank.bytesSent();
    for (int step = 0; step < steps; step++) {
      gradient.assign(Nd4j.createFromArray(gradients.of(rank.rank(), step)));
      // only one rank asks, and all must do it
      shared.begin(EXAMPLES, rank.rank() == 0 && whole.contains(step));
      for (int range = 0; range + 1 < ENDS.length; range++) {
        shared.ready(gradient, ENDS[range + 1], ENDS[range]);
      }
      got.losses.add(shared.await(rank.rank() + step));
      got.steps.add(gradient.toFloatVector());
      got.whole.add(shared.isWhole());
    }
    return new Got(got.steps, got.losses, rank.bytesSent() - before, got.whole);
  }

  private static List<Got> run(
      int count, ThresholdSettings settings, Gradients gradients, int steps, List<Integer> whole)
      throws Exception {
    try (Ranks ranks = Ranks.join(Security.NONE.settings(), count, AllReduceSettings.DEFAULT)) {
      return ranks.all(rank -> steps(rank, settings, gradients, steps, whole));
    }
  }

  private static double dense(int count, int steps) {
    return 2.0 * (count - 1) / count * SIZE * Float.BYTES * steps;
  }

  @ParameterizedTest
  @CsvSource({"1, auto", "2, auto", "3, auto", "2, 0.01", "3, 0.1"})
  void allThatIsSentAndTheRestTogetherAreTheSumOfTheGradients(int count, String threshold)
      throws Exception {
    int steps = 50;
    var settings = threshold.equals("auto") ? AUTO : from(Double.parseDouble(threshold));

    List<Got> all =
        run(count, settings, ThresholdGradientTest::heavyTailed, steps, List.of(20, steps - 1));

    double[] expected = new double[SIZE];
    double[] actual = new double[SIZE];
    double[] magnitude = new double[SIZE];
    for (int step = 0; step < steps; step++) {
      for (Got each : all) {
        assertThat(each.steps.get(step)).isEqualTo(all.get(0).steps.get(step));
        assertThat(each.losses.get(step)).isEqualTo(count * step + count * (count - 1) / 2.0);
        assertThat(each.whole.get(step)).isEqualTo(step == 20 || step == steps - 1);
      }
      for (int rank = 0; rank < count; rank++) {
        float[] gradient = heavyTailed(rank, step);
        for (int i = 0; i < SIZE; i++) {
          expected[i] += gradient[i];
          magnitude[i] += Math.abs(gradient[i]);
        }
      }
      for (int i = 0; i < SIZE; i++) {
        actual[i] += all.get(0).steps.get(step)[i];
      }
    }
    for (int i = 0; i < SIZE; i++) {
      // float32 rounding of a residual that is no larger than all of its gradients, each step
      assertThat(actual[i]).as("number %d", i).isCloseTo(expected[i], within(magnitude[i] * 2e-6));
    }
  }

  @Test
  void aStepAfterAWholeOneKnowsNothingOfTheStepsBefore() throws Exception {
    List<Got> long10 = run(2, AUTO, ThresholdGradientTest::heavyTailed, 10, List.of(5));
    List<Got> fresh = run(2, AUTO, (rank, step) -> heavyTailed(rank, step + 6), 4, List.of());

    for (int step = 0; step < 4; step++) {
      assertThat(long10.get(1).steps.get(6 + step)).isEqualTo(fresh.get(0).steps.get(step));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void theShareThatIsSentIsTheOneThatWasAskedFor(int count) throws Exception {
    int steps = 20;

    List<Got> all = run(count, AUTO, ThresholdGradientTest::heavyTailed, steps, List.of());

    // a place takes the bytes of a number: 1 % of them from each other rank; a rank's share of
    // the messages is (R−1)/R of a sum's 2(R−1)/R times R/2. And 500 numbers that are summed.
    double expected = 0.01 * count / 2 + 500.0 / SIZE;
    assertThat(all)
        .allSatisfy(
            got ->
                assertThat(got.bytes / dense(count, steps))
                    .isBetween(0.8 * expected, 1.3 * expected));
  }

  @Test
  void ofASparseGradientHalfOfWhatIsNotZeroIsSent() throws Exception {
    Gradients sparse =
        (rank, step) -> {
          float[] gradient = new float[SIZE];
          for (int i = 1000; i < SIZE; i += 500) {
            gradient[i] = i * (rank + 1f);
          }
          return gradient;
        };

    List<Got> all = run(2, AUTO, sparse, 1, List.of());

    float[] sum = all.get(0).steps.get(0);
    int sent = 0;
    for (int i = 0; i < SIZE; i++) {
      sent += sum[i] != 0 ? 1 : 0;
      assertThat(sum[i] == 0 || i % 500 == 0).isTrue();
    }
    // 98 are not zero in both ranges; the sample sees some of them
    assertThat(sent).isBetween(20, 80);
    assertThat(all.get(0).bytes / dense(2, 1)).isLessThan(0.02);
  }

  @ParameterizedTest
  @ValueSource(strings = {"auto", "0.001"})
  void ofZerosNothingIsSent(String threshold) throws Exception {
    var settings = threshold.equals("auto") ? AUTO : from(Double.parseDouble(threshold));

    List<Got> all = run(2, settings, (rank, step) -> new float[SIZE], 3, List.of(2));

    assertThat(all)
        .allSatisfy(got -> assertThat(got.steps).allSatisfy(s -> assertThat(s).containsOnly(0f)));
  }

  @Test
  void whatIsBelowTheThresholdAddsUpUntilItIsSent() throws Exception {
    // 0.4 of a threshold a step, in units of the mean: sent at the third step, then at the fifth
    Gradients small =
        (rank, step) -> {
          float[] gradient = new float[SIZE];
          for (int i = 600; i < SIZE; i += 100) {
            gradient[i] = (i % 200 == 0 ? 0.4f : -0.4f) * EXAMPLES;
          }
          return gradient;
        };

    List<Got> all = run(2, from(1), small, 5, List.of());

    for (int step = 0; step < 5; step++) {
      float[] sum = all.get(1).steps.get(step);
      boolean isSent = step == 2 || step == 4;
      for (int i = 600; i < SIZE; i += 100) {
        float expected = i % 200 == 0 ? 2f * EXAMPLES : -2f * EXAMPLES;
        assertThat(sum[i]).as("number %d, step %d", i, step).isEqualTo(isSent ? expected : 0f);
      }
    }
    assertThat(all.get(0).bytes / dense(2, 5)).isLessThan(0.03);
  }

  @Test
  void aThresholdThatAllNumbersReachIsSentAsAMap() throws Exception {
    List<Got> all = run(2, from(1e-6), ThresholdGradientTest::heavyTailed, 10, List.of());

    // 2 bits in place of 32, of one message in place of two halves; and the range that is summed
    assertThat(all.get(0).bytes / dense(2, 10)).isBetween(1.0 / 16, 1.1 / 16 + 500.0 / SIZE);
  }

  @Test
  void aGradientThatIsNotFiniteMakesTheLossNaNOnAllRanks() throws Exception {
    for (float broken : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      Gradients once =
          (rank, step) -> {
            float[] gradient = heavyTailed(rank, step);
            if (rank == 1 && step == 1) {
              gradient[30_000] = broken;
            }
            return gradient;
          };

      List<Got> all = run(2, AUTO, once, 2, List.of());

      assertThat(all).allSatisfy(got -> assertThat(got.losses).containsExactly(1.0, Double.NaN));
    }
  }

  @Test
  void aRequestToStopLeavesNothingBehindOnAnyRank() throws Exception {
    var asked = new AtomicInteger();
    try (Ranks ranks = Ranks.join(Security.NONE.settings(), 2, AllReduceSettings.DEFAULT)) {
      List<Boolean> whole =
          ranks.all(
              rank -> {
                var shared =
                    new ThresholdGradient(
                        rank,
                        Ranks.DEADLINE,
                        () -> rank.rank() == 1 && asked.getAndIncrement() == 0,
                        AUTO);
                INDArray gradient = Nd4j.createFromArray(heavyTailed(rank.rank(), 0));
                shared.begin(EXAMPLES, false);
                shared.ready(gradient, 0, SIZE);
                shared.await(0);
                return shared.isWhole() && shared.anyAskedToStop();
              });

      assertThat(whole).containsExactly(true, true);
    }
  }

  @Test
  void whatIsNoEncodingOfTheArrayIsRefusedBeforeItIsDecoded() {
    INDArray target = Nd4j.zeros(100);
    int one = Float.floatToRawIntBits(1f);

    for (int[] message :
        new int[][] {
          {1, 100},
          {2, 100, one, 0, 5, 101},
          {2, 100, one, 0, 5, 0},
          {2, 100, one, 0, 5, Integer.MIN_VALUE},
          {3, 100, one, 0, 5, 6},
          {2, 99, one, 0, 5, 6},
          {2, 100, one, 2, 5, 6},
          {100, 100, one, 1, 0, 0}
        }) {
      assertThatThrownBy(() -> ThresholdEncoding.decode(bytes(message), target))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageMatching("\\d+ bytes that begin with \\[.*] are no encoding of 100 numbers");
    }
    assertThat(target.toFloatVector()).containsOnly(0f);

    ThresholdEncoding.decode(bytes(2, 100, one, 0, 5, -100), target);
    assertThat(target.getFloat(4)).isEqualTo(1f);
    assertThat(target.getFloat(99)).isEqualTo(-1f);
  }

  private static ByteBuffer bytes(int... integers) {
    ByteBuffer bytes =
        ByteBuffer.allocate(integers.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(integers);
    return bytes;
  }
}
