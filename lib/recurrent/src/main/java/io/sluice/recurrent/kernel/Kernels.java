package io.sluice.recurrent.kernel;

import java.util.Optional;
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

  /**
   * A float32 kernel on the calling thread's {@link Device}, multiplying in {@code precision} where
   * that can.
   *
   * @param dropsState whether it will be given factors of the hidden state
   * @throws UnsupportedOperationException if the device must be a GPU, which lacks something for it
   */
  public static RecurrentKernel create(
      CellShape shape, Direction direction, Precision precision, boolean dropsState) {
    return Device.current()
        .kernel(shape, direction, precision, dropsState)
        .orElseGet(() -> onCpu(shape, direction, precision, dropsState));
  }

  /**
   * A kernel for alike layers on top of each other, none of which drops its state, on the calling
   * thread's {@link Device}; empty where a kernel for each is as good.
   *
   * @param lowest whose outputs the next one reads
   * @throws DeviceMemoryException if the device has no memory for it
   */
  public static Optional<StackKernel> createStack(
      CellShape lowest, int layers, Precision precision) {
    return Device.current().stack(lowest, layers, precision);
  }

  static RecurrentKernel onCpu(
      CellShape shape, Direction direction, Precision precision, boolean dropsState) {
    return onCpu(
        shape,
        direction,
        precision,
        dropsState,
        OneDnn.problem().orElse(null),
        OneDnn.multipliesBf16());
  }

  /**
   * @param oneDnnProblem why oneDNN does not load; null if it does
   */
  static RecurrentKernel onCpu(
      CellShape shape,
      Direction direction,
      Precision precision,
      boolean dropsState,
      String oneDnnProblem,
      boolean multipliesBf16) {
    warning(shape, precision, dropsState, oneDnnProblem, multipliesBf16)
        .ifPresent(Kernels::warnOnce);
    if (oneDnnProblem != null) {
      return new FusedKernel(shape, direction, Gemm.OPEN_BLAS);
    }
    if (shape.cell() == Cell.LAYERNORM_LSTM) {
      return new FusedKernel(shape, direction, Gemm.ONE_DNN);
    }
    if (precision == Precision.BF16 && multipliesBf16 && !dropsState) {
      var primitive = new OneDnnKernel(shape, direction, Precision.BF16);
      return trainsFusedInBf16(shape)
          ? new PairedKernel(new FusedKernel(shape, direction, new Bf16Products()), primitive)
          : primitive;
    }
    return new PairedKernel(
        new FusedKernel(shape, direction, Gemm.ONE_DNN),
        new OneDnnKernel(shape, direction, Precision.F32));
  }

  /**
   * Whether bf16 trains on products rather than on oneDNN's primitive: from the size on where the
   * recurrent weights do not fit a core's cache, the primitive's way back takes them from memory
   * time step by time step.
   */
  private static boolean trainsFusedInBf16(CellShape shape) {
    // B=20, T=35, one thread: at 512 units 147 GFLOP/s against the primitive's 140, at 650 165
    // against 102, at 1500 138 against 71; below 400 the primitive is up to 1.15 times as fast
    return shape.hiddenSize() >= 600;
  }

  /**
   * Native memory that a kernel made by {@link #create} holds while it trains on batches of B
   * sequences of T time steps, in bytes; on a GPU less, and what that holds of its own.
   *
   * @param tapes passes that are kept for their way back at a time
   */
  public static long trainingBytes(
      CellShape shape, Precision precision, boolean dropsState, int T, int B, int tapes) {
    if (!computesInBf16(shape, precision, dropsState)) {
      return FusedKernel.trainingBytes(shape, T, B, tapes, dropsState);
    }
    return trainsFusedInBf16(shape)
        ? FusedKernel.bf16TrainingBytes(shape, T, B, tapes)
        : OneDnnKernel.trainingBytes(shape, Precision.BF16, T, B, tapes);
  }

  /** Whether {@link #create} gives a kernel that multiplies in bf16 on this CPU. */
  public static boolean computesInBf16(CellShape shape, Precision precision, boolean dropsState) {
    return precision == Precision.BF16
        && shape.cell() != Cell.LAYERNORM_LSTM
        && !dropsState
        && OneDnn.problem().isEmpty()
        && OneDnn.multipliesBf16();
  }

  /** Why the kernel is not the one that was asked for, what that costs and what to do. */
  static Optional<String> warning(
      CellShape shape,
      Precision precision,
      boolean dropsState,
      String oneDnnProblem,
      boolean multipliesBf16) {
    if (oneDnnProblem != null) {
      // 1.5: two layers of B=32, T=50, I=16, H=64, forward and backward, one thread
      return Optional.of(
          "Using the fused recurrent kernel over OpenBLAS: oneDNN does not load (%s). Steps take up to 1.5 times as long; put the natives of org.bytedeco:dnnl and org.bytedeco:opencl for this platform on the class path."
              .formatted(oneDnnProblem));
    }
    if (precision == Precision.F32 || precision == Precision.TF32) {
      return Optional.empty();
    }
    if (precision == Precision.F16) {
      return Optional.of(
          "Using float32 for f16: only a GPU multiplies in half precision, and this layer computes on a CPU. Results are those of f32. Set model.precision = f32 to say so, or bf16, which some CPUs have.");
    }
    if (shape.cell() == Cell.LAYERNORM_LSTM) {
      return Optional.of(
          "Using float32 for bf16: the layer-norm LSTM has no bf16 kernel. Set model.precision = f32 to say so.");
    }
    if (dropsState) {
      return Optional.of(
          "Using float32 for bf16: the bf16 kernel cannot drop recurrent state. Set model.precision = f32 to say so, or model.recurrent-dropout = 0.");
    }
    return multipliesBf16
        ? Optional.empty()
        : Optional.of(
            "Using float32 for bf16: this processor has no AVX512-BF16. Results are those of f32; on one that has it, steps take about 0.6 of the time. Set model.precision = f32 to say so.");
  }

  /** Logs a warning about kernels or devices, unless this process has heard it before. */
  public static void warnOnce(String message) {
    if (WARNED.add(message)) {
      LOG.warn(message);
    }
  }
}
