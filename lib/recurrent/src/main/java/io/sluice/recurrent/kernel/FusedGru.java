package io.sluice.recurrent.kernel;

/** GRU; keeps its activated gates r z n in a, and RW_n·h⁻ + b_q in the third block of r. */
final class FusedGru extends FusedCell {
  private final int b;

  FusedGru(CellShape shape, float[] parameters, float[] gradients) {
    super(shape, parameters, gradients);
    this.b = offset("b");
  }

  @Override
  boolean keepsSidesApart() {
    return true;
  }

  @Override
  int extraPerRow() {
    return 0;
  }

  @Override
  void forward(
      int B,
      float[] a,
      float[] r,
      float[] extra,
      float[] hBefore,
      float[] cBefore,
      float[] h,
      float[] c) {
    addToRows(a, B, 3 * H, parameters, b);
    for (int row = 0; row < B; row++) {
      int z = row * 3 * H;
      int s = row * H;
      for (int k = 0; k < 2 * H; k++) {
        a[z + k] += r[z + k];
      }
      Activations.sigmoid(a, z, z + 2 * H);
      for (int j = 0; j < H; j++) {
        r[z + 2 * H + j] += parameters[b + 3 * H + j];
      }
      for (int j = 0; j < H; j++) {
        a[z + 2 * H + j] += a[z + j] * r[z + 2 * H + j];
      }
      Activations.tanh(a, z + 2 * H, z + 3 * H);
      for (int j = 0; j < H; j++) {
        float n = a[z + 2 * H + j];
        h[s + j] = n + a[z + H + j] * (hBefore[s + j] - n);
      }
    }
    Activations.flush(h, B * H);
  }

  @Override
  void backward(
      int B,
      float[] a,
      float[] r,
      float[] extra,
      float[] hBefore,
      float[] cBefore,
      float[] c,
      float[] dh,
      float[] dc,
      float[] da,
      float[] dr) {
    for (int row = 0; row < B; row++) {
      int at = row * 3 * H;
      int s = row * H;
      for (int j = 0; j < H; j++) {
        float reset = a[at + j];
        float z = a[at + H + j];
        float n = a[at + 2 * H + j];
        float q = r[at + 2 * H + j];
        float dn = dh[s + j] * (1 - z) * (1 - n * n);
        float dz = dh[s + j] * (hBefore[s + j] - n) * z * (1 - z);
        float dReset = dn * q * reset * (1 - reset);
        da[at + j] = dReset;
        da[at + H + j] = dz;
        da[at + 2 * H + j] = dn;
        dr[at + j] = dReset;
        dr[at + H + j] = dz;
        dr[at + 2 * H + j] = dn * reset;
        gradients[b + 3 * H + j] += dn * reset;
        dh[s + j] *= z;
      }
    }
    Activations.flush(da, B * 3 * H);
    Activations.flush(dr, B * 3 * H);
    Activations.flush(dh, B * H);
    addRowsTo(da, B, 3 * H, gradients, b);
  }
}
