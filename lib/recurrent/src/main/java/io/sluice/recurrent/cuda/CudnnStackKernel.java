package io.sluice.recurrent.cuda;

import io.sluice.recurrent.kernel.StackKernel;
import org.bytedeco.javacpp.Pointer;

/** A {@link CudnnStack} on a context of its own, for batches without masks and states. */
final class CudnnStackKernel implements StackKernel {
  private final CudaContext context;
  private final CudnnStack stack;

  CudnnStackKernel(StackShape shape, CudaPrecision precision, int device) {
    context = new CudaContext(device);
    try {
      stack = new CudnnStack(context, shape, precision);
    } catch (RuntimeException e) {
      context.close();
      throw e;
    }
  }

  @Override
  public void setParameters(Pointer parameters) {
    stack.setParameters(parameters);
  }

  @Override
  public void setLossScale(float scale) {
    stack.setLossScale(scale);
  }

  @Override
  public void infer(int T, int B, Pointer x, Pointer y) {
    stack.infer(T, B, null, x, null, y, null);
  }

  @Override
  public void forward(int T, int B, Pointer x, Pointer y) {
    stack.forward(0, T, B, null, x, null, y, null);
  }

  @Override
  public void backward(Pointer dy, Pointer dx) {
    stack.backward(0, dy, null, dx, null);
  }

  @Override
  public void takeGradients(Pointer dParameters) {
    stack.takeGradients(dParameters);
  }

  @Override
  public long nativeBytes() {
    return stack.hostBytes();
  }

  @Override
  public void close() {
    stack.close();
    context.close();
  }
}
