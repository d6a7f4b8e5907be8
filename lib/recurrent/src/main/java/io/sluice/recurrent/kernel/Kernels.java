package io.sluice.recurrent.kernel;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Chooses the kernel of a layer: the fastest that runs here, with a warning where one does not. */
public final class Kernels {
  private static final Logger LOG = LoggerFactory.getLogger(Kernels.class);

  /** Warnings given: once a process is enough. */
  private static final Set<String> WARNED = ConcurrentHashMap.newKeySet();

  private Kernels() {}

  /** A float32 kernel, multiplying in {@code precision} where the processor can. */
  public static RecurrentKernel create(CellShape shape, Direction direction, Precision precision) {
    return create(
        shape, direction, precision, OneDnn.problem().orElse(null), OneDnn.multipliesBf16());
  }

  /**
   * @param oneDnnProblem why oneDNN does not load; null if it does
   */
  static RecurrentKernel create(
      CellShape shape,
      Direction direction,
      Precision precision,
      String oneDnnProblem,
      boolean multipliesBf16) {
    if (oneDnnProblem != null) {
      // 1.5: two layers of B=32, T=50, I=16, H=64, forward and backward, one thread
      warnOnce(
          "Using the fused recurrent kernel over OpenBLAS: oneDNN does not load (%s). Steps take up to 1.5 times as long; put the natives of org.bytedeco:dnnl and org.bytedeco:opencl for this platform on the class path."
              .formatted(oneDnnProblem));
      return new FusedKernel(shape, direction, Gemm.OPEN_BLAS);
    }
    boolean hasBf16 = multipliesBf16 && shape.cell() != Cell.LAYERNORM_LSTM;
    if (precision == Precision.BF16 && !hasBf16) {
      warnOnce(
          multipliesBf16
              ? "Using float32 for bf16: the layer-norm LSTM has no bf16 kernel. Set model.precision = f32 to say so."
              : "Using float32 for bf16: this processor has no AVX512-BF16. Results are those of f32; on one that has it, steps take about 0.6 of the time. Set model.precision = f32 to say so.");
    }
    if (shape.cell() == Cell.LAYERNORM_LSTM) {
      return new FusedKernel(shape, direction, Gemm.ONE_DNN);
    }
    return precision == Precision.BF16 && hasBf16
        ? new OneDnnKernel(shape, direction, Precision.BF16)
        : new PairedKernel(
            new FusedKernel(shape, direction, Gemm.ONE_DNN),
            new OneDnnKernel(shape, direction, Precision.F32));
  }

  private static void warnOnce(String message) {
    if (WARNED.add(message)) {
      LOG.warn(message);
    }
  }
}
