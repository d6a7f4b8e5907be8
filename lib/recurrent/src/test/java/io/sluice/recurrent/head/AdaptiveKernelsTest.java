package io.sluice.recurrent.head;

import static io.sluice.recurrent.TensorAssert.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.kernel.Gemm;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.DoublePointer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Adaptive softmax: the float32 kernel against the float64 one, and that against numbers of ours.
 */
class AdaptiveKernelsTest {
  @BeforeAll
  static void oneThread() {
    NativeThreads.set(1);
  }

  @ParameterizedTest(name = "R {0}, V {1}, H {2}, cutoffs {3}, divide {4}, left out 1 of {5}")
  @CsvSource({
    "1, 2, 1, 1, 1, 0, true",
    "3, 7, 13, 2 5, 3, 0, true",
    "7, 207, 64, 10 20 100, 4, 3, true",
    "64, 207, 64, 200, 4, 0, false",
    "64, 1001, 16, 1 2 3 1000, 2, 2, true",
    "60, 20000, 4, 10000, 2, 5, true"
  })
  void floatsMatchTheReference(
      int R, int V, int H, String cutoffs, int divide, int leftOut, boolean bias) {
    AdaptiveShape shape = shape(V, H, cutoffs, divide, bias);
    VocabularyTrial trial = trial(R, shape, leftOut, 5);

    VocabularyTrial.Result expected = trial.doubles();
    VocabularyTrial.Result actual = trial.floats(new FloatAdaptiveKernel(shape, Gemm.here()));

    // float32 sums of up to 1000 terms: about 6e-8 · √n · |x|
    assertClose("nll", actual.nll(), expected.nll(), 1e-5);
    assertClose("dx", actual.dx(), expected.dx(), 1e-5);
    assertClose("dParameters", actual.dParameters(), expected.dParameters(), 1e-5);
    assertClose("p", actual.p(), expected.p(), 1e-6);
    assertThat(Arrays.equals(actual.losses(), actual.nll())).isTrue();
    for (int r = 0; r < R; r++) {
      double sum = Arrays.stream(actual.p(), r * V, (r + 1) * V).sum();
      assertThat(sum).isCloseTo(trial.ids[r] < 0 ? 0 : 1, within(1e-6));
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theReferenceMatchesCentralDifferences(boolean bias) {
    VocabularyTrial trial = trial(9, shape(7, 4, "2 4", 2, bias), 4, 6);
    VocabularyTrial.Result at = trial.doubles();

    // truncation (1e-5)², rounding 1e-16 / 1e-5
    assertClose("dx", at.dx(), trial.differences(trial.x), 1e-8);
    assertClose("dParameters", at.dParameters(), trial.differences(trial.parameters), 1e-8);
  }

  /**
   * PyTorch's formula by hand: of x = (1, 0) the head's logits are ln 1, ln 2 and, for the cluster,
   * ln 5; the cluster's input is (1, 7)·x = 1 and its logits ln 1 and ln 4.
   */
  @Test
  void theReferenceComputesWhatTheFormulaSays() {
    AdaptiveShape shape = shape(4, 2, "2", 2, false);
    double[] w = {0, 9, Math.log(2), 8, Math.log(5), 6, /* P1 */ 1, 7, /* W1 */ 0, Math.log(4)};
    var parameters = new VocabularyMemory(new DoublePointer(w), null);
    var x = new DoublePointer(1, 0);
    var p = new DoublePointer(4);
    var dx = new DoublePointer(2);
    var dw = new DoublePointer(w.length);
    double[] nll = new double[1];
    var kernel = new ReferenceAdaptiveKernel(shape);

    kernel.probabilities(1, null, parameters, x, p);
    kernel.gradients(
        new int[] {3}, new double[] {1}, parameters, x, nll, dx, new VocabularyMemory(dw, null));

    assertClose("p", read(p, 4), new double[] {1 / 8.0, 1 / 4.0, 1 / 8.0, 1 / 2.0}, 1e-15);
    assertThat(nll[0]).isCloseTo(Math.log(2), within(1e-15));
    // head: softmax − onehot = (1/8, 1/4, −3/8); cluster: (1/5, −1/5), so dy = −ln 4 / 5
    double dy = -Math.log(4) / 5;
    assertClose(
        "dParameters",
        read(dw, w.length),
        new double[] {1 / 8.0, 0, 1 / 4.0, 0, -3 / 8.0, 0, dy, 0, 1 / 5.0, -1 / 5.0},
        1e-15);
    assertClose(
        "dx",
        read(dx, 2),
        new double[] {
          Math.log(2) / 4 - 3 * Math.log(5) / 8 + dy, 9 / 8.0 + 8 / 4.0 - 3 * 6 / 8.0 + 7 * dy
        },
        1e-14);
  }

  @Test
  void onlyTheRowsOfAClusterAreComputedAndTheirMemoryIsBounded() {
    AdaptiveShape shape = shape(100_000, 8, "1000", 4, true);
    VocabularyTrial trial = trial(500, shape, 0, 7);
    for (int r = 0; r < trial.ids.length; r++) {
      trial.ids[r] = r % 50 == 0 ? 99_999 : r % 1000;
    }
    var kernel = new FloatAdaptiveKernel(shape, Gemm.here());

    trial.floats(kernel);

    // the logits of 10 rows and 99,000 words; x and dx of 10 rows, their gradient in the cluster,
    // and
    // what the probabilities of all rows project. Through all words it would be 50 million
    assertThat(kernel.ownedNumbers()).isEqualTo(99_000L * 10 + 2 * 10 * 8 + 10 * 2 + 500 * 2);
    // at most: if all rows were the cluster's, whose logits are then of 84 rows at a time
    assertThat(FloatAdaptiveKernel.trainingBytes(shape, false, 500))
        .isEqualTo(4L * (84 * 99_000 + 2 * 500 * (8 + 2)));
  }

  @Test
  void nothingOfARowThatIsLeftOutCounts() {
    AdaptiveShape shape = shape(9, 4, "3 6", 2, true);
    VocabularyTrial trial = trial(9, shape, 3, 8);
    VocabularyTrial.Result expected = trial.floats(new FloatAdaptiveKernel(shape, Gemm.here()));
    for (int r = 0; r < 9; r += 3) {
      trial.x[r * 4 + 1] = Double.NaN;
      trial.factors[r] = Double.NaN;
    }

    for (VocabularyTrial.Result actual :
        List.of(trial.floats(new FloatAdaptiveKernel(shape, Gemm.here())), trial.doubles())) {
      assertClose("nll", actual.nll(), expected.nll(), 1e-6);
      assertClose("dx", actual.dx(), expected.dx(), 1e-6);
      assertClose("dParameters", actual.dParameters(), expected.dParameters(), 1e-6);
      assertClose("p", actual.p(), expected.p(), 1e-6);
    }
  }

  @Test
  void batchOfWhichAllIsLeftOutHasNoLossAndNoGradient() {
    AdaptiveShape shape = shape(9, 4, "3 6", 2, true);
    VocabularyTrial trial = trial(6, shape, 1, 9);

    for (VocabularyTrial.Result result :
        List.of(trial.floats(new FloatAdaptiveKernel(shape, Gemm.here())), trial.doubles())) {
      assertThat(result.nll()).containsOnly(0);
      assertThat(result.dx()).containsOnly(0);
      assertThat(result.dParameters()).containsOnly(0);
      assertThat(result.p()).containsOnly(0);
    }
  }

  @Test
  void whatIsWrongInOneRowStaysThere() {
    AdaptiveShape shape = shape(9, 4, "3 6", 2, true);
    VocabularyTrial trial = trial(5, shape, 0, 10);
    Arrays.fill(trial.ids, 7);
    VocabularyTrial.Result expected = trial.floats(new FloatAdaptiveKernel(shape, Gemm.here()));
    trial.x[2 * 4 + 3] = Double.NaN;

    VocabularyTrial.Result actual = trial.floats(new FloatAdaptiveKernel(shape, Gemm.here()));

    for (int r = 0; r < 5; r++) {
      double[] dx = Arrays.copyOfRange(actual.dx(), 4 * r, 4 * r + 4);
      double[] p = Arrays.copyOfRange(actual.p(), 9 * r, 9 * r + 9);
      if (r == 2) {
        assertThat(actual.nll()[r]).isNaN();
        assertThat(dx).containsOnly(Double.NaN);
        assertThat(p).containsOnly(Double.NaN);
      } else {
        assertThat(actual.nll()[r]).isEqualTo(expected.nll()[r]);
        assertThat(dx).isEqualTo(Arrays.copyOfRange(expected.dx(), 4 * r, 4 * r + 4));
        assertThat(p).isEqualTo(Arrays.copyOfRange(expected.p(), 9 * r, 9 * r + 9));
      }
    }
  }

  @Test
  void cutoffsAreChosenByTheSizeOfTheVocabulary() {
    assertThat(AdaptiveSoftmax.of(2, 8, 4).cutoffs()).containsExactly(1);
    assertThat(AdaptiveSoftmax.of(10_000, 650, 4).cutoffs()).containsExactly(2000, 8000);
    assertThat(AdaptiveSoftmax.of(250_000, 650, 4).cutoffs()).containsExactly(20_000, 80_000);
    // 16, 4, 1 inputs: a fourth cluster would have none
    assertThat(AdaptiveSoftmax.of(16_000_000, 64, 4).cutoffs())
        .containsExactly(20_000, 80_000, 320_000);
    assertThat(AdaptiveSoftmax.of(10_000, 3, 4).problem(10_000, 3))
        .hasValue(
            "divide: must leave each cluster at least 1 of the 3 inputs, but cluster 1 has 3 / 4^1; lower it, or have fewer cutoffs");
  }

  @Test
  void parametersAndWorkAreCounted() {
    var softmax = new AdaptiveSoftmax(List.of(2, 5), 3);

    // head (2 + 2)·13 + 4; 4 inputs: 4·13 + 3·4; 1 input: 1·13 + 2·1
    assertThat(softmax.parameters(7, 13)).isEqualTo(56 + 64 + 15);
    assertThat(softmax.weightsMet(7, 13))
        .isCloseTo(
            52 + 64 * Math.log(5 / 2.0) / Math.log(7) + 15 * Math.log(7 / 5.0) / Math.log(7),
            within(1e-12));
  }

  @Test
  void cutoffsThatCannotBeAreRefused() {
    assertThatThrownBy(() -> new AdaptiveSoftmax(List.of(), 4))
        .hasMessage("cutoffs are [], must be at least one");
    assertThatThrownBy(() -> new AdaptiveSoftmax(List.of(3, 3), 4))
        .hasMessage("cutoffs are [3, 3], must ascend from at least 1");
    assertThatThrownBy(() -> new AdaptiveSoftmax(List.of(0), 4))
        .hasMessage("cutoffs are [0], must ascend from at least 1");
    assertThatThrownBy(() -> new AdaptiveSoftmax(List.of(1), 0))
        .hasMessage("divide is 0, must be at least 1");
    assertThat(new AdaptiveSoftmax(List.of(3, 7), 2).problem(7, 4))
        .hasValue("cutoffs: must be below the 7 words, but the last is 7");
    assertThat(new AdaptiveSoftmax(List.of(3, 6), 2).problem(7, 4)).isEmpty();
  }

  private static double[] read(DoublePointer memory, int n) {
    double[] values = new double[n];
    memory.get(values);
    return values;
  }

  private static AdaptiveShape shape(int V, int H, String cutoffs, int divide, boolean bias) {
    List<Integer> ids = Arrays.stream(cutoffs.split(" ")).map(Integer::valueOf).toList();
    return AdaptiveShape.of(new AdaptiveSoftmax(ids, divide), V, H, bias);
  }

  private static VocabularyTrial trial(int R, AdaptiveShape shape, int leftOut, long seed) {
    return new VocabularyTrial(
        R,
        shape.V(),
        shape.H(),
        leftOut,
        seed,
        Math.toIntExact(shape.parameters().stream().mapToLong(HeadParameter::length).sum()),
        new ReferenceAdaptiveKernel(shape),
        (memory, width) -> new VocabularyMemory(memory, null));
  }
}
