package io.sluice.recurrent.cuda;

import io.sluice.recurrent.kernel.AcceleratorKernels;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.CellShape;
import io.sluice.recurrent.kernel.Direction;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.kernel.RecurrentKernel;
import io.sluice.recurrent.kernel.StackKernel;
import java.util.Optional;

/** NVIDIA GPUs for {@code recurrent.kernel}; found by {@link java.util.ServiceLoader}. */
public final class CudaKernels implements AcceleratorKernels {
  @Override
  public Optional<String> problem() {
    return Cuda.problem();
  }

  @Override
  public int devices() {
    return Cuda.devices();
  }

  @Override
  public String describe(int device) {
    return Cuda.describe(device);
  }

  @Override
  public long freeBytes(int device) {
    return Cuda.freeBytes(device);
  }

  @Override
  public Optional<String> lack(Cell cell, boolean dropsState) {
    return switch (cell) {
      case LSTM, GRU, RNN -> dropsState ? Optional.of(CudnnKernel.NO_FACTORS) : Optional.empty();
      case PEEPHOLE_LSTM, LAYERNORM_LSTM ->
          Optional.of(RnnDescriptor.unsupported(cell).getMessage());
    };
  }

  /** On a context of its own, because threads may share a GPU but not a context. */
  @Override
  public RecurrentKernel create(
      CellShape shape, Direction direction, Precision precision, int device) {
    return new CudnnKernel(shape, direction, cuda(precision), device);
  }

  @Override
  public Optional<StackKernel> createStack(
      CellShape lowest, int layers, Precision precision, int device) {
    var shape =
        new StackShape(lowest.cell(), lowest.inputSize(), lowest.hiddenSize(), layers, false);
    return Optional.of(new CudnnStackKernel(shape, cuda(precision), device));
  }

  private static CudaPrecision cuda(Precision precision) {
    return switch (precision) {
      case F32 -> CudaPrecision.F32;
      case TF32 -> CudaPrecision.TF32;
      case BF16 -> CudaPrecision.BF16;
      case F16 -> CudaPrecision.F16;
    };
  }
}
