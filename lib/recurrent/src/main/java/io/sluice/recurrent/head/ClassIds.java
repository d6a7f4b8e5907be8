package io.sluice.recurrent.head;

import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Reads DL4J's labels and mask of an output over classes into the order of a kernel's rows: row t·B
 * + b is time step t of sequence b; an output without time has T = 1.
 *
 * @param name of the layer
 * @param V classes
 * @param T time steps; 0 is an output without time
 * @param B sequences
 */
record ClassIds(String name, int V, int T, int B) {
  private int steps() {
    return Math.max(1, T);
  }

  /**
   * @param mask (B, T), or (B, 1) or (B) without time; null is all
   * @return (R) true where a row counts; null where all do
   */
  boolean[] mask(INDArray mask) {
    if (T > 0 || mask == null) {
      return Series.mask(name, mask, T, B);
    }
    if (mask.length() != B || mask.size(0) != B) {
      throw new IllegalArgumentException(
          "Mask of layer %s has shape %s, expected (B, 1) = (%d, 1)"
              .formatted(name, Arrays.toString(mask.shape()), B));
    }
    return Series.mask(name, mask.reshape(B, 1), 1, B);
  }

  /**
   * @param labels ids (B, 1, T) or (B, T), without time (B, 1) or (B), of any type; or one-hot (B,
   *     V, T), without time (B, V)
   * @param mask which rows count; null is all
   * @return (R) the id of each row, −1 where it does not count
   */
  int[] read(INDArray labels, boolean[] mask) {
    INDArray ids;
    if (areIds(labels)) {
      ids = labels;
    } else if (Arrays.equals(labels.shape(), T > 0 ? new long[] {B, V, T} : new long[] {B, V})) {
      requireOneHot(labels, mask);
      ids = labels.argMax(1);
    } else {
      throw new IllegalArgumentException(
          T > 0
              ? "Labels of layer %s have shape %s, expected class ids (B, 1, T) = (%d, 1, %d) or (B, T) = (%d, %d), or one-hot (B, V, T) = (%d, %d, %d)"
                  .formatted(name, Arrays.toString(labels.shape()), B, T, B, T, B, V, T)
              : "Labels of layer %s have shape %s, expected class ids (B, 1) = (%d, 1), or one-hot (B, V) = (%d, %d)"
                  .formatted(name, Arrays.toString(labels.shape()), B, B, V));
    }
    double[] values = values(ids);
    int[] rows = new int[steps() * B];
    for (int b = 0; b < B; b++) {
      for (int t = 0; t < steps(); t++) {
        int row = t * B + b;
        rows[row] = mask == null || mask[row] ? id(values[b * steps() + t], b, t) : -1;
      }
    }
    return rows;
  }

  private boolean areIds(INDArray labels) {
    long[] shape = labels.shape();
    return T > 0
        ? Arrays.equals(shape, new long[] {B, 1, T}) || Arrays.equals(shape, new long[] {B, T})
        : Arrays.equals(shape, new long[] {B, 1}) || Arrays.equals(shape, new long[] {B});
  }

  private int id(double value, int b, int t) {
    int id = (int) value;
    if (id != value || id < 0 || id >= V) {
      throw new IllegalArgumentException(
          "Label of layer %s at %s is %s, must be a whole number from 0 to %d; mask it if it is unknown"
              .formatted(name, place(b, t), number(value), V - 1));
    }
    return id;
  }

  private String place(int b, int t) {
    return T > 0 ? "sequence %d, time step %d".formatted(b, t) : "example %d".formatted(b);
  }

  private static String number(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? Long.toString((long) value)
        : Double.toString(value);
  }

  /** One class 1 and the others 0: largest 1, norm 1. */
  private void requireOneHot(INDArray labels, boolean[] mask) {
    double[] largest = values(labels.max(1));
    double[] norm = values(labels.norm2(1));
    for (int k = 0; k < largest.length; k++) {
      int b = k / steps();
      int t = k % steps();
      if ((mask == null || mask[t * B + b]) && !(largest[k] == 1 && norm[k] == 1)) {
        throw new IllegalArgumentException(
            "Labels of layer %s at %s are not one-hot: their largest is %s and their norm %s, must be 1 and 1; mask it if it is unknown"
                .formatted(name, place(b, t), number(largest[k]), number(norm[k])));
      }
    }
  }

  /** In 'c' order. */
  private static double[] values(INDArray array) {
    return array.castTo(DataType.DOUBLE).dup('c').data().asDouble();
  }
}
