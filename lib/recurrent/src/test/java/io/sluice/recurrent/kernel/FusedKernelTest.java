package io.sluice.recurrent.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class FusedKernelTest extends KernelContract {
  @Override
  RecurrentKernel kernel(CellShape shape, Direction direction) {
    return new FusedKernel(shape, direction, Gemm.ONE_DNN);
  }

  @Override
  List<Cell> cells() {
    return List.of(Cell.values());
  }

  @Override
  double tolerance() {
    // float32 holds 6e-8; products of up to 207 + 207 terms, activations within 3e-7, and the
    // layer norm of few numbers divides by a small deviation
    return 1e-5;
  }

  @TestFactory
  List<DynamicTest> agreesWithTheReferenceUnderStateFactors() {
    return each(
        (cell, direction) -> {
          for (int[] size : new int[][] {{7, 3, 13}, {13, 64, 65}, {5, 207, 7}, {40, 33, 64}}) {
            var trial =
                new Trial(new CellShape(cell, 3, size[2]), size[0], size[1], 17).withFactors();
            try (RecurrentKernel kernel = kernel(trial.shape, direction)) {
              Trial.Result expected = trial.run(new ReferenceKernel(trial.shape, direction));
              // factors of 2 double every rounding on its way
              requireClose(
                  Arrays.toString(size), trial, trial.run(kernel), expected, 10 * tolerance());
              Trial.Run run = trial.on(kernel);
              assertThat(run.infer().y()).isEqualTo(trial.run(kernel).y());
              kernel.setStateFactors(null);
              trial.factors = null;
              requireClose(
                  "without",
                  trial,
                  trial.run(kernel),
                  trial.run(new ReferenceKernel(trial.shape, direction)),
                  tolerance());
            }
          }
        });
  }

  @TestFactory
  List<DynamicTest> holdsWhatIsPlanned() {
    return each(
        (cell, direction) -> {
          for (boolean drops : new boolean[] {true, false}) {
            for (int[] size : new int[][] {{7, 3, 13}, {40, 33, 64}}) {
              var trial = new Trial(new CellShape(cell, 3, size[2]), size[0], size[1], 17);
              if (drops) {
                trial.withFactors();
              }
              try (RecurrentKernel kernel = kernel(trial.shape, direction)) {
                trial.train(kernel);
                assertThat(kernel.nativeBytes())
                    .isEqualTo(FusedKernel.trainingBytes(trial.shape, size[0], size[1], 1, drops));
              }
            }
          }
        });
  }

  @Test
  void activationsAreWithinTheirBoundAndKeepNotANumber() {
    float[] x = new float[4001];
    for (int k = 0; k < x.length; k++) {
      x[k] = (k - 2000) / 100f;
    }
    float[] tanh = x.clone();
    float[] sigmoid = x.clone();

    Activations.tanh(tanh, x.length);
    Activations.sigmoid(sigmoid, x.length);

    for (int k = 0; k < x.length; k++) {
      assertThat(Math.abs(tanh[k] - Math.tanh(x[k]))).as("tanh %s", x[k]).isLessThan(3e-7);
      assertThat(Math.abs(sigmoid[k] - 1 / (1 + Math.exp(-x[k]))))
          .as("sigmoid %s", x[k])
          .isLessThan(3e-7);
    }
    float[] odd = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY};
    Activations.tanh(odd, 3);
    assertThat(odd[0]).isNaN();
    assertThat(odd[1]).isBetween(0.9999997f, 1f);
    assertThat(odd[2]).isBetween(-1f, -0.9999997f);
  }

  @Test
  void tinyNumbersBecomeZeroAndOthersStay() {
    float[] v = {1e-39f, -3e-34f, 1e-16f, -0.5f, Float.NaN};

    Activations.flush(v, v.length);

    assertThat(v).containsExactly(0, 0, 1e-16f, -0.5f, Float.NaN);
  }
}
