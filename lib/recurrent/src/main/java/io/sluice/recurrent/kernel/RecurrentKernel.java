package io.sluice.recurrent.kernel;

import org.bytedeco.javacpp.Pointer;

/**
 * One recurrent layer in one direction over raw memory, forward and backward.
 *
 * <p><b>Shapes.</b> T time steps, B sequences, I inputs, H units; time-major, row-major, dense.
 *
 * <pre>
 * x         (T, B, I)  in
 * y         (T, B, H)  out: hidden state at every step
 * initial   (B, H)     in: h and c before the first step that is read; null is zeros
 * last      (B, H)     out: h and c after the last step that is read; null if nobody wants it
 * </pre>
 *
 * and in {@link #backward} their gradients. A step's place in memory is its place in time; a kernel
 * of {@link Direction#BACKWARD} reads the last one first.
 *
 * <p><b>Elements</b> are float32 in every kernel but {@link ReferenceKernel}, where they are
 * float64.
 *
 * <p><b>Tapes.</b> {@link #forward} keeps what backward needs on a numbered tape; a batch cut into
 * time chunks uses one tape a chunk and runs them backwards from the last. A tape is overwritten by
 * the next forward with its number. Between forward and backward of a tape the memory of x must
 * stay as it is: a kernel may hold on to it instead of copying. That of y is the caller's, who may
 * change it: DL4J applies a layer's dropout in place to the output of the one below.
 *
 * <p><b>Aliasing.</b> {@code last} may be {@code initial} in {@link #infer}; no others may overlap.
 *
 * <p><b>Threads.</b> One at a time; a kernel holds scratch memory. {@link #close} frees it.
 */
public interface RecurrentKernel extends AutoCloseable {
  /** Which cell, and its sizes. */
  CellShape shape();

  /** As a person reads it in a log, e.g. "oneDNN bf16". */
  String name();

  /**
   * Takes the parameters for all calls that follow, which bring them into the kernel's own order;
   * mostly not if they equal the last ones.
   *
   * @param parameters {@link CellShape#parameterCount()} elements, laid out as {@link CellShape}
   *     says; stay as they are until the passes that follow and their ways back are done: a kernel
   *     may read them where they lie
   */
  void setParameters(Pointer parameters);

  /**
   * What gradients are multiplied by inside in backward passes that follow, and divided by on their
   * way out: a power of two that lifts them into the range of half precision. Nothing to do for a
   * kernel whose gradients are float32. A gradient that overflows all the same comes out as a
   * number that is not finite.
   */
  default void setLossScale(float scale) {}

  /**
   * Multiplies the hidden state on its way into RW, at every time step of the passes that follow:
   * variational dropout of the recurrent state, with one mask a sequence, whose factors are 0 or 1
   * divided by the share kept. What else a cell does with its hidden state is left as it is.
   *
   * <p><b>Source.</b> Gal and Ghahramani, "A Theoretically Grounded Application of Dropout in
   * Recurrent Neural Networks", NIPS 2016, equation 7.
   *
   * @param factors (B, H); stays as it is until the passes and their ways back are done; null is
   *     ones
   * @throws UnsupportedOperationException if the kernel has none, see {@link Kernels#create}
   */
  void setStateFactors(Pointer factors);

  /** Forward without a way back. */
  void infer(int T, int B, Pointer x, State initial, Pointer y, State last);

  /** Forward, keeping on {@code tape} what {@link #backward} needs. */
  void forward(int tape, int T, int B, Pointer x, State initial, Pointer y, State last);

  /**
   * Backward over what {@code tape} holds; parameter gradients are added to the kernel's sum.
   *
   * @param dy (T, B, H) in: ∂L/∂y
   * @param dLast (B, H) in: ∂L/∂last; null is zeros
   * @param dx (T, B, I) out: ∂L/∂x; null if nobody wants it
   * @param dInitial (B, H) out: ∂L/∂initial; null if nobody wants it
   */
  void backward(int tape, Pointer dy, State dLast, Pointer dx, State dInitial);

  /**
   * Forgets what tapes hold and frees their host memory, and what passes without a way back hold
   * besides. A tape grows to the largest pass it ever held: passes that differ in size would hold
   * more together than any one of them needs.
   */
  void freeTapes();

  /**
   * Lets the backward passes before the next {@link #takeGradients} add up their parameter
   * gradients where that will write them, so that a kernel needs no memory of its own for the sum.
   * What lies there is lost with the first of these passes.
   *
   * @param dParameters as {@link #takeGradients} will be given it
   */
  default void sumGradientsAt(Pointer dParameters) {}

  /**
   * Writes the sum of the parameter gradients of all backward calls since the last time, and starts
   * a new sum.
   *
   * @param dParameters out: overwritten, laid out as the parameters
   */
  void takeGradients(Pointer dParameters);

  /** Native memory that the kernel holds now, in bytes. */
  long nativeBytes();

  @Override
  void close();
}
