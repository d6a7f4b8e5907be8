package io.sluice.recurrent.kernel;

/**
 * Layer-norm LSTM. Keeps LN(a) in a, LN(r) in r, and per row in extra: the activated gates (4·H),
 * the normalised cell state (H), and 1/deviation of a, of r and of the cell state.
 */
final class FusedLayerNormLstm extends FusedCell {
  private static final float EPSILON = 1e-5f;

  private final int b;
  private final int gainX;
  private final int gainH;
  private final int gainC;
  private final int biasC;
  private final float[] dRow;

  FusedLayerNormLstm(CellShape shape, float[] parameters, float[] gradients) {
    super(shape, parameters, gradients);
    this.b = offset("b");
    this.gainX = offset("gainX");
    this.gainH = offset("gainH");
    this.gainC = offset("gainC");
    this.biasC = offset("biasC");
    this.dRow = new float[4 * H];
  }

  @Override
  boolean keepsSidesApart() {
    return true;
  }

  @Override
  int extraPerRow() {
    return 5 * H + 3;
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
    for (int row = 0; row < B; row++) {
      int z = row * 4 * H;
      int s = row * H;
      int gates = row * extraPerRow();
      int normal = gates + 4 * H;
      int scales = normal + H;
      extra[scales] = normalise(a, z, 4 * H);
      extra[scales + 1] = normalise(r, z, 4 * H);
      for (int k = 0; k < 4 * H; k++) {
        extra[gates + k] =
            parameters[gainX + k] * a[z + k] + parameters[gainH + k] * r[z + k] + parameters[b + k];
      }
      Activations.sigmoid(extra, gates, gates + 2 * H);
      Activations.tanh(extra, gates + 2 * H, gates + 3 * H);
      Activations.sigmoid(extra, gates + 3 * H, gates + 4 * H);
      for (int j = 0; j < H; j++) {
        extra[normal + j] =
            extra[gates + H + j] * cBefore[s + j] + extra[gates + j] * extra[gates + 2 * H + j];
      }
      extra[scales + 2] = normalise(extra, normal, H);
      for (int j = 0; j < H; j++) {
        c[s + j] = parameters[gainC + j] * extra[normal + j] + parameters[biasC + j];
      }
    }
    System.arraycopy(c, 0, h, 0, B * H);
    Activations.tanh(h, 0, B * H);
    for (int row = 0; row < B; row++) {
      int o = row * extraPerRow() + 3 * H;
      int s = row * H;
      for (int j = 0; j < H; j++) {
        h[s + j] *= extra[o + j];
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
      int gates = row * extraPerRow();
      int normal = gates + 4 * H;
      int scales = normal + H;
      for (int j = 0; j < H; j++) {
        float o = extra[gates + 3 * H + j];
        float tanh = Activations.tanh(c[s + j]);
        dRow[3 * H + j] = dh[s + j] * tanh * o * (1 - o);
        float dCell = dc[s + j] + dh[s + j] * o * (1 - tanh * tanh);
        gradients[gainC + j] += dCell * extra[normal + j];
        gradients[biasC + j] += dCell;
        dc[s + j] = dCell * parameters[gainC + j];
        dh[s + j] = 0;
      }
      normaliseBack(extra, normal, dc, s, H, extra[scales + 2]);
      for (int j = 0; j < H; j++) {
        float i = extra[gates + j];
        float f = extra[gates + H + j];
        float g = extra[gates + 2 * H + j];
        float dRaw = dc[s + j];
        dRow[j] = dRaw * g * i * (1 - i);
        dRow[H + j] = dRaw * cBefore[s + j] * f * (1 - f);
        dRow[2 * H + j] = dRaw * i * (1 - g * g);
        dc[s + j] = dRaw * f;
      }
      for (int k = 0; k < 4 * H; k++) {
        gradients[b + k] += dRow[k];
        gradients[gainX + k] += dRow[k] * a[z + k];
        gradients[gainH + k] += dRow[k] * r[z + k];
        da[z + k] = dRow[k] * parameters[gainX + k];
        dr[z + k] = dRow[k] * parameters[gainH + k];
      }
      normaliseBack(a, z, da, z, 4 * H, extra[scales]);
      normaliseBack(r, z, dr, z, 4 * H, extra[scales + 1]);
    }
    Activations.flush(da, B * 4 * H);
    Activations.flush(dr, B * 4 * H);
    Activations.flush(dc, B * H);
  }

  /** Normalises v[from, from + n) in place; returns 1/deviation. */
  private static float normalise(float[] v, int from, int n) {
    float mean = (float) (sum(v, from, n) / n);
    for (int k = 0; k < n; k++) {
      v[from + k] -= mean;
    }
    float scale = (float) (1 / Math.sqrt(product(v, from, v, from, n) / n + EPSILON));
    for (int k = 0; k < n; k++) {
      v[from + k] *= scale;
    }
    return scale;
  }

  /** From normalised values and ∂L/∂(them), in d, to ∂L/∂(what was normalised), in d. */
  private static void normaliseBack(
      float[] normal, int from, float[] d, int dFrom, int n, float scale) {
    float mean = (float) (sum(d, dFrom, n) / n);
    float projection = (float) (product(normal, from, d, dFrom, n) / n);
    for (int k = 0; k < n; k++) {
      d[dFrom + k] = (d[dFrom + k] - mean - normal[from + k] * projection) * scale;
    }
  }

  /** Four sums side by side: the processor adds them at once, and rounding grows less. */
  private static double sum(float[] v, int from, int n) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    int k = from;
    for (; k < from + n - 3; k += 4) {
      s0 += v[k];
      s1 += v[k + 1];
      s2 += v[k + 2];
      s3 += v[k + 3];
    }
    for (; k < from + n; k++) {
      s0 += v[k];
    }
    return s0 + s1 + s2 + s3;
  }

  /** Σ v·w, likewise. */
  private static double product(float[] v, int from, float[] w, int wFrom, int n) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    int k = 0;
    for (; k < n - 3; k += 4) {
      s0 += v[from + k] * w[wFrom + k];
      s1 += v[from + k + 1] * w[wFrom + k + 1];
      s2 += v[from + k + 2] * w[wFrom + k + 2];
      s3 += v[from + k + 3] * w[wFrom + k + 3];
    }
    for (; k < n; k++) {
      s0 += v[from + k] * w[wFrom + k];
    }
    return s0 + s1 + s2 + s3;
  }
}
