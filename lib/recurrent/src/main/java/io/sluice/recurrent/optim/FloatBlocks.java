package io.sluice.recurrent.optim;

import java.nio.FloatBuffer;
import org.bytedeco.javacpp.FloatPointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The numbers of an off-heap float32 array in the order of memory, copied to the heap and back
 * block by block, so that Java's loops work on arrays in the first-level cache: HotSpot makes
 * vector instructions of such loops, and several passes over memory become one.
 */
final class FloatBlocks {
  /** Numbers in a block: three or four blocks fit a cache of 32 KiB. */
  static final int SIZE = 1024;

  /** A Java buffer holds less than 2 GiB. */
  private static final long WINDOW = 1L << 28;

  private final FloatBuffer[] windows;

  /**
   * @param array must live as long as this
   */
  FloatBlocks(INDArray array) {
    if (!canHold(array)) {
      throw new IllegalArgumentException(
          "array is %s with element stride %d, expected FLOAT with 1"
              .formatted(array.dataType(), array.elementWiseStride()));
    }
    long length = array.length();
    windows = new FloatBuffer[Math.toIntExact((length + WINDOW - 1) / WINDOW)];
    for (int w = 0; w < windows.length; w++) {
      // a new pointer each time: a buffer begins where its pointer stands
      windows[w] =
          new FloatPointer(array.data().addressPointer())
              .position(w * WINDOW)
              .limit(Math.min(length, (w + 1) * WINDOW))
              .asBuffer();
    }
  }

  /** Whether an array's numbers are float32 without gaps. */
  static boolean canHold(INDArray array) {
    return array.dataType() == DataType.FLOAT && array.elementWiseStride() == 1;
  }

  /** Numbers of the block that begins at {@code from}, of {@code length} in all. */
  static int sizeAt(long from, long length) {
    return (int) Math.min(SIZE, length - from);
  }

  /** Numbers of the piece of [from, to) that begins at {@code from} and lies in one block. */
  static int pieceAt(long from, long to) {
    return (int) Math.min(SIZE - from % SIZE, to - from);
  }

  /** block[0, n) = this[from, from + n), which lies in one block. */
  void get(long from, float[] block, int n) {
    windows[(int) (from / WINDOW)].get((int) (from % WINDOW), block, 0, n);
  }

  /** this[from, from + n) = block[0, n), which lies in one block. */
  void put(long from, float[] block, int n) {
    windows[(int) (from / WINDOW)].put((int) (from % WINDOW), block, 0, n);
  }
}
