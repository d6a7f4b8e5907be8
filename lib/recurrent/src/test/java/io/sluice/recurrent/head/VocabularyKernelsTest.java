package io.sluice.recurrent.head;

import static io.sluice.recurrent.TensorAssert.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.NativeThreads;
import java.util.Arrays;
import java.util.Random;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
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
    // chunks of 64 rows: 130 are three, 87 of them real are two
    "130, 33000, 3, 0, true",
    "130, 33000, 3, 3, true"
  })
  void floatsMatchTheReference(int R, int V, int H, int leftOut, boolean bias) {
    var trial = new Trial(R, V, H, leftOut, bias, 5);

    Result expected = trial.doubles();
    Result actual = trial.floats(new FloatVocabularyKernel(V, H, bias));

    // float32 sums of up to 1001 terms: about 6e-8 · √n · |x|
    assertClose("nll", actual.nll, expected.nll, 1e-5);
    assertClose("dx", actual.dx, expected.dx, 1e-5);
    assertClose("dParameters", actual.dParameters, expected.dParameters, 1e-5);
    assertClose("p", actual.p, expected.p, 1e-6);
    assertThat(actual.losses).isEqualTo(actual.nll);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theReferenceMatchesCentralDifferences(boolean bias) {
    var trial = new Trial(5, 4, 3, 3, bias, 6);
    Result at = trial.doubles();

    // truncation (1e-5)², rounding 1e-16 / 1e-5
    assertClose("dx", at.dx, trial.differences(trial.x), 1e-8);
    assertClose("dParameters", at.dParameters, trial.differences(trial.parameters), 1e-8);
    for (int r = 0; r < 5; r++) {
      assertThat(at.nll[r])
          .isCloseTo(trial.ids[r] < 0 ? 0 : -Math.log(at.p[r * 4 + trial.ids[r]]), within(1e-12));
    }
  }

  @Test
  void logitsOfTrainingAreBoundedWhateverTheNumberOfRows() {
    int V = 10_000;
    var kernel = new FloatVocabularyKernel(V, 2, true);

    new Trial(1000, V, 2, 0, true, 7).floats(kernel);

    // 209 rows of 10,000 float32 in 8 MiB
    assertThat(kernel.ownedNumbers()).isEqualTo(209 * V).isLessThan(1000 * V / 4);
  }

  @Test
  void nothingOfARowThatIsLeftOutCounts() {
    var trial = new Trial(9, 5, 4, 3, true, 8);
    Result expected = trial.floats(new FloatVocabularyKernel(5, 4, true));
    for (int r = 0; r < 9; r++) {
      if (trial.ids[r] < 0) {
        trial.x[r * 4 + 1] = Double.NaN;
        trial.factors[r] = Double.NaN;
      }
    }

    for (Result actual :
        new Result[] {trial.floats(new FloatVocabularyKernel(5, 4, true)), trial.doubles()}) {
      assertClose("nll", actual.nll, expected.nll, 1e-6);
      assertClose("dx", actual.dx, expected.dx, 1e-6);
      assertClose("dParameters", actual.dParameters, expected.dParameters, 1e-6);
      for (int r = 0; r < 9; r++) {
        if (trial.ids[r] < 0) {
          assertThat(Arrays.copyOfRange(actual.dx, 4 * r, 4 * r + 4)).containsOnly(0);
          assertThat(Arrays.copyOfRange(actual.p, 5 * r, 5 * r + 5)).containsOnly(0);
        }
      }
    }
  }

  @Test
  void batchOfWhichAllIsLeftOutHasNoLossAndNoGradient() {
    var trial = new Trial(6, 5, 4, 1, true, 9);

    for (Result result :
        new Result[] {trial.floats(new FloatVocabularyKernel(5, 4, true)), trial.doubles()}) {
      assertThat(result.nll).containsOnly(0);
      assertThat(result.dx).containsOnly(0);
      assertThat(result.dParameters).containsOnly(0);
      assertThat(result.p).containsOnly(0);
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY})
  void whatIsWrongInOneRowStaysThere(double wrong) {
    var trial = new Trial(5, 6, 4, 0, true, 10);
    Result expected = trial.floats(new FloatVocabularyKernel(6, 4, true));
    trial.x[2 * 4 + 3] = wrong;

    Result actual = trial.floats(new FloatVocabularyKernel(6, 4, true));

    for (int r = 0; r < 5; r++) {
      if (r == 2) {
        assertThat(actual.nll[r]).isNaN();
        assertThat(Arrays.copyOfRange(actual.dx, 8, 12)).containsOnly(Double.NaN);
        assertThat(Arrays.copyOfRange(actual.p, 12, 18)).containsOnly(Double.NaN);
      } else {
        assertThat(actual.nll[r]).isEqualTo(expected.nll[r]);
        for (int j = 4 * r; j < 4 * r + 4; j++) {
          assertThat(actual.dx[j]).isEqualTo(expected.dx[j]);
        }
        for (int v = 6 * r; v < 6 * r + 6; v++) {
          assertThat(actual.p[v]).isEqualTo(expected.p[v]);
        }
      }
    }
  }

  /** What kernels write. */
  private record Result(
      double[] nll, double[] losses, double[] dx, double[] dParameters, double[] p) {}

  /** Random numbers that a float32 holds exactly, through a kernel and back. */
  private static final class Trial {
    final int R;
    final int V;
    final int H;
    final boolean bias;
    final int[] ids;
    final double[] factors;
    final double[] x;
    final double[] parameters;

    /**
     * @param leftOut of how many rows the first is left out; 0 is none
     */
    Trial(int R, int V, int H, int leftOut, boolean bias, long seed) {
      this.R = R;
      this.V = V;
      this.H = H;
      this.bias = bias;
      var random = new Random(seed);
      ids = random.ints(R, 0, V).toArray();
      for (int r = 0; leftOut > 0 && r < R; r += leftOut) {
        ids[r] = -1;
      }
      factors = random(random, R, 1);
      x = random(random, R * H, 1);
      parameters = random(random, V * (H + (bias ? 1 : 0)), 1 / Math.sqrt(H));
    }

    private static double[] random(Random random, int n, double scale) {
      double[] values = new double[n];
      for (int k = 0; k < n; k++) {
        values[k] = (float) (scale * random.nextGaussian());
      }
      return values;
    }

    private boolean[] mask() {
      boolean[] mask = new boolean[R];
      for (int r = 0; r < R; r++) {
        mask[r] = ids[r] >= 0;
      }
      return mask;
    }

    Result doubles() {
      var kernel = new ReferenceVocabularyKernel(V, H, bias);
      var w = new DoublePointer(parameters);
      var input = new DoublePointer(x);
      var dx = new DoublePointer(x.length);
      var dw = new DoublePointer(parameters.length);
      var p = new DoublePointer((long) R * V);
      var result = empty();
      kernel.gradients(ids, factors, memory(w, 8), input, result.nll, dx, memory(dw, 8));
      kernel.losses(ids, memory(w, 8), input, result.losses);
      kernel.probabilities(R, mask(), memory(w, 8), input, p);
      dx.get(result.dx);
      dw.get(result.dParameters);
      p.get(result.p);
      return result;
    }

    /** The second of two passes, so that memory is used again. */
    Result floats(FloatVocabularyKernel kernel) {
      var w = floats(parameters);
      var input = floats(x);
      var dx = new FloatPointer(x.length);
      var dw = new FloatPointer(parameters.length);
      var p = new FloatPointer((long) R * V);
      var result = empty();
      for (int pass = 0; pass < 2; pass++) {
        kernel.gradients(ids, factors, memory(w, 4), input, result.nll, dx, memory(dw, 4));
      }
      kernel.losses(ids, memory(w, 4), input, result.losses);
      kernel.probabilities(R, mask(), memory(w, 4), input, p);
      read(dx, result.dx);
      read(dw, result.dParameters);
      read(p, result.p);
      return result;
    }

    private VocabularyMemory memory(Pointer w, int width) {
      return VocabularyMemory.together(w, (long) V * H, bias, width);
    }

    private Result empty() {
      return new Result(
          new double[R],
          new double[R],
          new double[x.length],
          new double[parameters.length],
          new double[R * V]);
    }

    private static FloatPointer floats(double[] values) {
      float[] floats = new float[values.length];
      for (int k = 0; k < values.length; k++) {
        floats[k] = (float) values[k];
      }
      return new FloatPointer(floats);
    }

    private static void read(FloatPointer memory, double[] values) {
      float[] floats = new float[values.length];
      memory.get(floats);
      for (int k = 0; k < values.length; k++) {
        values[k] = floats[k];
      }
    }

    /** Central differences of Σ factors·nll by each of {@code values}, x or parameters. */
    double[] differences(double[] values) {
      double[] differences = new double[values.length];
      double step = 1e-5;
      for (int k = 0; k < values.length; k++) {
        double value = values[k];
        values[k] = value + step;
        double above = loss();
        values[k] = value - step;
        differences[k] = (above - loss()) / (2 * step);
        values[k] = value;
      }
      return differences;
    }

    private double loss() {
      double[] nll = new double[R];
      new ReferenceVocabularyKernel(V, H, bias)
          .losses(ids, memory(new DoublePointer(parameters), 8), new DoublePointer(x), nll);
      double loss = 0;
      for (int r = 0; r < R; r++) {
        loss += factors[r] * nll[r];
      }
      return loss;
    }
  }
}
