package io.sluice.recurrent.kernel;

import java.nio.FloatBuffer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Floats off-heap, this object's own or borrowed, which Java reads and writes without a native call
 * and native code takes by address; neither makes an object.
 */
public final class FloatMemory implements AutoCloseable {
  /**
   * A Java buffer holds 2 GiB; windows of 1 GiB begin every 512 MiB, so that no piece that is read
   * or written at once lies across the end of one.
   */
  private static final int WINDOW_BITS = 27;

  private static final long WINDOW_STEP = 1L << WINDOW_BITS;

  private final NativeBuffer own = new NativeBuffer();
  private long address;
  private long length;
  private FloatPointer pointer;
  private FloatBuffer[] windows;

  /** Makes room of its own for {@code wanted} floats; the old content is lost when it grows. */
  FloatMemory room(long wanted) {
    if (pointer == null || length < wanted) {
      view(own.atLeast(wanted * Float.BYTES), wanted);
    }
    return this;
  }

  /** Borrows {@code wanted} floats at an address. */
  public FloatMemory at(Pointer memory, long wanted) {
    if (memory.address() != address || length != wanted) {
      view(memory, wanted);
    }
    return this;
  }

  private void view(Pointer memory, long wanted) {
    address = memory.address();
    length = wanted;
    pointer = new FloatPointer(memory);
    windows = new FloatBuffer[(int) (wanted / WINDOW_STEP) + 1];
    for (int w = 0; w < windows.length; w++) {
      long start = w * WINDOW_STEP;
      // a new pointer each time: a buffer begins where its pointer stands
      windows[w] =
          new FloatPointer(memory)
              .position(start)
              .limit(Math.min(wanted, start + 2 * WINDOW_STEP - 1))
              .asBuffer();
    }
  }

  /**
   * Address of a float; valid until the next call. For native calls that take a FloatPointer: where
   * one is taken as a Pointer its position counts as bytes.
   */
  FloatPointer from(long index) {
    return pointer.position(index);
  }

  /** values[0, n) = this[index, index + n). */
  public void get(long index, float[] values, int n) {
    windows[(int) (index >>> WINDOW_BITS)].get((int) (index & (WINDOW_STEP - 1)), values, 0, n);
  }

  /** this[index, index + n) = values[0, n). */
  public void put(long index, float[] values, int n) {
    windows[(int) (index >>> WINDOW_BITS)].put((int) (index & (WINDOW_STEP - 1)), values, 0, n);
  }

  /** this[index, index + n) = source[0, n). */
  void copyFrom(Pointer source, long index, long n) {
    Pointer.memcpy(pointer.position(0).getPointer(index), source, n * Float.BYTES);
  }

  /** target[0, n) = this[index, index + n). */
  void copyTo(Pointer target, long index, long n) {
    Pointer.memcpy(target, pointer.position(0).getPointer(index), n * Float.BYTES);
  }

  /** this[0, n) = 0. */
  void zero(long n) {
    zero(0, n);
  }

  /** this[index, index + n) = 0. */
  void zero(long index, long n) {
    Pointer.memset(pointer.position(0).getPointer(index), 0, n * Float.BYTES);
  }

  /** Whether it lies where another memory does. */
  boolean isAt(Pointer memory) {
    return memory.address() == address;
  }

  /** Bytes of its own. */
  long bytes() {
    return own.bytes();
  }

  @Override
  public void close() {
    own.close();
    pointer = null;
    windows = null;
    length = 0;
    address = 0;
  }
}
