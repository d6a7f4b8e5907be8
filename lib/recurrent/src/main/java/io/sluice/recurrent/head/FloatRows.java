package io.sluice.recurrent.head;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/** Copies rows of {@code width} float32 numbers out of a matrix and back. */
final class FloatRows {
  private FloatRows() {}

  /** {@code to} gets rows {@code rows[start, start + n)}, one behind the other; returns it. */
  static FloatPointer gather(
      FloatPointer from, int[] rows, int start, int n, int width, FloatPointer to) {
    for (int r = 0; r < n; r++) {
      copy(from, rows[start + r], to, r, width);
    }
    return to;
  }

  /** The way back. */
  static void scatter(FloatPointer from, int[] rows, int start, int n, int width, FloatPointer to) {
    for (int r = 0; r < n; r++) {
      copy(from, r, to, rows[start + r], width);
    }
  }

  private static void copy(
      FloatPointer from, long fromRow, FloatPointer to, long toRow, int width) {
    Pointer.memcpy(
        Addresses.at(to, toRow * width),
        Addresses.at(from, fromRow * width),
        (long) width * Float.BYTES);
  }
}
