package io.sluice.recurrent.kernel;

/**
 * What a cell does with its two products in one time step of one sequence, and the way back.
 *
 * <p>a and r are the products of the input and the recurrent side (G·H each), σ the logistic
 * function, · between vectors element-wise, h⁻ and c⁻ the state before the step.
 */
abstract class ReferenceCell {
  /** A state, or its gradient: H numbers each. */
  static final class After {
    final double[] h;
    final double[] c;

    After(int H) {
      h = new double[H];
      c = new double[H];
    }
  }

  /** Fills {@code after}. */
  abstract void forward(
      double[] parameters, double[] a, double[] r, double[] h, double[] c, After after);

  /**
   * From ∂L/∂h and ∂L/∂c after the step: ∂L/∂a and ∂L/∂r (written), the part of ∂L/∂h⁻ that does
   * not go through r and ∂L/∂c⁻ (written to {@code before}), and the gradients of biases, peepholes
   * and gains (added to {@code gradients}).
   */
  abstract void backward(
      double[] parameters,
      double[] a,
      double[] r,
      double[] h,
      double[] c,
      double[] dh,
      double[] dc,
      double[] da,
      double[] dr,
      After before,
      double[] gradients);

  static ReferenceCell of(CellShape shape) {
    return switch (shape.cell()) {
      case LSTM, PEEPHOLE_LSTM -> new Lstm(shape);
      case LAYERNORM_LSTM -> new LayerNormLstm(shape);
      case GRU -> new Gru(shape);
      case RNN -> new Rnn(shape);
    };
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  private static int offset(CellShape shape, String name) {
    return Math.toIntExact(shape.parameter(name).offset());
  }

  /**
   * LSTM, with or without peepholes P.
   *
   * <pre>{@code
   * i = σ(a_i + r_i + b_i + P_i·c⁻)
   * f = σ(a_f + r_f + b_f + P_f·c⁻)
   * g = tanh(a_g + r_g + b_g)
   * c = f·c⁻ + i·g
   * o = σ(a_o + r_o + b_o + P_o·c)
   * h = o·tanh(c)
   * }</pre>
   *
   * <p>Source: Hochreiter and Schmidhuber 1997; Gers and Schmidhuber, "Recurrent Nets that Time and
   * Count", 2000.
   */
  private static final class Lstm extends ReferenceCell {
    private final int H;
    private final int b;
    private final int P;

    Lstm(CellShape shape) {
      H = shape.hiddenSize();
      b = offset(shape, "b");
      P = shape.cell() == Cell.PEEPHOLE_LSTM ? offset(shape, "P") : -1;
    }

    private double peephole(double[] p, int gate, int j) {
      return P < 0 ? 0 : p[P + gate * H + j];
    }

    @Override
    void forward(double[] p, double[] a, double[] r, double[] h, double[] c, After after) {
      for (int j = 0; j < H; j++) {
        double i = sigmoid(sum(p, a, r, 0, j) + peephole(p, 0, j) * c[j]);
        double f = sigmoid(sum(p, a, r, 1, j) + peephole(p, 1, j) * c[j]);
        double g = Math.tanh(sum(p, a, r, 2, j));
        after.c[j] = f * c[j] + i * g;
        double o = sigmoid(sum(p, a, r, 3, j) + peephole(p, 2, j) * after.c[j]);
        after.h[j] = o * Math.tanh(after.c[j]);
      }
    }

    private double sum(double[] p, double[] a, double[] r, int gate, int j) {
      int row = gate * H + j;
      return a[row] + r[row] + p[b + row];
    }

    @Override
    void backward(
        double[] p,
        double[] a,
        double[] r,
        double[] h,
        double[] c,
        double[] dh,
        double[] dc,
        double[] da,
        double[] dr,
        After before,
        double[] gradients) {
      for (int j = 0; j < H; j++) {
        double i = sigmoid(sum(p, a, r, 0, j) + peephole(p, 0, j) * c[j]);
        double f = sigmoid(sum(p, a, r, 1, j) + peephole(p, 1, j) * c[j]);
        double g = Math.tanh(sum(p, a, r, 2, j));
        double cell = f * c[j] + i * g;
        double o = sigmoid(sum(p, a, r, 3, j) + peephole(p, 2, j) * cell);
        double tanh = Math.tanh(cell);
        double dOut = dh[j] * tanh * o * (1 - o);
        double dCell = dc[j] + dh[j] * o * (1 - tanh * tanh) + dOut * peephole(p, 2, j);
        double dIn = dCell * g * i * (1 - i);
        double dForget = dCell * c[j] * f * (1 - f);
        double dCandidate = dCell * i * (1 - g * g);
        before.c[j] = dCell * f + dIn * peephole(p, 0, j) + dForget * peephole(p, 1, j);
        double[] d = {dIn, dForget, dCandidate, dOut};
        for (int gate = 0; gate < d.length; gate++) {
          int row = gate * H + j;
          da[row] = d[gate];
          dr[row] = d[gate];
          gradients[b + row] += d[gate];
        }
        if (P >= 0) {
          gradients[P + j] += dIn * c[j];
          gradients[P + H + j] += dForget * c[j];
          gradients[P + 2 * H + j] += dOut * cell;
        }
      }
    }
  }

  /**
   * Layer-norm LSTM. LN(v) = (v − mean(v)) / √(var(v) + 1e-5), over all 4·H numbers of a product
   * and over the H of the cell state.
   *
   * <pre>{@code
   * z = gainX·LN(a) + gainH·LN(r) + b
   * i, f, o = σ(z_i), σ(z_f), σ(z_o);  g = tanh(z_g)
   * c = gainC·LN(f·c⁻ + i·g) + biasC
   * h = o·tanh(c)
   * }</pre>
   *
   * <p>Source: Ba, Kiros and Hinton, "Layer Normalization", 2016, supplement, equations 20 to 22;
   * the state that goes on is the normalised one.
   */
  private static final class LayerNormLstm extends ReferenceCell {
    private static final double EPSILON = 1e-5;

    private final int H;
    private final int b;
    private final int gainX;
    private final int gainH;
    private final int gainC;
    private final int biasC;

    LayerNormLstm(CellShape shape) {
      H = shape.hiddenSize();
      b = offset(shape, "b");
      gainX = offset(shape, "gainX");
      gainH = offset(shape, "gainH");
      gainC = offset(shape, "gainC");
      biasC = offset(shape, "biasC");
    }

    @Override
    void forward(double[] p, double[] a, double[] r, double[] h, double[] c, After after) {
      double[] gates = gates(p, normal(a), normal(r));
      double[] normal = normal(rawCell(gates, c));
      for (int j = 0; j < H; j++) {
        after.c[j] = p[gainC + j] * normal[j] + p[biasC + j];
        after.h[j] = gates[3 * H + j] * Math.tanh(after.c[j]);
      }
    }

    private double[] gates(double[] p, double[] normalA, double[] normalR) {
      double[] gates = new double[4 * H];
      for (int row = 0; row < gates.length; row++) {
        double z = p[gainX + row] * normalA[row] + p[gainH + row] * normalR[row] + p[b + row];
        gates[row] = row / H == 2 ? Math.tanh(z) : sigmoid(z);
      }
      return gates;
    }

    private double[] rawCell(double[] gates, double[] c) {
      double[] raw = new double[H];
      for (int j = 0; j < H; j++) {
        raw[j] = gates[H + j] * c[j] + gates[j] * gates[2 * H + j];
      }
      return raw;
    }

    @Override
    void backward(
        double[] p,
        double[] a,
        double[] r,
        double[] h,
        double[] c,
        double[] dh,
        double[] dc,
        double[] da,
        double[] dr,
        After before,
        double[] gradients) {
      double[] normalA = normal(a);
      double[] normalR = normal(r);
      double[] gates = gates(p, normalA, normalR);
      double[] raw = rawCell(gates, c);
      double[] normalC = normal(raw);
      double[] dz = new double[4 * H];
      double[] dNormalC = new double[H];
      for (int j = 0; j < H; j++) {
        double o = gates[3 * H + j];
        double tanh = Math.tanh(p[gainC + j] * normalC[j] + p[biasC + j]);
        dz[3 * H + j] = dh[j] * tanh * o * (1 - o);
        double dCell = dc[j] + dh[j] * o * (1 - tanh * tanh);
        gradients[gainC + j] += dCell * normalC[j];
        gradients[biasC + j] += dCell;
        dNormalC[j] = dCell * p[gainC + j];
      }
      double[] dRaw = normalBack(raw, normalC, dNormalC);
      for (int j = 0; j < H; j++) {
        double i = gates[j];
        double f = gates[H + j];
        double g = gates[2 * H + j];
        dz[j] = dRaw[j] * g * i * (1 - i);
        dz[H + j] = dRaw[j] * c[j] * f * (1 - f);
        dz[2 * H + j] = dRaw[j] * i * (1 - g * g);
        before.c[j] = dRaw[j] * f;
      }
      double[] dNormalA = new double[4 * H];
      double[] dNormalR = new double[4 * H];
      for (int row = 0; row < dz.length; row++) {
        gradients[b + row] += dz[row];
        gradients[gainX + row] += dz[row] * normalA[row];
        gradients[gainH + row] += dz[row] * normalR[row];
        dNormalA[row] = dz[row] * p[gainX + row];
        dNormalR[row] = dz[row] * p[gainH + row];
      }
      System.arraycopy(normalBack(a, normalA, dNormalA), 0, da, 0, da.length);
      System.arraycopy(normalBack(r, normalR, dNormalR), 0, dr, 0, dr.length);
    }

    /** LN(v). */
    private static double[] normal(double[] v) {
      double mean = mean(v);
      double deviation = deviation(v);
      double[] normal = new double[v.length];
      for (int k = 0; k < v.length; k++) {
        normal[k] = (v[k] - mean) / deviation;
      }
      return normal;
    }

    /** From n = LN(v) and ∂L/∂n to ∂L/∂v: (dn − mean(dn) − n·mean(n·dn)) / deviation. */
    private static double[] normalBack(double[] v, double[] normal, double[] dNormal) {
      double mean = mean(dNormal);
      double projection = 0;
      for (int k = 0; k < v.length; k++) {
        projection += normal[k] * dNormal[k] / v.length;
      }
      double deviation = deviation(v);
      double[] dv = new double[v.length];
      for (int k = 0; k < v.length; k++) {
        dv[k] = (dNormal[k] - mean - normal[k] * projection) / deviation;
      }
      return dv;
    }

    private static double mean(double[] v) {
      double sum = 0;
      for (double value : v) {
        sum += value;
      }
      return sum / v.length;
    }

    private static double deviation(double[] v) {
      double mean = mean(v);
      double squares = 0;
      for (double value : v) {
        squares += (value - mean) * (value - mean);
      }
      return Math.sqrt(squares / v.length + EPSILON);
    }
  }

  /**
   * GRU with the reset gate behind the recurrent product; the bias block is b_r, b_z, b_n, b_q.
   *
   * <pre>{@code
   * r = σ(a_r + r_r + b_r)
   * z = σ(a_z + r_z + b_z)
   * n = tanh(a_n + b_n + r·(r_n + b_q))
   * h = (1 − z)·n + z·h⁻
   * }</pre>
   *
   * <p>Source: Cho et al. 2014, in the form of {@code torch.nn.GRU} and cuDNN.
   */
  private static final class Gru extends ReferenceCell {
    private final int H;
    private final int b;

    Gru(CellShape shape) {
      H = shape.hiddenSize();
      b = offset(shape, "b");
    }

    @Override
    void forward(double[] p, double[] a, double[] r, double[] h, double[] c, After after) {
      for (int j = 0; j < H; j++) {
        double reset = sigmoid(a[j] + r[j] + p[b + j]);
        double z = sigmoid(a[H + j] + r[H + j] + p[b + H + j]);
        double q = r[2 * H + j] + p[b + 3 * H + j];
        double n = Math.tanh(a[2 * H + j] + p[b + 2 * H + j] + reset * q);
        after.h[j] = (1 - z) * n + z * h[j];
      }
    }

    @Override
    void backward(
        double[] p,
        double[] a,
        double[] r,
        double[] h,
        double[] c,
        double[] dh,
        double[] dc,
        double[] da,
        double[] dr,
        After before,
        double[] gradients) {
      for (int j = 0; j < H; j++) {
        double reset = sigmoid(a[j] + r[j] + p[b + j]);
        double z = sigmoid(a[H + j] + r[H + j] + p[b + H + j]);
        double q = r[2 * H + j] + p[b + 3 * H + j];
        double n = Math.tanh(a[2 * H + j] + p[b + 2 * H + j] + reset * q);
        double dn = dh[j] * (1 - z) * (1 - n * n);
        double dz = dh[j] * (h[j] - n) * z * (1 - z);
        double dq = dn * reset;
        double dReset = dn * q * reset * (1 - reset);
        da[j] = dReset;
        da[H + j] = dz;
        da[2 * H + j] = dn;
        dr[j] = dReset;
        dr[H + j] = dz;
        dr[2 * H + j] = dq;
        before.h[j] = dh[j] * z;
        gradients[b + j] += dReset;
        gradients[b + H + j] += dz;
        gradients[b + 2 * H + j] += dn;
        gradients[b + 3 * H + j] += dq;
      }
    }
  }

  /**
   * Elman's cell: {@code h = tanh(a + r + b)}. Source: Elman, "Finding Structure in Time", 1990.
   */
  private static final class Rnn extends ReferenceCell {
    private final int H;
    private final int b;

    Rnn(CellShape shape) {
      H = shape.hiddenSize();
      b = offset(shape, "b");
    }

    @Override
    void forward(double[] p, double[] a, double[] r, double[] h, double[] c, After after) {
      for (int j = 0; j < H; j++) {
        after.h[j] = Math.tanh(a[j] + r[j] + p[b + j]);
      }
    }

    @Override
    void backward(
        double[] p,
        double[] a,
        double[] r,
        double[] h,
        double[] c,
        double[] dh,
        double[] dc,
        double[] da,
        double[] dr,
        After before,
        double[] gradients) {
      for (int j = 0; j < H; j++) {
        double tanh = Math.tanh(a[j] + r[j] + p[b + j]);
        da[j] = dh[j] * (1 - tanh * tanh);
        dr[j] = da[j];
        gradients[b + j] += da[j];
      }
    }
  }
}
