package io.sluice.recurrent.kernel;

import io.sluice.recurrent.cuda.Cuda;
import io.sluice.recurrent.cuda.CudaContext;
import io.sluice.recurrent.cuda.CudaPrecision;
import io.sluice.recurrent.cuda.CudnnKernel;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** What every kernel must do, of cuDNN's on a machine that has a GPU. */
abstract class CudnnContract extends KernelContract {
  private final CudaPrecision precision;

  CudnnContract(CudaPrecision precision) {
    this.precision = precision;
  }

  /** One for all kernels of a class: making one takes longer than a pass. */
  private static CudaContext context;

  @BeforeAll
  static void machineHasAGpu() {
    assume(Cuda.problem().isEmpty(), Cuda.problem().orElse(""));
    context = new CudaContext(0);
  }

  @AfterAll
  static void closeContext() {
    if (context != null) {
      context.close();
    }
  }

  @Override
  RecurrentKernel kernel(CellShape shape, Direction direction) {
    return new CudnnKernel(shape, direction, precision, context);
  }

  @Override
  List<Cell> cells() {
    return List.of(Cell.LSTM, Cell.GRU, Cell.RNN);
  }
}
