package io.sluice.recurrent.head;

import org.bytedeco.javacpp.FloatPointer;

/**
 * Off-heap float32 memory that only grows and is kept from batch to batch, until it is closed: of
 * an owner that is only dropped JavaCPP frees it at some garbage collection.
 */
final class FloatBlock implements AutoCloseable {
  private FloatPointer memory;
  private long size;

  /** Memory of at least {@code wanted} numbers; the old content is lost when it grows. */
  FloatPointer atLeast(long wanted) {
    if (wanted > size) {
      if (memory != null) {
        memory.deallocate();
      }
      memory = new FloatPointer(wanted);
      size = wanted;
    }
    return memory;
  }

  /** What was asked for last. */
  FloatPointer memory() {
    return memory;
  }

  /** Numbers it holds. */
  long size() {
    return size;
  }

  @Override
  public void close() {
    if (memory != null) {
      memory.deallocate();
      memory = null;
      size = 0;
    }
  }
}
