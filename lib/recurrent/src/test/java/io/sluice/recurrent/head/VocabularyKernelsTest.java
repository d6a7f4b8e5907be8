package io.sluice.recurrent.head;

import static io.sluice.recurrent.TensorAssert.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.kernel.Gemm;
import io.sluice.recurrent.kernel.MatrixProducts;
import io.sluice.recurrent.kernel.Precision;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The float32 kernel against the float64 one, and that against central differences. */
class VocabularyKernelsTest {
  @BeforeAll
  static void oneThread() {
    NativeThreads.set(1);
  }

  @ParameterizedTest(name = "R {0}, V {1}, H {2}, left out 1 of {3}, bias {4}")
  @CsvSource({
    "1, 2, 1, 0, true",
    "3, 7, 13, 0, true",
    "7, 207, 64, 3, true",
    "13, 64, 207, 2, false",
    "64, 1001, 7, 0, false",
    // chunks of 127 rows: 140 are two, and so are 133 of them that are real
    "140, 66000, 3, 0, true",
    "140, 66000, 3, 20, true"
  })
  void floatsMatchTheReference(int R, int V, int H, int leftOut, boolean bias) {
    var trial = trial(R, V, H, leftOut, bias, 5);

    VocabularyTrial.Result expected = trial.doubles();
    VocabularyTrial.Result actual =
        trial.floats(new FloatVocabularyKernel(V, H, bias, Gemm.here()));

    // float32 sums of up to 1001 terms: about 6e-8 · √n · |x|
    assertClose("nll", actual.nll(), expected.nll(), 1e-5);
    assertClose("dx", actual.dx(), expected.dx(), 1e-5);
    assertClose("dParameters", actual.dParameters(), expected.dParameters(), 1e-5);
    assertClose("p", actual.p(), expected.p(), 1e-6);
    assertThat(actual.losses()).isEqualTo(actual.nll());
  }

