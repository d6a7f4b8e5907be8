package io.sluice.recurrent.head;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Softmax in float32 against float64. */
class FloatSoftmaxTest {
  private static final float NONE = Float.NEGATIVE_INFINITY;

  private final FloatSoftmax softmax = new FloatSoftmax();

  @ParameterizedTest
  @CsvSource({"1, 1", "1, 7", "7, 1", "3, 13", "100, 100", "207, 64", "10001, 2"})
  void columnsAreGoodToRoundingForwardAndBackward(int rows, int n) {
    float[] S = random(rows * n, 20, 1);
    float[] dP = random(rows * n, 1, 2);
    float[] P = S.clone();
    float[] dS = dP.clone();

    softmax.columns(P, rows, n);
    softmax.columnsBack(P, dS, rows, n);

    for (int c = 0; c < n; c++) {
      float max = NONE;
      for (int k = c; k < rows * n; k += n) {
        max = Math.max(max, S[k]);
      }
      double sum = 0;
      for (int k = c; k < rows * n; k += n) {
        // the difference in float32: it moves exp by 4e-6 where it is about 100
        sum += Math.exp(S[k] - max);
      }
      double mean = 0;
      double magnitude = 0;
      for (int k = c; k < rows * n; k += n) {
        double expected = Math.exp(S[k] - max) / sum;
        // exponential, factor and product, two ulp each, and a sum of up to 10,001 terms of which
        // those that count are few; what would become denormal is zero
        assertThat((double) P[k]).isCloseTo(expected, within(1e-6 * expected + 1e-32));
        mean += P[k] * (double) dP[k];
        magnitude += P[k] * Math.abs((double) dP[k]);
      }
      for (int k = c; k < rows * n; k += n) {
        double expected = P[k] * (dP[k] - mean);
        // the difference of two roundings of each term
        double rounding = 1e-6 * P[k] * (Math.abs(dP[k]) + magnitude) + 1e-32;
        assertThat((double) dS[k]).isCloseTo(expected, within(rounding));
      }
    }
  }

  @Test
  void oneSoftmaxServesMatricesOfAnySize() {
    float[] large = random(64 * 33, 3, 3);
    float[] small = random(5 * 2, 3, 4);
    float[] expected = small.clone();
    new FloatSoftmax().columns(expected, 5, 2);

    softmax.columns(large, 64, 33);
    softmax.columns(small, 5, 2);

    assertThat(small).isEqualTo(expected);
  }

  @Test
  void minusInfinityGetsNothingAndNaNStaysInItsColumn() {
    float[] S = {0, NONE, Float.NaN, NONE, NONE, 5, 1, NONE, 0, -300, NONE, NONE};

    softmax.columns(S, 3, 4);

    assertThat(S)
        .containsExactly(
            0.5f, 0, Float.NaN, Float.NaN, 0, 1, Float.NaN, Float.NaN, 0.5f, 0, Float.NaN,
            Float.NaN);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7, 8, 100, 10_001})
  void exponentialsOfARowAreGoodToRounding(int V) {
    float[] row = random(V, 20, 11);
    float max = row[0];
    for (float each : row) {
      max = Math.max(max, each);
    }
    double[] expected = new double[V];
    double sum = 0;
    for (int v = 0; v < V; v++) {
      expected[v] = Math.exp(Math.max(-86, row[v] - max));
      sum += expected[v];
    }
    float[] maxAndSum = new float[2];

    softmax.exponentials(row, V, maxAndSum);

    assertThat(maxAndSum[0]).isEqualTo(max);
    // two ulp an element, and sums of which few terms count
    assertThat((double) maxAndSum[1]).isCloseTo(sum, within(1e-6 * sum));
    for (int v = 0; v < V; v++) {
      assertThat((double) row[v]).isCloseTo(expected[v], within(2.5e-7 * expected[v]));
    }
  }

  @Test
  void farApartLogitsOfARowLeaveNoDenormals() {
    float[] row = {1000, 980, 905, 0, -1e30f};
    float[] maxAndSum = new float[2];

    softmax.exponentials(row, 5, maxAndSum);
    FloatSoftmax.weigh(row, 5, 1 / maxAndSum[1]);

    assertThat(maxAndSum[0]).isEqualTo(1000);
    assertThat(row[1]).isCloseTo((float) Math.exp(-20), within(1e-15f));
    assertThat(row[2]).isZero();
    assertThat(row[3]).isZero();
    assertThat(row[4]).isZero();
  }

  @Test
  void naNMakesAllOfARowNaN() {
    float[] row = {1, Float.NaN, 3, -4, 5, 0, 7, 8, 9};
    float[] maxAndSum = new float[2];

    softmax.exponentials(row, 9, maxAndSum);
    FloatSoftmax.weigh(row, 9, 1 / maxAndSum[1]);

    assertThat(row).containsOnly(Float.NaN);
  }

  private static float[] random(int n, float scale, long seed) {
    var random = new Random(seed);
    float[] values = new float[n];
    for (int k = 0; k < n; k++) {
      values[k] = (float) (scale * random.nextGaussian());
    }
    return values;
  }
}
