package io.sluice.recurrent.kernel;

import org.bytedeco.javacpp.Pointer;

/**
 * Alike layers on top of each other, forward, in one call on a device: what they hand each other
 * never leaves it.
 *
 * <p><b>Shapes.</b> T time steps, B sequences, I inputs of the lowest layer, H units of each;
 * time-major, row-major, dense, float32. Every sequence has T steps and begins with a state of
 * zeros.
 *
 * <p>Parameters are the blocks of {@link CellShape}, lowest layer first. One tape; its backward
 * pass uses it up. One thread at a time.
 */
public interface StackKernel extends AutoCloseable {
  /**
   * Takes the parameters for all calls that follow.
   *
   * @param parameters of all layers; may change once the pass that follows is done
   */
  void setParameters(Pointer parameters);

  /** As in {@link RecurrentKernel#setLossScale}. */
  void setLossScale(float scale);

  /**
   * Forward without a way back.
   *
   * @param x (T, B, I) in
   * @param y (T, B, H) out: the highest layer's
   */
  void infer(int T, int B, Pointer x, Pointer y);

  /** Forward, keeping what {@link #backward} needs. */
  void forward(int T, int B, Pointer x, Pointer y);

  /**
   * Backward over the last {@link #forward}; parameter gradients are added to the kernel's sum.
   *
   * @param dy (T, B, H) in
   * @param dx (T, B, I) out; null if nobody wants it
   */
  void backward(Pointer dy, Pointer dx);

  /** As in {@link RecurrentKernel#takeGradients}, of all layers. */
  void takeGradients(Pointer dParameters);

  /** Native memory of the host that it holds now, in bytes. */
  long nativeBytes();

  @Override
  void close();
}
