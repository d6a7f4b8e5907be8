package io.sluice.recurrent.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Both libraries' products against plain loops. */
class GemmTest {
  private final Random random = new Random(1);

  @ParameterizedTest
  @EnumSource
  void multipliesPartsOfLargerMatricesAndLeavesTheRestOfThem(Gemm gemm) {
    for (boolean transposeA : new boolean[] {false, true}) {
      for (boolean transposeB : new boolean[] {false, true}) {
        int M = 7;
        int N = 13;
        int K = 64;
        int lda = (transposeA ? M : K) + 3;
        int ldb = (transposeB ? K : N) + 5;
        int ldc = N + 2;
        float[] A = normal((transposeA ? K : M) * lda);
        float[] B = normal((transposeB ? N : K) * ldb);
        float[] C = normal(M * ldc);

        try (var a = new FloatPointer(A);
            var b = new FloatPointer(B);
            var c = new FloatPointer(C)) {
          gemm.multiply(transposeA, transposeB, M, N, K, 0.5f, a, lda, b, ldb, 2, c, ldc);

          float[] actual = new float[C.length];
          c.get(actual);
          for (int m = 0; m < M; m++) {
            for (int n = 0; n < ldc; n++) {
              double expected = C[m * ldc + n];
              if (n < N) {
                expected *= 2;
                for (int k = 0; k < K; k++) {
                  double left = transposeA ? A[k * lda + m] : A[m * lda + k];
                  expected += 0.5 * left * (transposeB ? B[n * ldb + k] : B[k * ldb + n]);
                }
              }
              // float32 sum of 64 terms: about 6e-8 · √64 · their size
              assertThat((double) actual[m * ldc + n])
                  .as("%s, %s, C[%d, %d]", transposeA, transposeB, m, n)
                  .isCloseTo(expected, within(1e-5));
            }
          }
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void readsNothingOfCWhereBetaIsZero(Gemm gemm) {
    float[] C = new float[6];
    Arrays.fill(C, Float.NaN);

    try (var a = new FloatPointer(1, 2, 3, 4);
        var b = new FloatPointer(1, 0, 2, 0, 1, 3);
        var c = new FloatPointer(C)) {
      gemm.multiply(false, false, 2, 3, 2, a, b, 0, c);
      c.get(C);
    }

    assertThat(C).containsExactly(1, 2, 8, 3, 4, 18);
  }

  private float[] normal(int n) {
    float[] values = new float[n];
    for (int k = 0; k < n; k++) {
      values[k] = (float) random.nextGaussian();
    }
    return values;
  }
}
