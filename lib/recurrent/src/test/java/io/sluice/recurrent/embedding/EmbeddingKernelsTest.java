package io.sluice.recurrent.embedding;

import static io.sluice.recurrent.TensorAssert.assertClose;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The float32 kernel against the float64 one, and the list of touched rows. */
class EmbeddingKernelsTest {
  private final Random random = new Random(7);

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1, false",
    "5, 3, 40, true",
    "50, 8, 7, false",
    "7, 13, 300, true",
    "90, 64, 128, true"
  })
  void forwardAndBackwardMatchReference(int V, int E, int R, boolean dropped) {
    int[] ids = random.ints(R, -1, V).toArray();
    float[] factors = dropped ? factors(R) : null;
    double[] W = numbers(V * E);
    double[] dy = numbers(R * E);
    double[] dW = numbers(V * E);
    var reference = new ReferenceEmbeddingKernel(E);
    var expectedRows = new DoublePointer(numbers(R * E));
    var expectedGradient = new DoublePointer(dW);
    var expectedTouched = cleared();
    reference.rows(ids, R, factors, new DoublePointer(W), expectedRows);
    reference.addGradient(
        ids, R, factors, new DoublePointer(dy), expectedGradient, expectedTouched);

    var kernel = new FloatEmbeddingKernel(V, E);
    var rows = new FloatPointer(floats(numbers(R * E)));
    var gradient = new FloatPointer(floats(dW));
    var touched = cleared();
    kernel.rows(ids, R, factors, new FloatPointer(floats(W)), rows);
    kernel.addGradient(ids, R, factors, new FloatPointer(floats(dy)), gradient, touched);

    assertClose("y", read(rows, R * E), read(expectedRows, R * E), 0);
    // float32 sum of R numbers: about 6e-8 · R at worst
    assertClose("dW", read(gradient, V * E), read(expectedGradient, V * E), 6e-8 * (R + 2));
    int[] counted =
        IntStream.range(0, R)
            .filter(r -> ids[r] >= 0 && (factors == null || factors[r] != 0))
            .map(r -> ids[r])
            .sorted()
            .distinct()
            .toArray();
    assertThat(touched.toString()).isEqualTo(Arrays.toString(counted));
    assertThat(expectedTouched.toString()).isEqualTo(Arrays.toString(counted));
  }

  @Test
  void rowsThatAreNotTouchedAreNeitherReadNorWritten() {
    var kernel = new FloatEmbeddingKernel(3, 2);
    float[] nan = new float[6];
    Arrays.fill(nan, Float.NaN);
    nan[2] = 1;
    nan[3] = 2;
    var gradient = new FloatPointer(nan);

    kernel.addGradient(
        new int[] {-1, 1, 1}, 3, null, new FloatPointer(9, 9, 1, 2, 3, 4), gradient, null);

    assertThat(read(gradient, 6))
        .containsExactly(Double.NaN, Double.NaN, 1 + 1 + 3, 2 + 2 + 4, Double.NaN, Double.NaN);
  }

  @Test
  void touchedRowsAreAUnion() {
    var touched = new TouchedRows();
    assertThat(touched.areAll()).isTrue();
    touched.add(new int[] {1}, 1);
    assertThat(touched.areAll()).isTrue();

    touched.clear();
    touched.add(new int[] {3, 7, 9, 99}, 3);
    touched.add(new int[] {1, 7, 8}, 3);
    touched.add(new int[0], 0);
    assertThat(touched).hasToString("[1, 3, 7, 8, 9]");
    touched.add(new int[] {9, 10}, 2);
    assertThat(touched).hasToString("[1, 3, 7, 8, 9, 10]");

    var other = cleared();
    other.add(new int[] {0, 5}, 2);
    other.add(touched);
    assertThat(other).hasToString("[0, 1, 3, 5, 7, 8, 9, 10]");
    other.add(new TouchedRows());
    assertThat(other).hasToString("all rows");
  }

  private static TouchedRows cleared() {
    var touched = new TouchedRows();
    touched.clear();
    return touched;
  }

  private float[] factors(int R) {
    var factors = new float[R];
    for (int r = 0; r < R; r++) {
      factors[r] = random.nextInt(3) == 0 ? 0 : 1.5f;
    }
    return factors;
  }

  /** Multiples of 2⁻¹⁰ in [−1, 1): float32 holds them and what 1.5 makes of them. */
  private double[] numbers(int n) {
    return random.ints(n, -1024, 1024).mapToDouble(k -> k / 1024.0).toArray();
  }

  private static float[] floats(double[] values) {
    var floats = new float[values.length];
    for (int k = 0; k < floats.length; k++) {
      floats[k] = (float) values[k];
    }
    return floats;
  }

  private static double[] read(FloatPointer memory, int n) {
    return IntStream.range(0, n).mapToDouble(memory::get).toArray();
  }

  private static double[] read(DoublePointer memory, int n) {
    return IntStream.range(0, n).mapToDouble(memory::get).toArray();
  }
}
