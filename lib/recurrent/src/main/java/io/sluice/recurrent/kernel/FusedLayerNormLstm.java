package io.sluice.recurrent.kernel;

import java.util.Arrays;

/**
 * Layer-norm LSTM. Keeps LN(W·x) in a; LN(RW·h⁻), the activated gates and the normalised cell state
 * in extra; and in scales, per row, 1/deviation of W·x, of RW·h⁻ and of the cell state.
 *
 * <p>A row's mean or deviation is written H times into an array, because the loops that use it run
 * over all rows of a block.
 */
final class FusedLayerNormLstm extends FusedCell {
  private static final float EPSILON = 1e-5f;

  private final RowParameter[] b;
  private final RowParameter[] gainX;
  private final RowParameter[] gainH;
  private final RowParameter gainC;
  private final RowParameter biasC;

  FusedLayerNormLstm(CellShape shape) {
    super(shape);
    this.b = parameters("b", 4);
    this.gainX = parameters("gainX", 4);
    this.gainH = parameters("gainH", 4);
    this.gainC = parameter("gainC", 0);
    this.biasC = parameter("biasC", 0);
  }

  @Override
  boolean keepsSidesApart() {
    return true;
  }

  @Override
  int extras() {
    return 9;
  }

  @Override
  int scales() {
    return 3;
  }

  @Override
  void forward(FusedRows rows, FusedRows.State state, int n) {
    float[][] side = recurrentSide(rows);
    float[][] gates = gates(rows);
    float[] normal = rows.extra[8];
    for (int gate = 0; gate < 4; gate++) {
      System.arraycopy(rows.r[gate], 0, side[gate], 0, n);
    }
    normalise(rows, rows.a, rows.scales[0], n);
    normalise(rows, side, rows.scales[1], n);
    for (int gate = 0; gate < 4; gate++) {
      combine(
          gainX[gate].values,
          rows.a[gate],
          gainH[gate].values,
          side[gate],
          b[gate].values,
          gates[gate],
          n);
    }
    Activations.sigmoid(gates[0], n);
    Activations.sigmoid(gates[1], n);
    Activations.tanh(gates[2], n);
    Activations.sigmoid(gates[3], n);
    cellState(gates[0], gates[1], gates[2], state.cBefore, normal, n);
    normalise(rows, new float[][] {normal}, rows.scales[2], n);
    System.arraycopy(biasC.values, 0, state.c, 0, n);
    addProduct(state.c, gainC.values, normal, n);
    Activations.flush(state.c, n);
    Activations.tanh(state.c, rows.h, n);
    multiply(rows.h, gates[3], n);
  }

  @Override
  void backward(FusedRows rows, FusedRows.State state, int n) {
    float[][] side = recurrentSide(rows);
    float[][] gates = gates(rows);
    float[] normal = rows.extra[8];
    float[] dc = state.dc;
    Activations.tanh(state.c, rows.work, n);
    throughOutput(rows.dh, rows.work, gates[3], rows.da[3], dc, n);
    addProduct(gainC.gradient, dc, normal, n);
    add(biasC.gradient, dc, n);
    multiply(dc, gainC.values, n);
    normaliseBack(rows, new float[][] {normal}, new float[][] {dc}, rows.scales[2], n);
    throughGates(dc, gates[0], gates[1], gates[2], state.cBefore, rows.da[0], rows.da[1], n);
    throughCandidate(dc, gates[0], gates[1], gates[2], rows.da[2], n);
    for (int gate = 0; gate < 4; gate++) {
      float[] d = rows.da[gate];
      add(b[gate].gradient, d, n);
      scale(d, gainH[gate].values, side[gate], gainH[gate].gradient, rows.dr[gate], n);
      scale(d, gainX[gate].values, rows.a[gate], gainX[gate].gradient, d, n);
    }
    normaliseBack(rows, rows.a, rows.da, rows.scales[0], n);
    normaliseBack(rows, side, rows.dr, rows.scales[1], n);
    for (int gate = 0; gate < 4; gate++) {
      Activations.flush(rows.da[gate], n);
      Activations.flush(rows.dr[gate], n);
    }
    Activations.flush(dc, n);
  }

