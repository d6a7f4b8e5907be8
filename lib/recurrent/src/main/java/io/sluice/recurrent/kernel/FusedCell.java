package io.sluice.recurrent.kernel;

import java.util.ArrayList;
import java.util.List;

/**
 * The pointwise half of one time step of a block of rows; the products of input and recurrent side
 * have run. Equations are those of {@link ReferenceCell}.
 *
 * <p>In forward the {@code a} and {@code r} of a {@link FusedRows} are complete on entry, and its
 * {@code a}, {@code extra} and {@code scales} hold on return what backward wants to see again. In
 * backward {@code dh} is complete on entry, {@code dc} goes from after the step to before it,
 * {@code da} and {@code dr} take ∂L/∂a and ∂L/∂r, {@code dhPast} what of ∂L/∂h⁻ does not go through
 * RW, and gradients of everything but W and RW are added to those of the {@link RowParameter}s.
 *
 * <p>Loops run over whole arrays by one index, for the reason given at {@link FusedRows}.
 */
abstract class FusedCell {
  final int H;
  private final CellShape shape;
  private final List<RowParameter> parameters = new ArrayList<>();

  FusedCell(CellShape shape) {
    this.shape = shape;
    this.H = shape.hiddenSize();
  }

  static FusedCell of(CellShape shape) {
    return switch (shape.cell()) {
      case LSTM, PEEPHOLE_LSTM -> new FusedLstm(shape);
      case LAYERNORM_LSTM -> new FusedLayerNormLstm(shape);
      case GRU -> new FusedGru(shape);
      case RNN -> new FusedRnn(shape);
    };
  }

  /** Whether W·x and RW·h⁻ come and go apart. */
  boolean keepsSidesApart() {
    return false;
  }

  /** Whether the pointwise half reads h⁻ and passes a gradient to it. */
  boolean readsHidden() {
    return false;
  }

  /** Arrays kept besides a. */
  int extras() {
    return 0;
  }

  /** Numbers kept per row besides. */
  int scales() {
    return 0;
  }

  /**
   * @param n numbers: rows · H
   */
  abstract void forward(FusedRows rows, FusedRows.State state, int n);

  /**
   * @param n numbers: rows · H
   */
  abstract void backward(FusedRows rows, FusedRows.State state, int n);

  /** H parameters of the tensor of that name, its group number {@code group}. */
  final RowParameter parameter(String name, int group) {
    long behindProducts = shape.parameter(name).offset() - shape.parameter("b").offset();
    int offset = Math.toIntExact(behindProducts) + group * H;
    var parameter = new RowParameter(FusedRows.capacity(H), H, offset);
    parameters.add(parameter);
    return parameter;
  }

  final RowParameter[] parameters(String name, int groups) {
    var all = new RowParameter[groups];
    for (int group = 0; group < groups; group++) {
      all[group] = parameter(name, group);
    }
    return all;
  }

  /**
   * @param others all parameters but W and RW, laid out as {@link CellShape} says
   */
  final void setParameters(float[] others) {
    parameters.forEach(parameter -> parameter.take(others));
  }

  /** Adds the gradients since the last time. */
  final void giveGradients(float[] others) {
    parameters.forEach(parameter -> parameter.giveGradient(others));
  }

  /** v += p. */
  static void add(float[] v, float[] p, int n) {
    for (int k = 0; k < n; k++) {
      v[k] += p[k];
    }
  }

  /** v += p·w. */
  static void addProduct(float[] v, float[] p, float[] w, int n) {
    for (int k = 0; k < n; k++) {
      v[k] += p[k] * w[k];
    }
  }

  /** v *= w. */
  static void multiply(float[] v, float[] w, int n) {
    for (int k = 0; k < n; k++) {
      v[k] *= w[k];
    }
  }

  /** c = f·c⁻ + i·g. */
  static void cellState(float[] i, float[] f, float[] g, float[] before, float[] c, int n) {
    for (int k = 0; k < n; k++) {
      c[k] = f[k] * before[k] + i[k] * g[k];
    }
  }

  /**
   * From ∂L/∂h to the gradients of the output gate's argument and, added to {@code dc}, of c.
   *
   * @param tanh tanh(c)
   */
  static void throughOutput(float[] dh, float[] tanh, float[] o, float[] dOut, float[] dc, int n) {
    for (int k = 0; k < n; k++) {
      float gate = o[k];
      float arriving = dh[k] * gate;
      float output = tanh[k];
      float cell = dc[k];
      dc[k] = cell + arriving * (1 - output * output);
      dOut[k] = arriving * output * (1 - gate);
    }
  }

  /** From ∂L/∂c to the gradients of the arguments of i and f. */
  static void throughGates(
      float[] dc,
      float[] i,
      float[] f,
      float[] g,
      float[] before,
      float[] dIn,
      float[] dForget,
      int n) {
    for (int k = 0; k < n; k++) {
      float arriving = dc[k];
      float in = i[k];
      float forget = f[k];
      float candidate = g[k];
      float old = before[k];
      dIn[k] = arriving * candidate * in * (1 - in);
      dForget[k] = arriving * old * forget * (1 - forget);
    }
  }

  /** From ∂L/∂c to the gradient of the argument of g, and to ∂L/∂c⁻. */
  static void throughCandidate(float[] dc, float[] i, float[] f, float[] g, float[] dNew, int n) {
    for (int k = 0; k < n; k++) {
      float arriving = dc[k];
      float candidate = g[k];
      float in = i[k];
      float forget = f[k];
      dNew[k] = arriving * in * (1 - candidate * candidate);
      dc[k] = arriving * forget;
    }
  }
}
