package io.sluice.recurrent.head;

import static io.sluice.recurrent.TensorAssert.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.NativeThreads;
import java.util.Random;
import java.util.stream.Stream;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;

/** Float32 kernels of the heads against the float64 ones, and those against central differences. */
class HeadKernelsTest {
  /** Kinds of mask. */
  enum Masking {
    NONE,
    LEFT,
    RIGHT,
    INSIDE,
    A_WHOLE_ROW
  }

  @BeforeAll
  static void oneThread() {
    NativeThreads.set(1);
  }

  static Stream<Arguments> cases() {
    // B, T, H in awkward sizes, the last of several blocks of rows
    return Stream.of(new int[][] {{1, 1, 1}, {3, 7, 13}, {2, 13, 64}, {7, 13, 207}})
        .flatMap(
            size ->
                Stream.of(Masking.values())
                    .flatMap(
                        masking ->
                            Stream.of(
                                Arguments.of(attention(size[2], 2 * size[2] + 1), size, masking),
                                Arguments.of(
                                    selfAttention(size[2], size[2] == 64 ? 4 : 1), size, masking),
                                Arguments.of(residual(size[2]), size, masking),
                                Arguments.of(normalization(size[2]), size, masking))));
  }

  @ParameterizedTest(name = "{0}, B T H {1}, mask {2}")
  @MethodSource("cases")
  void floatsMatchTheReference(TimeHead head, int[] size, Masking masking) {
    var trial = new Trial(head, size[0], size[1], masking, 5);

    Trial.Result expected = trial.doubles(head.kernel(DataType.DOUBLE));
    Trial.Result actual = trial.floats(head.kernel(DataType.FLOAT));

    // float32 sums of up to 415 terms: about 6e-8 · √n · |x|
    assertClose("y", actual.y(), expected.y(), 1e-5);
    assertClose("dx", actual.dx(), expected.dx(), 1e-5);
    assertClose("dParameters", actual.dParameters(), expected.dParameters(), 2e-5);
  }

  @ParameterizedTest
  @EnumSource
  void referencesMatchCentralDifferences(Masking masking) {
    for (TimeHead head : heads(4)) {
      var trial = new Trial(head, 3, 5, masking, 6);
      Trial.Result at = trial.doubles(head.kernel(DataType.DOUBLE));

      // truncation (1e-5)², rounding 1e-16 / 1e-5
      assertClose("dx of " + head, at.dx(), trial.differences(trial.x), 1e-8);
      assertClose("dp of " + head, at.dParameters(), trial.differences(trial.p), 1e-8);
    }
  }

  @ParameterizedTest
  @CsvSource({"false, NaN", "true, NaN", "true, Infinity"})
  void whatIsWrongInOneSequenceOrUnderTheMaskStaysThere(boolean masked, double wrong) {
    for (TimeHead head : heads(8)) {
      var trial = new Trial(head, 3, 5, masked ? Masking.INSIDE : Masking.NONE, 7);
      Trial.Result expected = trial.floats(head.kernel(DataType.FLOAT));
      // step 2 of sequence 1, which the mask leaves out
      trial.x[(2 * 3 + 1) * 8 + 4] = wrong;

      Trial.Result actual = trial.floats(head.kernel(DataType.FLOAT));

      for (int k = 0; k < actual.y().length; k++) {
        boolean own = (k / 8) % 3 == 1;
        if (masked || !own) {
          assertThat(actual.y()[k]).as("%s y[%d]", head, k).isEqualTo(expected.y()[k]);
        } else if (!(head instanceof LayerNormalization) || k / 24 == 2) {
          assertThat(actual.y()[k]).as("%s y[%d]", head, k).isNaN();
        }
      }
      for (int k = 0; k < actual.dx().length; k++) {
        if (masked || (k / 8) % 3 != 1) {
          assertThat(actual.dx()[k]).as("%s dx[%d]", head, k).isEqualTo(expected.dx()[k]);
        }
      }
      if (masked) {
        assertThat(actual.dParameters()).as("%s dp", head).isEqualTo(expected.dParameters());
      }
    }
  }

  @Test
  void scoresOfLongSequencesAreMadeInTiles() {
    // 65,536 numbers of a tile hold 218 rows of 300
    TimeHead head = selfAttention(4, 2);
    var trial = new Trial(head, 2, 300, Masking.INSIDE, 10);

    Trial.Result expected = trial.doubles(head.kernel(DataType.DOUBLE));
    Trial.Result actual = trial.floats(head.kernel(DataType.FLOAT));

    // sums of 300 float32 terms each way: 6e-8 · 300 at worst
    assertClose("y", actual.y(), expected.y(), 2e-5);
    assertClose("dx", actual.dx(), expected.dx(), 2e-5);
    assertClose("dParameters", actual.dParameters(), expected.dParameters(), 1e-4);
  }

  @Test
  void allMaskedRowsGiveZerosAndGetNoGradient() {
    for (TimeHead head : heads(4)) {
      var trial = new Trial(head, 2, 3, Masking.A_WHOLE_ROW, 8);
      for (Trial.Result result :
          new Trial.Result[] {
            trial.doubles(head.kernel(DataType.DOUBLE)), trial.floats(head.kernel(DataType.FLOAT))
          }) {
        for (int k = 0; k < result.dx().length; k++) {
          if ((k / 4) % 2 == 0) {
            assertThat(result.dx()[k]).isZero();
            assertThat(result.y()[k % result.y().length]).isZero();
          }
        }
      }
    }
  }

