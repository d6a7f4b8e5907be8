package io.sluice.training.allreduce;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;

/**
 * Sums over off-heap float32 memory, of numbers as they arrive. Blocks are copied to heap arrays
 * that fit the first-level cache, where HotSpot makes vector instructions of the loops.
 *
 * <p>Of one thread.
 */
public final class Numbers {
  /** Numbers in a block: both arrays fit a first-level cache of 32 KiB. */
  private static final int BLOCK = 2048;

  private final float[] own = new float[BLOCK];
  private final float[] other = new float[BLOCK];
  private final short[] halves = new short[BLOCK];

  /** array[at, at + n) += the n numbers that {@code in} begins with; consumes them. */
  void add(WireFormat wire, FloatBuffer array, int at, ByteBuffer in, int n) {
    ByteBuffer numbers = take(in, n * wire.bytes());
    FloatBuffer floats = wire == WireFormat.F32 ? numbers.asFloatBuffer() : null;
    ShortBuffer shorts = wire == WireFormat.BF16 ? numbers.asShortBuffer() : null;
    for (int done = 0; done < n; done += BLOCK) {
      int size = Math.min(BLOCK, n - done);
      if (floats != null) {
        floats.get(other, 0, size);
      } else {
        shorts.get(halves, 0, size);
        widen(halves, other, size);
      }
      array.get(at + done, own, 0, size);
      for (int i = 0; i < size; i++) {
        own[i] += other[i];
      }
      array.put(at + done, own, 0, size);
    }
  }

  /** array[at, at + n) = the n numbers that {@code in} begins with; consumes them. */
  public void put(WireFormat wire, FloatBuffer array, int at, ByteBuffer in, int n) {
    ByteBuffer numbers = take(in, n * wire.bytes());
    if (wire == WireFormat.F32) {
      array.put(at, numbers.asFloatBuffer(), 0, n);
      return;
    }
    ShortBuffer shorts = numbers.asShortBuffer();
    for (int done = 0; done < n; done += BLOCK) {
      int size = Math.min(BLOCK, n - done);
      shorts.get(halves, 0, size);
      widen(halves, other, size);
      array.put(at + done, other, 0, size);
    }
  }

  /** Writes array[at, at + n) to {@code out} as bfloat16; rounds the array too if asked to. */
  public void narrow(FloatBuffer array, int at, int n, ByteBuffer out, boolean round) {
    ShortBuffer shorts = out.order(ByteOrder.LITTLE_ENDIAN).asShortBuffer();
    for (int done = 0; done < n; done += BLOCK) {
      int size = Math.min(BLOCK, n - done);
      array.get(at + done, own, 0, size);
      for (int i = 0; i < size; i++) {
        halves[i] = toBf16(own[i]);
      }
      shorts.put(halves, 0, size);
      if (round) {
        widen(halves, own, size);
        array.put(at + done, own, 0, size);
      }
    }
  }

  /** The upper half of a float32, rounded to nearest, ties to even; NaN stays NaN. */
  static short toBf16(float x) {
    int bits = Float.floatToRawIntBits(x);
    if (Float.isNaN(x)) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) (bits + 0x7FFF + (bits >>> 16 & 1) >>> 16);
  }

  private static void widen(short[] halves, float[] floats, int n) {
    for (int i = 0; i < n; i++) {
      floats[i] = Float.intBitsToFloat(halves[i] << 16);
    }
  }

  private static ByteBuffer take(ByteBuffer in, int bytes) {
    ByteBuffer taken = in.slice(in.position(), bytes).order(ByteOrder.LITTLE_ENDIAN);
    in.position(in.position() + bytes);
    return taken;
  }
}
