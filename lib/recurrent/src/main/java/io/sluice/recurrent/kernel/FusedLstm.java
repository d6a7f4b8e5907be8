package io.sluice.recurrent.kernel;

/** LSTM with or without peepholes; keeps its activated gates in a. */
final class FusedLstm extends FusedCell {
  private final int b;
  private final boolean peepholes;
  private final int P;

  FusedLstm(CellShape shape, float[] parameters, float[] gradients) {
    super(shape, parameters, gradients);
    this.b = offset("b");
    this.peepholes = shape.cell() == Cell.PEEPHOLE_LSTM;
    this.P = peepholes ? offset("P") : 0;
  }

  @Override
  boolean keepsSidesApart() {
    return false;
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
    addToRows(a, B, 4 * H, parameters, b);
    for (int row = 0; row < B; row++) {
      int z = row * 4 * H;
      int s = row * H;
      if (peepholes) {
        for (int j = 0; j < H; j++) {
          a[z + j] += parameters[P + j] * cBefore[s + j];
        }
        for (int j = 0; j < H; j++) {
          a[z + H + j] += parameters[P + H + j] * cBefore[s + j];
        }
      }
      Activations.sigmoid(a, z, z + 2 * H);
      Activations.tanh(a, z + 2 * H, z + 3 * H);
      for (int j = 0; j < H; j++) {
        c[s + j] = a[z + H + j] * cBefore[s + j] + a[z + j] * a[z + 2 * H + j];
      }
      if (peepholes) {
        for (int j = 0; j < H; j++) {
          a[z + 3 * H + j] += parameters[P + 2 * H + j] * c[s + j];
        }
      }
      Activations.sigmoid(a, z + 3 * H, z + 4 * H);
    }
    Activations.flush(c, B * H);
    System.arraycopy(c, 0, h, 0, B * H);
    Activations.tanh(h, 0, B * H);
    for (int row = 0; row < B; row++) {
      int o = row * 4 * H + 3 * H;
      int s = row * H;
      for (int j = 0; j < H; j++) {
        h[s + j] *= a[o + j];
      }
    }
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
      int z = row * 4 * H;
      int s = row * H;
      for (int j = 0; j < H; j++) {
        float i = a[z + j];
        float f = a[z + H + j];
        float g = a[z + 2 * H + j];
        float o = a[z + 3 * H + j];
        float tanh = Activations.tanh(c[s + j]);
        float dOut = dh[s + j] * tanh * o * (1 - o);
        float dCell = dc[s + j] + dh[s + j] * o * (1 - tanh * tanh);
        if (peepholes) {
          dCell += dOut * parameters[P + 2 * H + j];
        }
        float dIn = dCell * g * i * (1 - i);
        float dForget = dCell * cBefore[s + j] * f * (1 - f);
        da[z + j] = dIn;
        da[z + H + j] = dForget;
        da[z + 2 * H + j] = dCell * i * (1 - g * g);
        da[z + 3 * H + j] = dOut;
        float before = dCell * f;
        if (peepholes) {
          before += dIn * parameters[P + j] + dForget * parameters[P + H + j];
          gradients[P + j] += dIn * cBefore[s + j];
          gradients[P + H + j] += dForget * cBefore[s + j];
          gradients[P + 2 * H + j] += dOut * c[s + j];
        }
        dc[s + j] = before;
        dh[s + j] = 0;
      }
    }
    Activations.flush(da, B * 4 * H);
    Activations.flush(dc, B * H);
    addRowsTo(da, B, 4 * H, gradients, b);
  }
}
