package io.sluice.recurrent.kernel;

import org.bytedeco.javacpp.Pointer;

/**
 * Trains on one kernel and infers on another.
 *
 * <p>In float32 {@link FusedKernel} trains faster than oneDNN's primitive at small sizes and as
 * fast at large ones, and keeps a third of its memory; the primitive infers faster, as one native
 * call. In bfloat16 the same holds from 600 units on ({@link Kernels}).
 *
 * <p>Shapes and rules are those of {@link RecurrentKernel}.
 */
final class PairedKernel implements RecurrentKernel {
  private final FusedKernel training;
  private final OneDnnKernel inference;
  private boolean hasFactors;

  PairedKernel(FusedKernel training, OneDnnKernel inference) {
    this.training = training;
    this.inference = inference;
  }

  @Override
  public CellShape shape() {
    return training.shape();
  }

  @Override
  public String name() {
    return "%s, inference %s".formatted(training.name(), inference.name());
  }

  @Override
  public void setParameters(Pointer parameters) {
    training.setParameters(parameters);
  }

  @Override
  public void setStateFactors(Pointer factors) {
    training.setStateFactors(factors);
    hasFactors = factors != null;
  }

  @Override
  public void infer(int T, int B, Pointer x, State initial, Pointer y, State last) {
    if (hasFactors) {
      training.infer(T, B, x, initial, y, last);
    } else {
      inference.setParameters(training.parameters());
      inference.infer(T, B, x, initial, y, last);
    }
  }

  @Override
  public void forward(int tape, int T, int B, Pointer x, State initial, Pointer y, State last) {
    training.forward(tape, T, B, x, initial, y, last);
  }

  @Override
  public void backward(int tape, Pointer dy, State dLast, Pointer dx, State dInitial) {
    training.backward(tape, dy, dLast, dx, dInitial);
  }

  @Override
  public void freeTapes() {
    training.freeTapes();
    inference.forget();
  }

  @Override
  public void sumGradientsAt(Pointer dParameters) {
    training.sumGradientsAt(dParameters);
  }

  @Override
  public void takeGradients(Pointer dParameters) {
    training.takeGradients(dParameters);
  }

  @Override
  public long nativeBytes() {
    return training.nativeBytes() + inference.nativeBytes();
  }

  @Override
  public void close() {
    training.close();
    inference.close();
  }
}
