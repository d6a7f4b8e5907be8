package io.sluice.recurrent.head;

import java.util.Arrays;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Takes DL4J's arrays into the row-major memory of a kernel: (B, N, T) as (T, B, N), (B, N) as it
 * is. An array that lies so already is not copied; others go into memory kept for the next batch.
 */
final class Series {
  private INDArray kept;

  /**
   * @param array (B, N, T) or (B, N), any strides and type
   * @return a dense row-major (T, B, N) or (B, N) of {@code type}
   */
  INDArray rows(INDArray array, DataType type) {
    INDArray rows = array.rank() == 3 ? array.permute(2, 0, 1) : array;
    if (rows.dataType() == type && isDense(rows)) {
      return rows;
    }
    if (kept == null || kept.length() < rows.length()) {
      try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
        kept = Nd4j.createUninitialized(type, rows.length());
      }
    }
    long[] shape = rows.shape();
    long[] strides = new long[shape.length];
    long stride = 1;
    for (int d = shape.length - 1; d >= 0; d--) {
      strides[d] = stride;
      stride *= shape[d];
    }
    INDArray target = Nd4j.create(kept.data(), shape, strides, 0, 'c');
    target.assign(rows);
    return target;
  }

  private static boolean isDense(INDArray array) {
    long expected = 1;
    for (int d = array.rank() - 1; d >= 0; d--) {
      if (array.size(d) != 1 && array.stride(d) != expected) {
        return false;
      }
      expected *= array.size(d);
    }
    return true;
  }

  /** Address of an array's first element. */
  static Pointer memory(INDArray array) {
    return array.data().addressPointer();
  }

  /** A new array outside of every workspace. */
  static INDArray detached(double[][] values) {
    try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
      return Nd4j.createFromArray(values);
    }
  }

  /** A (B, N, T) view of a dense (T, B, N) array. */
  static INDArray view(INDArray steps) {
    return steps.permute(1, 2, 0);
  }

  /** Requires (B, H, T). */
  static void requireSeries(String layer, INDArray input) {
    if (input.rank() != 3) {
      throw new IllegalArgumentException(
          "Input of layer %s has shape %s, expected (B, H, T)"
              .formatted(layer, Arrays.toString(input.shape())));
    }
  }

  /** Requires (B, N, T). */
  static void requireSeries(String layer, INDArray input, long N) {
    if (input.rank() != 3 || input.size(1) != N) {
      throw new IllegalArgumentException(
          "Input of layer %s has shape %s, expected (B, H, T) with H = %d"
              .formatted(layer, Arrays.toString(input.shape()), N));
    }
  }

  /**
   * @param mask (B, T) or null
   * @return (T·B), true at real steps; null where all are
   */
  static boolean[] mask(String layer, INDArray mask, int T, int B) {
    if (mask == null) {
      return null;
    }
    if (mask.rank() != 2 || mask.size(0) != B || mask.size(1) != T) {
      throw new IllegalArgumentException(
          "Mask of layer %s has shape %s, expected (B, T) = (%d, %d)"
              .formatted(layer, Arrays.toString(mask.shape()), B, T));
    }
    float[] values = mask.castTo(DataType.FLOAT).dup('c').data().asFloat();
    boolean[] real = new boolean[T * B];
    boolean all = true;
    for (int b = 0; b < B; b++) {
      for (int t = 0; t < T; t++) {
        real[t * B + b] = values[b * T + t] != 0;
        all &= real[t * B + b];
      }
    }
    return all ? null : real;
  }
}
