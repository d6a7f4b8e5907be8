package io.sluice.recurrent.kernel;

/** Elman's cell with tanh; keeps h in a. */
final class FusedRnn extends FusedCell {
  private final RowParameter b;

  FusedRnn(CellShape shape) {
    super(shape);
    this.b = parameter("b", 0);
  }

  @Override
  void forward(FusedRows rows, FusedRows.State state, int n) {
    add(rows.a[0], b.values, n);
    Activations.tanh(rows.a[0], n);
    System.arraycopy(rows.a[0], 0, rows.h, 0, n);
  }

  @Override
  void backward(FusedRows rows, FusedRows.State state, int n) {
    throughTanh(rows.dh, rows.a[0], rows.da[0], n);
    Activations.flush(rows.da[0], n);
    add(b.gradient, rows.da[0], n);
  }

  private static void throughTanh(float[] dh, float[] h, float[] da, int n) {
    for (int k = 0; k < n; k++) {
      da[k] = dh[k] * (1 - h[k] * h[k]);
    }
  }
}
