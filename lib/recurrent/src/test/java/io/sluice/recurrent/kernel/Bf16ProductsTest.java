package io.sluice.recurrent.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Random;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Products in bfloat16 against plain loops over factors rounded to it. */
class Bf16ProductsTest {
  private final Random random = new Random(1);

  @BeforeEach
  void processorMultipliesBf16() {
    assumeTrue(OneDnn.multipliesBf16(), "this processor does not multiply bfloat16");
  }

  @Test
  void multipliesRoundedFactorsWhereverTheyLie() {
    try (var products = new Bf16Products()) {
      for (boolean transposeA : new boolean[] {false, true}) {
        for (boolean transposeB : new boolean[] {false, true}) {
          for (float beta : new float[] {0, 1}) {
            check(products, transposeA, transposeB, 7, 13, 65, beta);
            check(products, transposeA, transposeB, 1, 3, 2, beta);
          }
        }
      }
    }
  }

  private void check(
      Bf16Products products,
      boolean transposeA,
      boolean transposeB,
      int M,
      int N,
      int K,
      float beta) {
    int before = 5;
    float[] A = normal(before + M * K);
    float[] B = normal(before + K * N);
    float[] C = normal(before + M * N);
    try (var a = new FloatPointer(A);
        var b = new FloatPointer(B);
        var c = new FloatPointer(C)) {
      a.position(before);
      b.position(before);
      c.position(before);

      products.multiply(transposeA, transposeB, M, N, K, a, b, beta, c);

      float[] actual = new float[C.length];
      c.position(0).get(actual);
      for (int m = 0; m < M; m++) {
        for (int n = 0; n < N; n++) {
          int at = before + m * N + n;
          double expected = beta * C[at];
          for (int k = 0; k < K; k++) {
            double left = bf16(A[before + (transposeA ? k * M + m : m * K + k)]);
            expected += left * bf16(B[before + (transposeB ? n * K + k : k * N + n)]);
          }
          // float32 sum of 65 terms
          assertThat((double) actual[at]).isCloseTo(expected, within(1e-5));
        }
      }
      for (int k = 0; k < before; k++) {
        assertThat(actual[k]).isEqualTo(C[k]);
      }
    }
  }

  @Test
  void weightsAreReadAgainOnlyWhenTheyAreSaidToHaveChanged() {
    try (var products = new Bf16Products();
        var a = new FloatPointer(1f, 2f);
        var b = new FloatPointer(3f, 4f);
        var other = new FloatPointer(30f, 40f);
        var c = new FloatPointer(1)) {
      products.multiplyByWeights(false, 1, 1, 2, a, b, 0, c);
      assertThat(c.get(0)).isEqualTo(11);

      b.put(0, 5f);
      products.multiplyByWeights(false, 1, 1, 2, a, b, 0, c);
      assertThat(c.get(0)).isEqualTo(11);
      products.multiplyByWeights(false, 1, 1, 2, a, other, 0, c);
      assertThat(c.get(0)).isEqualTo(110);
      products.weightsChanged();
      products.multiplyByWeights(false, 1, 1, 2, a, b, 1, c);

      assertThat(c.get(0)).isEqualTo(110 + 13);
    }
  }

  @Test
  void productsOfAnyNumberOfRowsReadOneCopyOfTheWeights() {
    int K = 64;
    int N = 64;
    int most = 40;
    float[] A = normal(most * K);
    float[] B = normal(K * N);
    try (var products = new Bf16Products();
        var a = new FloatPointer(A);
        var b = new FloatPointer(B);
        var c = new FloatPointer((long) most * N);
        var whole = new FloatPointer((long) most * N)) {
      products.multiply(false, true, most, N, K, a, b, 0, whole);
      products.multiplyByWeights(true, most, N, K, a, b, 0, c);
      long held = products.nativeBytes();
      float[] expected = numbers(whole, most * N);

      for (int M = most; M > 0; M--) {
        products.multiplyByWeights(true, M, N, K, a, b, 0, c);

        float[] actual = numbers(c, M * N);
        for (int k = 0; k < M * N; k++) {
          // float32 sum of 64 terms
          assertThat(actual[k]).isCloseTo(expected[k], within(1e-4f));
        }
      }

      // a copy more where few rows want another order
      assertThat(products.nativeBytes()).isBetween(held, held + 2L * K * N);
    }
  }

