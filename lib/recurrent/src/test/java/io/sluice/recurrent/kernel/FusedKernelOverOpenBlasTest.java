package io.sluice.recurrent.kernel;

import java.util.List;

/** Where oneDNN does not load. */
class FusedKernelOverOpenBlasTest extends KernelContract {
  @Override
  RecurrentKernel kernel(CellShape shape, Direction direction) {
    return new FusedKernel(shape, direction, Gemm.OPEN_BLAS);
  }

  @Override
  List<Cell> cells() {
    return List.of(Cell.values());
  }

  @Override
  double tolerance() {
    return 1e-5; // as FusedKernelTest
  }
}
