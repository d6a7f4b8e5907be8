package io.sluice.training.allreduce;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A short array that is being summed, on the heap. */
sealed interface Values {
  int count();

  /** Bytes of a number. */
  int bytes();

  /** "floats" or "doubles". */
  String kind();

  /** A copy of [from, to) as it travels. */
  ByteBuffer encoded(int from, int to);

  /** [from, to) += numbers, or = numbers. */
  void take(int from, int to, ByteBuffer numbers, boolean add);

  /** Float32 numbers that belong to an off-heap array. */
  record Floats(float[] values, ByteBuffer array) implements Values {
    static Floats of(ByteBuffer array) {
      ByteBuffer own = array.slice().order(ByteOrder.nativeOrder());
      float[] values = new float[own.remaining() / Float.BYTES];
      own.asFloatBuffer().get(values);
      return new Floats(values, own);
    }

    /** Writes the numbers back to their array. */
    void store() {
      array.asFloatBuffer().put(values);
    }

    @Override
    public int count() {
      return values.length;
    }

    @Override
    public int bytes() {
      return Float.BYTES;
    }

    @Override
    public String kind() {
      return "floats";
    }

    @Override
    public ByteBuffer encoded(int from, int to) {
      ByteBuffer bytes = allocate((to - from) * Float.BYTES);
      bytes.asFloatBuffer().put(values, from, to - from);
      return bytes;
    }

    @Override
    public void take(int from, int to, ByteBuffer numbers, boolean add) {
      var in = numbers.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
      for (int i = from; i < to; i++) {
        values[i] = add ? values[i] + in.get() : in.get();
      }
    }
  }

  /** Float64 numbers. */
  record Doubles(double[] values) implements Values {
    @Override
    public int count() {
      return values.length;
    }

    @Override
    public int bytes() {
      return Double.BYTES;
    }

    @Override
    public String kind() {
      return "doubles";
    }

    @Override
    public ByteBuffer encoded(int from, int to) {
      ByteBuffer bytes = allocate((to - from) * Double.BYTES);
      bytes.asDoubleBuffer().put(values, from, to - from);
      return bytes;
    }

    @Override
    public void take(int from, int to, ByteBuffer numbers, boolean add) {
      var in = numbers.order(ByteOrder.LITTLE_ENDIAN).asDoubleBuffer();
      for (int i = from; i < to; i++) {
        values[i] = add ? values[i] + in.get() : in.get();
      }
    }
  }

  private static ByteBuffer allocate(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
