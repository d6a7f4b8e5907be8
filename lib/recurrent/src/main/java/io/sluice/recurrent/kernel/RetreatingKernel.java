package io.sluice.recurrent.kernel;

import java.util.function.Supplier;
import org.bytedeco.javacpp.Pointer;

/**
 * A kernel on a device whose memory may not be enough, which goes over to the CPU then, once and
 * for good, with a warning.
 *
 * <p>It can do so only where the device holds nothing that is needed later: in inference, and on
 * the first tape of a pass. Should the memory end on a later tape, the failure is the caller's.
 *
 * <p>Shapes and rules are those of {@link RecurrentKernel}; tapes are used in order.
 */
final class RetreatingKernel implements RecurrentKernel {
  private final Supplier<RecurrentKernel> onCpu;
  private final CellShape shape;
  private RecurrentKernel kernel;
  private boolean retreated;

  /** What the CPU's kernel would begin with. */
  private Pointer parameters;

  private Pointer factors;

  /**
   * @param onDevice closed by this kernel
   * @param onCpu makes what takes its place
   */
  RetreatingKernel(RecurrentKernel onDevice, Supplier<RecurrentKernel> onCpu) {
    this.kernel = onDevice;
    this.onCpu = onCpu;
    this.shape = onDevice.shape();
  }

  static String warning(DeviceMemoryException e) {
    return "Going on with a layer on the CPU: %s %s".formatted(e.getMessage(), Device.COST);
  }

  @Override
  public CellShape shape() {
    return shape;
  }

  @Override
  public String name() {
    return kernel.name();
  }

  @Override
  public void setParameters(Pointer parameters) {
    this.parameters = parameters;
    kernel.setParameters(parameters);
  }

  @Override
  public void setStateFactors(Pointer factors) {
    this.factors = factors;
    kernel.setStateFactors(factors);
  }

  @Override
  public void setLossScale(float scale) {
    kernel.setLossScale(scale);
  }

  @Override
  public void infer(int T, int B, Pointer x, State initial, Pointer y, State last) {
    try {
      kernel.infer(T, B, x, initial, y, last);
    } catch (DeviceMemoryException e) {
      retreat(e);
      kernel.infer(T, B, x, initial, y, last);
    }
  }

  @Override
  public void forward(int tape, int T, int B, Pointer x, State initial, Pointer y, State last) {
    try {
      kernel.forward(tape, T, B, x, initial, y, last);
    } catch (DeviceMemoryException e) {
      if (tape > 0) {
        throw e;
      }
      retreat(e);
      kernel.forward(tape, T, B, x, initial, y, last);
    }
  }

  private void retreat(DeviceMemoryException e) {
    if (retreated) {
      throw e;
    }
    Kernels.warnOnce(warning(e));
    retreated = true;
    kernel.close();
    kernel = onCpu.get();
    kernel.setParameters(parameters);
    kernel.setStateFactors(factors);
  }

  @Override
  public void backward(int tape, Pointer dy, State dLast, Pointer dx, State dInitial) {
    kernel.backward(tape, dy, dLast, dx, dInitial);
  }

  @Override
  public void freeTapes() {
    kernel.freeTapes();
  }

  @Override
  public void sumGradientsAt(Pointer dParameters) {
    kernel.sumGradientsAt(dParameters);
  }

  @Override
  public void takeGradients(Pointer dParameters) {
    kernel.takeGradients(dParameters);
  }

  @Override
  public long nativeBytes() {
    return kernel.nativeBytes();
  }

  @Override
  public void close() {
    kernel.close();
  }
}
