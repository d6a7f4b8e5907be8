package io.sluice.recurrent.layer;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Copies between two dense matrices (rows, N) and the dense (rows, 2N) that has their rows side by
 * side. Whole rows at a time, in blocks that stay in the processor's cache.
 *
 * <p><b>Considered:</b> {@code Nd4j.concat} and {@code assign} to views, which take the elements of
 * matrices that are not dense one by one.
 */
final class SideBySide {
  private static final int BLOCK_BYTES = 1 << 16;

  private byte[] left = new byte[0];
  private byte[] right = new byte[0];
  private byte[] both = new byte[0];

  /**
   * @param rowBytes of a row of {@code a} and of {@code b}
   */
  void join(Pointer a, Pointer b, Pointer ab, long rows, int rowBytes) {
    var as = new BytePointer(a);
    var bs = new BytePointer(b);
    var abs = new BytePointer(ab);
    int block = makeRoom(rowBytes);
    for (long row = 0; row < rows; row += block) {
      int n = (int) Math.min(block, rows - row);
      as.position(row * rowBytes).get(left, 0, n * rowBytes);
      bs.position(row * rowBytes).get(right, 0, n * rowBytes);
      for (int r = 0; r < n; r++) {
        System.arraycopy(left, r * rowBytes, both, 2 * r * rowBytes, rowBytes);
        System.arraycopy(right, r * rowBytes, both, (2 * r + 1) * rowBytes, rowBytes);
      }
      abs.position(2 * row * rowBytes).put(both, 0, 2 * n * rowBytes);
    }
  }

  /**
   * @param rowBytes of a row of {@code a} and of {@code b}
   */
  void split(Pointer ab, Pointer a, Pointer b, long rows, int rowBytes) {
    var as = new BytePointer(a);
    var bs = new BytePointer(b);
    var abs = new BytePointer(ab);
    int block = makeRoom(rowBytes);
    for (long row = 0; row < rows; row += block) {
      int n = (int) Math.min(block, rows - row);
      abs.position(2 * row * rowBytes).get(both, 0, 2 * n * rowBytes);
      for (int r = 0; r < n; r++) {
        System.arraycopy(both, 2 * r * rowBytes, left, r * rowBytes, rowBytes);
        System.arraycopy(both, (2 * r + 1) * rowBytes, right, r * rowBytes, rowBytes);
      }
      as.position(row * rowBytes).put(left, 0, n * rowBytes);
      bs.position(row * rowBytes).put(right, 0, n * rowBytes);
    }
  }

  /** Rows of a block. */
  private int makeRoom(int rowBytes) {
    int block = Math.max(1, BLOCK_BYTES / rowBytes);
    int bytes = Math.multiplyExact(block, rowBytes);
    if (left.length < bytes) {
      left = new byte[bytes];
      right = new byte[bytes];
      both = new byte[2 * bytes];
    }
    return block;
  }
}