  @Test
  void productsInBf16AreWithinItsRounding() {
    VocabularyTrial trial = trial(64, 1001, 33, 3, true, 5);
    var kernel = new FloatVocabularyKernel(1001, 33, true, MatrixProducts.of(Precision.BF16));

    VocabularyTrial.Result expected = trial.doubles();
    VocabularyTrial.Result actual = trial.floats(kernel);

    // 8 bits: factors are off by up to 2e-3 of themselves, and they sum up as their signs fall
    assertClose("nll", actual.nll(), expected.nll(), 1e-2);
    assertClose("dx", actual.dx(), expected.dx(), 1e-2);
    assertClose("dParameters", actual.dParameters(), expected.dParameters(), 1e-2);
    assertClose("p", actual.p(), expected.p(), 1e-3);
    assertThat(Arrays.equals(actual.losses(), actual.nll())).isTrue();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theReferenceMatchesCentralDifferences(boolean bias) {
    var trial = trial(5, 4, 3, 3, bias, 6);
    VocabularyTrial.Result at = trial.doubles();

    // truncation (1e-5)², rounding 1e-16 / 1e-5
    assertClose("dx", at.dx(), trial.differences(trial.x), 1e-8);
    assertClose("dParameters", at.dParameters(), trial.differences(trial.parameters), 1e-8);
    for (int r = 0; r < 5; r++) {
      assertThat(at.nll()[r])
          .isCloseTo(trial.ids[r] < 0 ? 0 : -Math.log(at.p()[r * 4 + trial.ids[r]]), within(1e-12));
    }
  }

  @Test
  void logitsOfTrainingAreBoundedWhateverTheNumberOfRows() {
    int V = 10_000;
    var kernel = new FloatVocabularyKernel(V, 2, true, Gemm.here());

    trial(1000, V, 2, 0, true, 7).floats(kernel);

    // 838 rows of 10,000 float32 in 32 MiB
    assertThat(kernel.ownedNumbers()).isEqualTo(838 * V);
  }

  @Test
  void itHoldsWhatIsPlanned() {
    for (Precision precision : new Precision[] {Precision.F32, Precision.BF16}) {
      try (var kernel = new FloatVocabularyKernel(3000, 40, true, MatrixProducts.of(precision))) {
        trial(500, 3000, 40, 0, true, 7).train(kernel);

        long planned = VocabularyOutput.trainingBytes(3000, 40, null, precision, 500);
        assertThat((double) kernel.nativeBytes() / planned).isBetween(0.98, 1.02);
      }
    }
  }

  @Test
  void nothingOfARowThatIsLeftOutCounts() {
    var trial = trial(9, 5, 4, 3, true, 8);
    VocabularyTrial.Result expected =
        trial.floats(new FloatVocabularyKernel(5, 4, true, Gemm.here()));
    for (int r = 0; r < 9; r++) {
      if (trial.ids[r] < 0) {
        trial.x[r * 4 + 1] = Double.NaN;
        trial.factors[r] = Double.NaN;
      }
    }

    for (VocabularyTrial.Result actual :
        new VocabularyTrial.Result[] {
          trial.floats(new FloatVocabularyKernel(5, 4, true, Gemm.here())), trial.doubles()
        }) {
      assertClose("nll", actual.nll(), expected.nll(), 1e-6);
      assertClose("dx", actual.dx(), expected.dx(), 1e-6);
      assertClose("dParameters", actual.dParameters(), expected.dParameters(), 1e-6);
      for (int r = 0; r < 9; r++) {
        if (trial.ids[r] < 0) {
          assertThat(Arrays.copyOfRange(actual.dx(), 4 * r, 4 * r + 4)).containsOnly(0);
          assertThat(Arrays.copyOfRange(actual.p(), 5 * r, 5 * r + 5)).containsOnly(0);
        }
      }
    }
  }

  @Test
  void batchOfWhichAllIsLeftOutHasNoLossAndNoGradient() {
    var trial = trial(6, 5, 4, 1, true, 9);

    for (VocabularyTrial.Result result :
        new VocabularyTrial.Result[] {
          trial.floats(new FloatVocabularyKernel(5, 4, true, Gemm.here())), trial.doubles()
        }) {
      assertThat(result.nll()).containsOnly(0);
      assertThat(result.dx()).containsOnly(0);
      assertThat(result.dParameters()).containsOnly(0);
      assertThat(result.p()).containsOnly(0);
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY})
  void whatIsWrongInOneRowStaysThere(double wrong) {
    var trial = trial(5, 6, 4, 0, true, 10);
    VocabularyTrial.Result expected =
        trial.floats(new FloatVocabularyKernel(6, 4, true, Gemm.here()));
    trial.x[2 * 4 + 3] = wrong;

    VocabularyTrial.Result actual =
        trial.floats(new FloatVocabularyKernel(6, 4, true, Gemm.here()));

    for (int r = 0; r < 5; r++) {
      if (r == 2) {
        assertThat(actual.nll()[r]).isNaN();
        assertThat(Arrays.copyOfRange(actual.dx(), 8, 12)).containsOnly(Double.NaN);
        assertThat(Arrays.copyOfRange(actual.p(), 12, 18)).containsOnly(Double.NaN);
      } else {
        assertThat(actual.nll()[r]).isEqualTo(expected.nll()[r]);
        for (int j = 4 * r; j < 4 * r + 4; j++) {
          assertThat(actual.dx()[j]).isEqualTo(expected.dx()[j]);
        }
        for (int v = 6 * r; v < 6 * r + 6; v++) {
          assertThat(actual.p()[v]).isEqualTo(expected.p()[v]);
        }
      }
    }
  }

  private static VocabularyTrial trial(int R, int V, int H, int leftOut, boolean bias, long seed) {
    return new VocabularyTrial(
        R,
        V,
        H,
        leftOut,
        seed,
        V * (H + (bias ? 1 : 0)),
        new ReferenceVocabularyKernel(V, H, bias),
        (memory, width) -> VocabularyMemory.together(memory, (long) V * H, bias, width));
  }
}
