package io.sluice.recurrent.kernel;

/** Elman's cell with tanh; keeps h in a. */
final class FusedRnn extends FusedCell {
  private final int b;

  FusedRnn(CellShape shape, float[] parameters, float[] gradients) {
    super(shape, parameters, gradients);
    this.b = offset("b");
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
    addToRows(a, B, H, parameters, b);
    Activations.tanh(a, 0, B * H);
    System.arraycopy(a, 0, h, 0, B * H);
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
    for (int k = 0; k < B * H; k++) {
      da[k] = dh[k] * (1 - a[k] * a[k]);
    }
    java.util.Arrays.fill(dh, 0, B * H, 0);
    Activations.flush(da, B * H);
    addRowsTo(da, B, H, gradients, b);
  }
}
