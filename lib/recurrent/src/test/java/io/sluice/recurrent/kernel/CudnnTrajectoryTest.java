package io.sluice.recurrent.kernel;

import io.sluice.recurrent.cuda.Cuda;
import io.sluice.recurrent.cuda.CudaContext;
import io.sluice.recurrent.cuda.CudaPrecision;
import io.sluice.recurrent.cuda.CudnnKernel;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Twenty steps of training with the recurrent layers on a GPU. */
class CudnnTrajectoryTest {
  @BeforeAll
  static void machineHasAGpu() {
    Assumptions.assumeTrue(Cuda.problem().isEmpty(), () -> Cuda.problem().get());
  }

  static Stream<GoldenFile> trajectories() {
    return GoldenFile.trajectories(GoldenFile.folder());
  }

  @ParameterizedTest
  @MethodSource("trajectories")
  void lossesNormsAndParametersAreThoseOfPyTorch(GoldenFile golden) {
    try (var context = new CudaContext(0)) {
      TrajectoryTest.requireTrajectory(
          golden,
          shape -> new CudnnKernel(shape, Direction.FORWARD, CudaPrecision.F32, context),
          // exponentials good to 4e-6, and Adam divides by small deviations
          1e-3);
    }
  }
}
