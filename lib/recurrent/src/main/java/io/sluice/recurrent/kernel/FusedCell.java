package io.sluice.recurrent.kernel;

/**
 * The pointwise half of one time step of a batch; the products of input and recurrent side have
 * run. Equations are those of {@link ReferenceCell}.
 *
 * <pre>
 * a       (B, G·H)  in: W·x, and + RW·h⁻ where the cell does not keep the sides apart;
 *                   out: kept for backward
 * r       (B, G·H)  in: RW·h⁻ where the sides are kept apart; out: kept for backward
 * extra   (B, E)    out: what else is kept; E = {@link #extraPerRow}
 * h⁻, c⁻  (B, H)    in
 * h, c    (B, H)    out
 * </pre>
 *
 * <p>In backward dh is complete on entry and becomes what of ∂L/∂h⁻ does not go through RW, dc goes
 * from after the step to before it, da and dr (the same array where sides are not apart) take ∂L/∂a
 * and ∂L/∂r, and gradients of everything but W and RW are added to {@code gradients}, which is laid
 * out as the parameters.
 */
abstract class FusedCell {
  final int H;
  final float[] parameters;
  final float[] gradients;
  private final CellShape shape;

  FusedCell(CellShape shape, float[] parameters, float[] gradients) {
    this.shape = shape;
    this.H = shape.hiddenSize();
    this.parameters = parameters;
    this.gradients = gradients;
  }

  static FusedCell of(CellShape shape, float[] parameters, float[] gradients) {
    return switch (shape.cell()) {
      case LSTM, PEEPHOLE_LSTM -> new FusedLstm(shape, parameters, gradients);
      case LAYERNORM_LSTM -> new FusedLayerNormLstm(shape, parameters, gradients);
      case GRU -> new FusedGru(shape, parameters, gradients);
      case RNN -> new FusedRnn(shape, parameters, gradients);
    };
  }

  /** Whether W·x and RW·h⁻ come and go apart. */
  abstract boolean keepsSidesApart();

  /** E, numbers kept per row besides a and r. */
  abstract int extraPerRow();

  abstract void forward(
      int B,
      float[] a,
      float[] r,
      float[] extra,
      float[] hBefore,
      float[] cBefore,
      float[] h,
      float[] c);

  abstract void backward(
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
      float[] dr);

  final int offset(String parameter) {
    return Math.toIntExact(shape.parameter(parameter).offset());
  }

  /** v[row·n + k] += p[from + k], every row. */
  static void addToRows(float[] v, int rows, int n, float[] p, int from) {
    for (int row = 0; row < rows; row++) {
      int start = row * n;
      for (int k = 0; k < n; k++) {
        v[start + k] += p[from + k];
      }
    }
  }

  /** p[from + k] += Σ over rows of v[row·n + k]. */
  static void addRowsTo(float[] v, int rows, int n, float[] p, int from) {
    for (int row = 0; row < rows; row++) {
      int start = row * n;
      for (int k = 0; k < n; k++) {
        p[from + k] += v[start + k];
      }
    }
  }

  /** Activates rows of i f g o. */
  final void activateIfgo(float[] gates, int B) {
    for (int b = 0; b < B; b++) {
      int z = b * 4 * H;
      Activations.sigmoid(gates, z, z + 2 * H);
      Activations.tanh(gates, z + 2 * H, z + 3 * H);
      Activations.sigmoid(gates, z + 3 * H, z + 4 * H);
    }
  }
}
