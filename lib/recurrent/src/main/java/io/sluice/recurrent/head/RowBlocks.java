package io.sluice.recurrent.head;

import io.sluice.recurrent.kernel.Activations;
import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;

/**
 * Passes over the rows of an off-heap matrix go in blocks that stay in a core's cache: a block is
 * copied into a Java array, where HotSpot's vector loops run, and back. Each copy is a native call,
 * so a block is as many rows as fit, not the B rows of a time step.
 */
final class RowBlocks {
  /** Numbers of a block: 64 KiB, so that two or three fit a core's second-level cache. */
  private static final int NUMBERS = 16 * 1024;

  private RowBlocks() {}

  /** Rows of a block of a matrix of {@code width} columns. */
  static int rows(int width) {
    return Math.max(1, NUMBERS / width);
  }

  /** An array for a block of a matrix of up to {@code width} columns. */
  static float[] room(int width) {
    return new float[Math.max(NUMBERS, width)];
  }

  /**
   * Copies (rows, width) with zeros in its masked rows: a product over all rows must not meet what
   * is masked, which may be NaN. What is so small that its products become denormals is zero too.
   *
   * @param block from {@link #room}
   * @return {@code target}
   */
  static FloatPointer copyReal(
      FloatPointer source,
      int rows,
      int width,
      boolean[] mask,
      float[] block,
      FloatPointer target) {
    int atOnce = rows(width);
    for (int from = 0; from < rows; from += atOnce) {
      int n = Math.min(atOnce, rows - from);
      long start = (long) from * width;
      source.position(start).get(block, 0, n * width);
      for (int r = 0; mask != null && r < n; r++) {
        if (!mask[from + r]) {
          Arrays.fill(block, r * width, (r + 1) * width, 0);
        }
      }
      Activations.flush(block, n * width);
      target.position(start).put(block, 0, n * width);
    }
    source.position(0);
    return target.position(0);
  }
}
