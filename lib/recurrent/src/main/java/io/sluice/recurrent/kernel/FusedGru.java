package io.sluice.recurrent.kernel;

/** GRU; keeps its activated gates r z n in a, and RW_n·h⁻ + b_q besides. */
final class FusedGru extends FusedCell {
  private final RowParameter[] b;

  FusedGru(CellShape shape) {
    super(shape);
    this.b = parameters("b", 4);
  }

  @Override
  boolean keepsSidesApart() {
    return true;
  }

  @Override
  boolean readsHidden() {
    return true;
  }

  @Override
  int extras() {
    return 1;
  }

  @Override
  void forward(FusedRows rows, FusedRows.State state, int n) {
    float[] reset = rows.a[0];
    float[] z = rows.a[1];
    float[] candidate = rows.a[2];
    float[] q = rows.extra[0];
    for (int gate = 0; gate < 3; gate++) {
      add(rows.a[gate], b[gate].values, n);
    }
    add(reset, rows.r[0], n);
    add(z, rows.r[1], n);
    Activations.sigmoid(reset, n);
    Activations.sigmoid(z, n);
    System.arraycopy(rows.r[2], 0, q, 0, n);
    add(q, b[3].values, n);
    addProduct(candidate, reset, q, n);
    Activations.tanh(candidate, n);
    mix(candidate, z, state.h, rows.h, n);
    Activations.flush(rows.h, n);
  }

  /** h = n + z·(h⁻ − n). */
  private static void mix(float[] candidate, float[] z, float[] before, float[] h, int n) {
    for (int k = 0; k < n; k++) {
      h[k] = candidate[k] + z[k] * (before[k] - candidate[k]);
    }
  }

  @Override
  void backward(FusedRows rows, FusedRows.State state, int n) {
    float[] reset = rows.a[0];
    float[] z = rows.a[1];
    throughMix(rows.dh, rows.a[2], z, state.h, rows.da[2], rows.da[1], state.dhPast, n);
    throughReset(rows.da[2], reset, rows.extra[0], rows.da[0], rows.dr[2], n);
    for (int gate = 0; gate < 3; gate++) {
      Activations.flush(rows.da[gate], n);
      add(b[gate].gradient, rows.da[gate], n);
    }
    Activations.flush(rows.dr[2], n);
    add(b[3].gradient, rows.dr[2], n);
    System.arraycopy(rows.da[0], 0, rows.dr[0], 0, n);
    System.arraycopy(rows.da[1], 0, rows.dr[1], 0, n);
    Activations.flush(state.dhPast, n);
  }

  private static void throughMix(
      float[] dh,
      float[] candidate,
      float[] z,
      float[] before,
      float[] dCandidate,
      float[] dz,
      float[] dhPast,
      int n) {
    for (int k = 0; k < n; k++) {
      dCandidate[k] = dh[k] * (1 - z[k]) * (1 - candidate[k] * candidate[k]);
    }
    for (int k = 0; k < n; k++) {
      dz[k] = dh[k] * (before[k] - candidate[k]) * z[k] * (1 - z[k]);
      dhPast[k] = dh[k] * z[k];
    }
  }

  private static void throughReset(
      float[] dCandidate, float[] reset, float[] q, float[] dReset, float[] dq, int n) {
    for (int k = 0; k < n; k++) {
      dReset[k] = dCandidate[k] * q[k] * reset[k] * (1 - reset[k]);
      dq[k] = dCandidate[k] * reset[k];
    }
  }
}