  private static float[][] recurrentSide(FusedRows rows) {
    return Arrays.copyOfRange(rows.extra, 0, 4);
  }

  private static float[][] gates(FusedRows rows) {
    return Arrays.copyOfRange(rows.extra, 4, 8);
  }

  /** Normalises each row of all parts together, in place; {@code scales} takes 1/deviation. */
  private void normalise(FusedRows rows, float[][] parts, float[] scales, int n) {
    int width = parts.length * H;
    float[] sums = rows.work;
    float[] spread = rows.work2;
    System.arraycopy(parts[0], 0, sums, 0, n);
    for (int p = 1; p < parts.length; p++) {
      add(sums, parts[p], n);
    }
    for (int from = 0; from < n; from += H) {
      Arrays.fill(spread, from, from + H, (float) (Sums.sum(sums, from, H) / width));
    }
    Arrays.fill(sums, 0, n, 0);
    for (float[] part : parts) {
      centre(part, spread, sums, n);
    }
    for (int from = 0; from < n; from += H) {
      float scale = (float) (1 / Math.sqrt(Sums.sum(sums, from, H) / width + EPSILON));
      scales[from / H] = scale;
      Arrays.fill(spread, from, from + H, scale);
    }
    for (float[] part : parts) {
      multiply(part, spread, n);
    }
  }

  /** From normalised values and ∂L/∂(them), in d, to ∂L/∂(what was normalised), in d. */
  private void normaliseBack(FusedRows rows, float[][] normal, float[][] d, float[] scales, int n) {
    int width = normal.length * H;
    float[] sums = rows.work;
    float[] spread = rows.work2;
    System.arraycopy(d[0], 0, sums, 0, n);
    for (int p = 1; p < d.length; p++) {
      add(sums, d[p], n);
    }
    for (int from = 0; from < n; from += H) {
      Arrays.fill(spread, from, from + H, (float) (Sums.sum(sums, from, H) / width));
    }
    Arrays.fill(sums, 0, n, 0);
    for (int p = 0; p < d.length; p++) {
      addProduct(sums, normal[p], d[p], n);
      subtract(d[p], spread, n);
    }
    for (int from = 0; from < n; from += H) {
      Arrays.fill(spread, from, from + H, (float) (-Sums.sum(sums, from, H) / width));
    }
    for (int p = 0; p < d.length; p++) {
      addProduct(d[p], normal[p], spread, n);
    }
    for (int from = 0; from < n; from += H) {
      Arrays.fill(spread, from, from + H, scales[from / H]);
    }
    for (float[] part : d) {
      multiply(part, spread, n);
    }
  }

  /** z = gx·x + gh·h + b. */
  private static void combine(
      float[] gx, float[] x, float[] gh, float[] h, float[] b, float[] z, int n) {
    for (int k = 0; k < n; k++) {
      z[k] = gx[k] * x[k] + gh[k] * h[k] + b[k];
    }
  }

  /** v −= mean, and squares += v². */
  private static void centre(float[] v, float[] mean, float[] squares, int n) {
    for (int k = 0; k < n; k++) {
      float centred = v[k] - mean[k];
      squares[k] += centred * centred;
      v[k] = centred;
    }
  }

  /**
   * From ∂L/∂z to the gradient of a gain, added to {@code dGain}, and to ∂L/∂x in {@code dx}, which
   * may be {@code dz}.
   */
  private static void scale(float[] dz, float[] gain, float[] x, float[] dGain, float[] dx, int n) {
    for (int k = 0; k < n; k++) {
      float arriving = dz[k];
      float factor = gain[k];
      dGain[k] += arriving * x[k];
      dx[k] = arriving * factor;
    }
  }

  private static void subtract(float[] v, float[] w, int n) {
    for (int k = 0; k < n; k++) {
      v[k] -= w[k];
    }
  }
}
