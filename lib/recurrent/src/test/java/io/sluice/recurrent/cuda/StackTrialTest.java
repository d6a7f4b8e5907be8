package io.sluice.recurrent.cuda;

import static io.sluice.recurrent.TensorAssert.assertClose;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.recurrent.kernel.Cell;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The judge of GpuCheck is judged itself: by PyTorch's float64 values, without a GPU. */
class StackTrialTest {
  static Stream<GoldenCase> goldenCases() {
    String named = System.getenv("SLUICE_REFERENCE");
    Path folder = Path.of(named != null && !named.isBlank() ? named : "../../../shared/reference");
    Assumptions.assumeTrue(Files.isDirectory(folder), folder + " is not there");
    return GoldenCase.all(folder).stream()
        .filter(golden -> List.of(Cell.LSTM, Cell.GRU, Cell.RNN).contains(golden.shape.cell()));
  }

  @ParameterizedTest
  @MethodSource("goldenCases")
  void whatIsExpectedOfAStackIsWhatPyTorchComputes(GoldenCase golden) {
    var trial =
        new StackTrial(golden.shape, golden.shape.parts(), golden.T, golden.B, null, true, 1);
    trial.parameters = golden.parameters();
    trial.x = golden.timeMajor("x");
    trial.dy = golden.timeMajor("loss_weights");
    for (double[] zero : List.of(trial.h, trial.c, trial.dhLast, trial.dcLast)) {
      Arrays.fill(zero, 0);
    }

    StackTrial.Result expected = trial.expected();

    // both sides are float64 and differ in the order of sums
    assertClose("y", expected.y(), golden.timeMajor("output"), 1e-10);
    assertClose("h", expected.hLast(), golden.states("h_n"), 1e-10);
    assertClose("dx", expected.dx(), golden.timeMajor("grad_x"), 1e-10);
    assertClose("gradients", expected.gradients(), golden.gradients(), 1e-10);
  }

  @Test
  void aSequenceOfFewStepsIsOneOfItsOwn() {
    var shape = new StackShape(Cell.GRU, 2, 3, 2, true);
    var trial = new StackTrial(shape, shape.parts(), 4, 2, new int[] {4, 2}, true, 3);
    var alone = new StackTrial(shape, shape.parts(), 2, 1, null, true, 3);
    alone.parameters = trial.parameters;
    alone.x = Arrays.copyOfRange(rowsOf(trial.x, 1, 2), 0, 4);
    alone.dy = Arrays.copyOfRange(rowsOf(trial.dy, 1, 6), 0, 12);
    alone.h = rowsOf(trial.h, 1, 3);
    alone.dhLast = rowsOf(trial.dhLast, 1, 3);

    StackTrial.Result whole = trial.expected();
    StackTrial.Result own = alone.expected();

    double[] y = rowsOf(whole.y(), 1, 6);
    assertThat(Arrays.copyOf(y, 12)).isEqualTo(own.y());
    assertThat(Arrays.copyOfRange(y, 12, 24)).containsOnly(0);
    assertThat(rowsOf(whole.hLast(), 1, 3)).isEqualTo(own.hLast());
    assertThat(rowsOf(whole.dh(), 1, 3)).isEqualTo(own.dh());
    assertThat(rowsOf(whole.dx(), 1, 2)).startsWith(own.dx()).endsWith(0, 0, 0, 0);
  }

  /** Rows of sequence b out of two. */
  private static double[] rowsOf(double[] all, int b, int n) {
    double[] rows = new double[all.length / 2];
    for (int row = 0; row < rows.length / n; row++) {
      System.arraycopy(all, (2 * row + b) * n, rows, row * n, n);
    }
    return rows;
  }
}
