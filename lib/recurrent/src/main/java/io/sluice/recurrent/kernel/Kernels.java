package io.sluice.recurrent.kernel;

/** Chooses the kernel of a layer. */
public final class Kernels {
  private Kernels() {}

  /** The fastest float32 kernel that runs here. */
  public static RecurrentKernel create(CellShape shape, Direction direction, Precision precision) {
    return new OneDnnKernel(shape, direction, precision);
  }
}
