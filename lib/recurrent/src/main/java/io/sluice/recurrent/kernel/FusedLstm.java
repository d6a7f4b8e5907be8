package io.sluice.recurrent.kernel;

/** LSTM with or without peepholes; keeps its activated gates i f g o in a. */
final class FusedLstm extends FusedCell {
  private final RowParameter[] b;

  /** Of i, f and o; null without. */
  private final RowParameter[] peepholes;

  FusedLstm(CellShape shape) {
    super(shape);
    this.b = parameters("b", 4);
    this.peepholes = shape.cell() == Cell.PEEPHOLE_LSTM ? parameters("P", 3) : null;
  }

  @Override
  void forward(FusedRows rows, FusedRows.State state, int n) {
    float[] i = rows.a[0];
    float[] f = rows.a[1];
    float[] g = rows.a[2];
    float[] o = rows.a[3];
    for (int gate = 0; gate < 4; gate++) {
      add(rows.a[gate], b[gate].values, n);
    }
    if (peepholes != null) {
      addProduct(i, peepholes[0].values, state.cBefore, n);
      addProduct(f, peepholes[1].values, state.cBefore, n);
    }
    Activations.sigmoid(i, n);
    Activations.sigmoid(f, n);
    Activations.tanh(g, n);
    cellState(i, f, g, state.cBefore, state.c, n);
    Activations.flush(state.c, n);
    if (peepholes != null) {
      addProduct(o, peepholes[2].values, state.c, n);
    }
    Activations.sigmoid(o, n);
    Activations.tanh(state.c, rows.h, n);
    multiply(rows.h, o, n);
  }

  @Override
  void backward(FusedRows rows, FusedRows.State state, int n) {
    float[] dIn = rows.da[0];
    float[] dForget = rows.da[1];
    float[] dOut = rows.da[3];
    float[] dc = state.dc;
    Activations.tanh(state.c, rows.work, n);
    throughOutput(rows.dh, rows.work, rows.a[3], dOut, dc, n);
    if (peepholes != null) {
      addProduct(dc, dOut, peepholes[2].values, n);
    }
    throughGates(dc, rows.a[0], rows.a[1], rows.a[2], state.cBefore, dIn, dForget, n);
    throughCandidate(dc, rows.a[0], rows.a[1], rows.a[2], rows.da[2], n);
    if (peepholes != null) {
      addProduct(dc, dIn, peepholes[0].values, n);
      addProduct(dc, dForget, peepholes[1].values, n);
      addProduct(peepholes[0].gradient, dIn, state.cBefore, n);
      addProduct(peepholes[1].gradient, dForget, state.cBefore, n);
      addProduct(peepholes[2].gradient, dOut, state.c, n);
    }
    Activations.flush(dc, n);
    for (int gate = 0; gate < 4; gate++) {
      Activations.flush(rows.da[gate], n);
      add(b[gate].gradient, rows.da[gate], n);
    }
  }
}