  @Test
  void copiesOfWeightsThatAreReadNoMoreAreFreed() {
    try (var products = new Bf16Products();
        var a = new FloatPointer(normal(2 * 64));
        var b = new FloatPointer(normal(64 * 64));
        var other = new FloatPointer(normal(64 * 64));
        var c = new FloatPointer(2 * 64L)) {
      products.multiplyByWeights(false, 2, 64, 64, a, b, 0, c);
      long one = products.nativeBytes();
      products.multiplyByWeights(true, 2, 64, 64, a, b, 0, c);
      products.multiplyByWeights(false, 2, 64, 64, a, other, 0, c);
      long packed = (products.nativeBytes() - one) / 2;
      assertThat(packed).isEqualTo(2 * 64 * 64);

      // the ones before are there until it shows which of them are read again
      products.weightsChanged();
      products.multiplyByWeights(false, 2, 64, 64, a, other, 0, c);
      assertThat(products.nativeBytes()).isEqualTo(one + 2 * packed);
      float[] expected = numbers(c, 2 * 64);
      products.weightsChanged();
      products.multiplyByWeights(false, 2, 64, 64, a, other, 0, c);

      assertThat(products.nativeBytes()).isEqualTo(one);
      assertThat(numbers(c, 2 * 64)).isEqualTo(expected);
    }
  }

  private static float[] numbers(FloatPointer memory, int n) {
    float[] numbers = new float[n];
    memory.get(numbers);
    return numbers;
  }

  @Test
  void whatIsHeldIsRoundedOnceAndReadByAllOfItOrByRows() {
    try (var products = new Bf16Products();
        var a = new FloatPointer(1f, 2f, 3f, 4f, 5f, 6f);
        var one = new FloatPointer(1f, 1f, 1f);
        var c = new FloatPointer(3)) {
      try (MatrixProducts.Held held = products.hold(a, 6)) {
        // by its rows before all of it was read: as if it were not held
        products.multiply(false, false, 1, 1, 2, a.position(2), one, 0, c);
        assertThat(c.get(0)).isEqualTo(3 + 4);
        a.position(2).put(30f);
        products.multiply(false, false, 1, 1, 2, a.position(2), one, 0, c);
        assertThat(c.get(0)).isEqualTo(30 + 4);

        products.multiply(false, false, 3, 1, 2, a.position(0), one, 0, c);
        assertThat(new float[] {c.get(0), c.get(1), c.get(2)}).containsExactly(3, 34, 11);
        a.position(2).put(300f);
        products.multiply(true, false, 2, 1, 3, a.position(0), one, 0, c);
        assertThat(new float[] {c.get(0), c.get(1)}).containsExactly(36, 12);
        products.multiply(false, true, 1, 1, 2, one, a.position(2), 0, c);
        assertThat(c.get(0)).isEqualTo(30 + 4);
      }

      products.multiply(false, false, 1, 1, 2, a.position(2), one, 0, c);
      assertThat(c.get(0)).isEqualTo(300 + 4);
    }
  }

  @Test
  void moreShapesThanAreKeptAreMultipliedAllTheSame() {
    try (var products = new Bf16Products()) {
      for (int round = 0; round < 2; round++) {
        for (int M = 1; M <= 40; M++) {
          check(products, false, true, M, 2, 3, 0);
        }
      }
    }
  }

  /** Rounded to nearest, ties to even. */
  private static float bf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    return Float.intBitsToFloat((bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000);
  }

  private float[] normal(int n) {
    float[] values = new float[n];
    for (int k = 0; k < n; k++) {
      values[k] = (float) random.nextGaussian();
    }
    return values;
  }
}