  @Test
  void gradientOfABatchIsTheSumOfItsParts() {
    for (TimeHead head : heads(6)) {
      var whole = new Trial(head, 4, 3, Masking.INSIDE, 9);
      double[] expected = whole.doubles(head.kernel(DataType.DOUBLE)).dParameters();

      double[] first = whole.part(0, 1).doubles(head.kernel(DataType.DOUBLE)).dParameters();
      double[] rest = whole.part(1, 4).doubles(head.kernel(DataType.DOUBLE)).dParameters();

      for (int k = 0; k < expected.length; k++) {
        assertThat(first[k] + rest[k]).isCloseTo(expected[k], within(1e-12));
      }
    }
  }

  private static TimeHead[] heads(int H) {
    return new TimeHead[] {attention(H, 3), selfAttention(H, 2), residual(H), normalization(H)};
  }

  /** As many heads as inputs, and their sum with the input. */
  private static TimeHead residual(int H) {
    return new MultiHeadSelfAttention.Builder(H).nIn(H).residual(true).build();
  }

  private static TimeHead normalization(int H) {
    return new LayerNormalization.Builder().nIn(H).build();
  }

  private static TimeHead attention(int H, int A) {
    return new AdditiveAttention.Builder().nIn(H).attentionSize(A).build();
  }

  private static TimeHead selfAttention(int H, int heads) {
    return new MultiHeadSelfAttention.Builder(heads).nIn(H).build();
  }

  /** Random numbers that a float32 holds exactly, through a kernel and back. */
  private static final class Trial {
    record Result(double[] y, double[] dx, double[] dParameters) {}

    final TimeHead head;
    final int B;
    final int T;
    final int N;
    final double[] p;
    final double[] x;
    final double[] dy;
    final boolean[] mask;

    Trial(TimeHead head, int B, int T, Masking masking, long seed) {
      this(
          head,
          B,
          T,
          random(
              seed, (int) HeadParameters.INSTANCE.numParams(head), 0.5 / Math.sqrt(head.inputs())),
          random(seed + 1, T * B * head.inputs(), 1),
          random(seed + 2, (head.keepsTime() ? T : 1) * B * head.inputs(), 1),
          mask(masking, B, T));
    }

    private Trial(
        TimeHead head, int B, int T, double[] p, double[] x, double[] dy, boolean[] mask) {
      this.head = head;
      this.B = B;
      this.T = T;
      this.N = head.inputs();
      this.p = p;
      this.x = x;
      this.dy = dy;
      this.mask = mask;
    }

    private static boolean[] mask(Masking masking, int B, int T) {
      boolean[] mask = new boolean[T * B];
      for (int k = 0; k < T * B; k++) {
        int b = k % B;
        int t = k / B;
        mask[k] =
            switch (masking) {
              case NONE -> true;
              case LEFT -> t >= b;
              case RIGHT -> t < T - b;
              case INSIDE -> t != b + 1;
              case A_WHOLE_ROW -> b > 0;
            };
      }
      return masking == Masking.NONE ? null : mask;
    }

    private static double[] random(long seed, int n, double scale) {
      var random = new Random(seed);
      double[] values = new double[n];
      for (int k = 0; k < n; k++) {
        values[k] = (float) (scale * random.nextGaussian());
      }
      return values;
    }

    /** Sequences [from, to). */
    Trial part(int from, int to) {
      boolean[] own = new boolean[T * (to - from)];
      for (int t = 0; t < T; t++) {
        System.arraycopy(mask, t * B + from, own, t * (to - from), to - from);
      }
      return new Trial(
          head, to - from, T, p, part(x, T, from, to), part(dy, dy.length / B / N, from, to), own);
    }

    private double[] part(double[] values, int steps, int from, int to) {
      int row = (to - from) * N;
      double[] part = new double[steps * row];
      for (int t = 0; t < steps; t++) {
        System.arraycopy(values, (t * B + from) * N, part, t * row, row);
      }
      return part;
    }

    Result doubles(HeadKernel kernel) {
      var parameters = new DoublePointer(p);
      var input = new DoublePointer(x);
      var y = new DoublePointer(dy.length);
      var dx = new DoublePointer(x.length);
      var dp = new DoublePointer(p.length);
      kernel.forward(T, B, mask, parameters, input, y);
      kernel.backward(parameters, input, new DoublePointer(dy), dx, dp);
      return new Result(read(y, dy.length), read(dx, x.length), read(dp, p.length));
    }

    private static double[] read(DoublePointer memory, int n) {
      double[] values = new double[n];
      memory.get(values);
      return values;
    }

    /** The second of two passes, so that memory is used again. */
    Result floats(HeadKernel kernel) {
      var parameters = new FloatPointer(floats(p));
      var input = new FloatPointer(floats(x));
      var y = new FloatPointer(dy.length);
      var dx = new FloatPointer(x.length);
      var dp = new FloatPointer(p.length);
      for (int pass = 0; pass < 2; pass++) {
        kernel.forward(T, B, mask, parameters, input, y);
        kernel.backward(parameters, input, new FloatPointer(floats(dy)), dx, dp);
      }
      return new Result(read(y, dy.length), read(dx, x.length), read(dp, p.length));
    }

    private static float[] floats(double[] values) {
      float[] floats = new float[values.length];
      for (int k = 0; k < values.length; k++) {
        floats[k] = (float) values[k];
      }
      return floats;
    }

    private static double[] read(FloatPointer memory, int n) {
      float[] floats = new float[n];
      memory.get(floats);
      double[] values = new double[n];
      for (int k = 0; k < n; k++) {
        values[k] = floats[k];
      }
      return values;
    }

    /** Central differences of Σ y·dy by each of {@code values}, which are x or p. */
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
      double[] y = doubles(head.kernel(DataType.DOUBLE)).y();
      double loss = 0;
      for (int k = 0; k < y.length; k++) {
        loss += y[k] * dy[k];
      }
      return loss;
    }
  }
}
