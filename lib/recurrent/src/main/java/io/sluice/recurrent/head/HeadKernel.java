package io.sluice.recurrent.head;

import io.sluice.recurrent.kernel.HoldsNativeMemory;
import org.bytedeco.javacpp.Pointer;

/**
 * What a head computes, over time-major memory of one type of number.
 *
 * <p><b>Shapes.</b> B sequences, T time steps, N inputs; row-major without gaps.
 *
 * <pre>
 * mask        (T·B)                in: true at real steps; null where all are
 * parameters  flat                 in: in the order of {@link TimeHead#parameters()}
 * x           (T·B, N)             in: row t·B + b
 * y           (B, M) or (T·B, M)   out: what of it has no real step is zero
 * </pre>
 *
 * <p>What is masked has no effect on {@code y}, whatever its value; {@code dx} is zero there.
 * Sequences do not meet in {@code y} or {@code dx}: NaN in one stays in it.
 */
public interface HeadKernel extends HoldsNativeMemory, AutoCloseable {
  /** Writes {@code y}, and keeps what {@link #backward} needs besides {@code x}. */
  void forward(int T, int B, boolean[] mask, Pointer parameters, Pointer x, Pointer y);

  /**
   * Gradients of the last {@link #forward}, once; {@code parameters} and {@code x} as they were
   * there.
   *
   * @param dx overwritten
   * @param dParameters overwritten with the sum over the batch
   */
  void backward(Pointer parameters, Pointer x, Pointer dy, Pointer dx, Pointer dParameters);

  @Override
  default long nativeBytes() {
    return 0;
  }

  @Override
  default void close() {}
}
