package io.sluice.recurrent.kernel;

import java.nio.ByteBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Rows of a matrix off-heap, of any number of bytes in all, which are copied without a native call
 * each.
 */
final class NativeRows {
  /** A Java buffer holds 2 GiB; windows of whole rows of up to 1 GiB follow on each other. */
  private static final int WINDOW_BYTES = 1 << 30;

  private final int rowBytes;

  /** A window has 2 to the power of this many rows. */
  private final int windowBits;

  private final ByteBuffer[] windows;

  /**
   * @param matrix where row 0 lies; the others follow without gaps
   */
  NativeRows(Pointer matrix, long rows, int rowBytes) {
    this(matrix, rows, rowBytes, WINDOW_BYTES);
  }

  NativeRows(Pointer matrix, long rows, int rowBytes, int windowBytes) {
    this.rowBytes = rowBytes;
    this.windowBits =
        Integer.SIZE - 1 - Integer.numberOfLeadingZeros(Math.max(1, windowBytes / rowBytes));
    this.windows = new ByteBuffer[rows == 0 ? 0 : window(rows - 1) + 1];
    for (int w = 0; w < windows.length; w++) {
      long start = start(w);
      long bytes = Math.min(rows * rowBytes - start, (long) rowBytes << windowBits);
      // a buffer begins where its pointer stands
      windows[w] = new BytePointer(matrix).getPointer(start).capacity(bytes).asByteBuffer();
    }
  }

  /** The window that a row lies in. */
  int window(long row) {
    return (int) (row >>> windowBits);
  }

  /** Where a window begins in the matrix, in bytes. */
  long start(int window) {
    return ((long) window << windowBits) * rowBytes;
  }

  /** Where a row begins in its window, in bytes. */
  int offset(long row) {
    return (int) (row & ((1L << windowBits) - 1)) * rowBytes;
  }

  /** Row {@code row} becomes a row of another matrix, of as many bytes. */
  void copy(long row, NativeRows from, long fromRow) {
    windows[window(row)].put(
        offset(row), from.windows[from.window(fromRow)], from.offset(fromRow), rowBytes);
  }

  /**
   * @param values of a row
   */
  void put(long row, byte[] values) {
    windows[window(row)].put(offset(row), values);
  }
}
