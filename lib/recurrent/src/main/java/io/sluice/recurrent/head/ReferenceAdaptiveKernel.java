package io.sluice.recurrent.head;

import java.util.Arrays;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * {@link AdaptiveSoftmax} in float64, the equations line by line, one row after the other. Judges
 * {@link FloatAdaptiveKernel}; runs double networks, whose gradients DL4J's central differences
 * judge.
 */
final class ReferenceAdaptiveKernel implements VocabularyKernel {
  private final AdaptiveShape shape;
  private final int H;

  ReferenceAdaptiveKernel(AdaptiveShape shape) {
    this.shape = shape;
    this.H = shape.H();
  }

  @Override
  public void losses(int[] ids, VocabularyMemory parameters, Pointer x, double[] nll) {
    double[] w = read(parameters);
    for (int r = 0; r < ids.length; r++) {
      nll[r] = ids[r] < 0 ? 0 : -Math.log(probabilities(w, row(x, r))[ids[r]]);
    }
  }

  @Override
  public void gradients(
      int[] ids,
      double[] factors,
      VocabularyMemory parameters,
      Pointer x,
      double[] nll,
      Pointer dx,
      VocabularyMemory dParameters) {
    losses(ids, parameters, x, nll);
    double[] w = read(parameters);
    double[] dw = new double[w.length];
    for (int r = 0; r < ids.length; r++) {
      double[] dh = new double[H];
      if (ids[r] >= 0) {
        double[] h = row(x, r);
        addHead(ids[r], factors[r], w, h, dw, dh);
        if (shape.cluster(ids[r]) >= 0) {
          addCluster(ids[r], factors[r], w, h, dw, dh);
        }
      }
      new DoublePointer(dx).position((long) r * H).put(dh);
    }
    new DoublePointer(dParameters.W()).put(dw);
  }

  private void addHead(int id, double factor, double[] w, double[] h, double[] dw, double[] dh) {
    double[] p = head(w, h);
    for (int v = 0; v < p.length; v++) {
      double dz = factor * (p[v] - (v == shape.headClass(id) ? 1 : 0));
      for (int j = 0; j < H; j++) {
        dh[j] += dz * w[v * H + j];
        dw[v * H + j] += dz * h[j];
      }
      if (shape.hasBias()) {
        dw[p.length * H + v] += dz;
      }
    }
  }

  private void addCluster(int id, double factor, double[] w, double[] h, double[] dw, double[] dh) {
    int c = shape.cluster(id);
    int P = Math.toIntExact(shape.projection(c));
    int W = Math.toIntExact(shape.weights(c));
    int inputs = shape.inputs()[c];
    double[] y = product(w, P, inputs, h);
    double[] p = softmax(product(w, W, shape.words(c), y));
    double[] dy = new double[inputs];
    for (int v = 0; v < p.length; v++) {
      double dz = factor * (p[v] - (v == id - shape.begins()[c] ? 1 : 0));
      for (int k = 0; k < inputs; k++) {
        dy[k] += dz * w[W + v * inputs + k];
        dw[W + v * inputs + k] += dz * y[k];
      }
    }
    for (int k = 0; k < inputs; k++) {
      for (int j = 0; j < H; j++) {
        dh[j] += dy[k] * w[P + k * H + j];
        dw[P + k * H + j] += dy[k] * h[j];
      }
    }
  }

  @Override
  public void probabilities(
      int R, boolean[] mask, VocabularyMemory parameters, Pointer x, Pointer p) {
    double[] w = read(parameters);
    for (int r = 0; r < R; r++) {
      double[] row = mask == null || mask[r] ? probabilities(w, row(x, r)) : new double[shape.V()];
      new DoublePointer(p).position((long) r * shape.V()).put(row);
    }
  }

  /** (V) of one row. */
  private double[] probabilities(double[] w, double[] h) {
    double[] head = head(w, h);
    double[] p = Arrays.copyOf(head, shape.V());
    for (int c = 0; c < shape.clusters(); c++) {
      double[] y = product(w, Math.toIntExact(shape.projection(c)), shape.inputs()[c], h);
      double[] within = softmax(product(w, Math.toIntExact(shape.weights(c)), shape.words(c), y));
      for (int v = 0; v < within.length; v++) {
        p[shape.begins()[c] + v] = head[shape.shortlist() + c] * within[v];
      }
    }
    return p;
  }

  /** (n₀ + C) of one row. */
  private double[] head(double[] w, double[] h) {
    double[] z = product(w, 0, shape.headClasses(), h);
    for (int v = 0; shape.hasBias() && v < z.length; v++) {
      z[v] += w[z.length * H + v];
    }
    return softmax(z);
  }

  /** (rows) of a matrix (rows, |v|) in the flat array times v. */
  private static double[] product(double[] w, int matrix, int rows, double[] v) {
    double[] product = new double[rows];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < v.length; j++) {
        product[i] += w[matrix + i * v.length + j] * v[j];
      }
    }
    return product;
  }

  private static double[] softmax(double[] z) {
    double max = Arrays.stream(z).max().orElseThrow();
    double[] p = Arrays.stream(z).map(each -> Math.exp(each - max)).toArray();
    double sum = Arrays.stream(p).sum();
    return Arrays.stream(p).map(each -> each / sum).toArray();
  }

  private double[] read(VocabularyMemory parameters) {
    int last = shape.clusters() - 1;
    long length = shape.weights(last) + (long) shape.words(last) * shape.inputs()[last];
    double[] w = new double[Math.toIntExact(length)];
    new DoublePointer(parameters.W()).get(w);
    return w;
  }

  private double[] row(Pointer x, int r) {
    double[] h = new double[H];
    new DoublePointer(x).position((long) r * H).get(h);
    return h;
  }
}
