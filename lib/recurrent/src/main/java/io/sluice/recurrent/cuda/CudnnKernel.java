package io.sluice.recurrent.cuda;

import io.sluice.recurrent.kernel.CellShape;
import io.sluice.recurrent.kernel.Direction;
import io.sluice.recurrent.kernel.RecurrentKernel;
import io.sluice.recurrent.kernel.State;
import org.bytedeco.javacpp.Pointer;

/**
 * A recurrent layer by cuDNN: a {@link CudnnStack} of one layer behind the contract of the CPU
 * kernels.
 *
 * <p>Equations and shapes are those of {@link RecurrentKernel}; there are no peephole and
 * layer-norm LSTMs. Memory is the host's: every pass copies its tensors to the device and back, so
 * layers that are alike belong in one stack. A layer that reads backward has its time turned round
 * while it is copied.
 *
 * <p><b>Tapes.</b> A tape's backward pass uses it up: forward comes first again.
 */
public final class CudnnKernel implements RecurrentKernel {
  static final String NO_FACTORS =
      "cuDNN drops nothing of the recurrent state: set model.recurrent-dropout = 0, or train on the CPU, where the fused kernel does (device = cpu)";

  private final CellShape shape;
  private final CudaContext context;
  private final boolean ownsContext;
  private final CudnnStack stack;
  private boolean closed;

  /**
   * @param device the GPU's number
   * @throws IllegalArgumentException if cuDNN has no such cell, or there is no such device
   * @throws IllegalStateException if no GPU can be used here, see {@link Cuda#problem}
   */
  public CudnnKernel(CellShape shape, Direction direction, CudaPrecision precision, int device) {
    this(shape, direction, precision, null, device);
  }

  /** On a context that other kernels use too, and that its maker closes after them. */
  public CudnnKernel(
      CellShape shape, Direction direction, CudaPrecision precision, CudaContext context) {
    this(shape, direction, precision, context, context.device());
  }

  private CudnnKernel(
      CellShape shape,
      Direction direction,
      CudaPrecision precision,
      CudaContext shared,
      int device) {
    switch (shape.cell()) {
      case LSTM, GRU, RNN -> {}
      case PEEPHOLE_LSTM, LAYERNORM_LSTM -> throw RnnDescriptor.unsupported(shape.cell());
    }
    this.shape = shape;
    this.ownsContext = shared == null;
    this.context = shared == null ? new CudaContext(device) : shared;
    var one = new StackShape(shape.cell(), shape.inputSize(), shape.hiddenSize(), 1, false);
    try {
      this.stack = new CudnnStack(context, one, precision, direction == Direction.BACKWARD, null);
    } catch (RuntimeException e) {
      if (ownsContext) {
        context.close();
      }
      throw e;
    }
  }

  @Override
  public CellShape shape() {
    return shape;
  }

  @Override
  public String name() {
    return "cuDNN " + stack.precision().label();
  }

  @Override
  public void setParameters(Pointer parameters) {
    stack.setParameters(parameters);
  }

  @Override
  public void setStateFactors(Pointer factors) {
    if (factors != null) {
      throw new UnsupportedOperationException(NO_FACTORS);
    }
  }

  @Override
  public void infer(int T, int B, Pointer x, State initial, Pointer y, State last) {
    stack.infer(T, B, null, x, initial, y, last);
  }

  @Override
  public void forward(int tape, int T, int B, Pointer x, State initial, Pointer y, State last) {
    stack.forward(tape, T, B, null, x, initial, y, last);
  }

  @Override
  public void backward(int tape, Pointer dy, State dLast, Pointer dx, State dInitial) {
    stack.backward(tape, dy, dLast, dx, dInitial);
  }

  /** The device's stay: passes that were captured go by their addresses. */
  @Override
  public void freeTapes() {}

  @Override
  public void takeGradients(Pointer dParameters) {
    stack.takeGradients(dParameters);
  }

  @Override
  public void setLossScale(float scale) {
    stack.setLossScale(scale);
  }

  /** As in {@link CudnnStack#overflowed}. */
  public boolean overflowed() {
    return stack.overflowed();
  }

  /** The host's; the device's is {@link #deviceBytes}. */
  @Override
  public long nativeBytes() {
    return stack.hostBytes();
  }

  /** Bytes of the device's memory that it holds now. */
  public long deviceBytes() {
    return stack.deviceBytes() + (ownsContext ? context.deviceBytes() : 0);
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      stack.close();
      if (ownsContext) {
        context.close();
      }
    }
  }
}
