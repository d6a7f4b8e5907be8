package io.sluice.recurrent.kernel;

import io.sluice.recurrent.cuda.Cuda;
import io.sluice.recurrent.cuda.CudaPrecision;
import io.sluice.recurrent.cuda.CudnnKernel;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;

/** What every kernel must do, of cuDNN's on a machine that has a GPU. */
abstract class CudnnContract extends KernelContract {
  private final CudaPrecision precision;

  CudnnContract(CudaPrecision precision) {
    this.precision = precision;
  }

  @BeforeEach
  void machineHasAGpu() {
    assume(Cuda.problem().isEmpty(), Cuda.problem().orElse(""));
  }

  @Override
  RecurrentKernel kernel(CellShape shape, Direction direction) {
    return new CudnnKernel(shape, direction, precision, 0);
  }

  @Override
  List<Cell> cells() {
    return List.of(Cell.LSTM, Cell.GRU, Cell.RNN);
  }
}
