package io.sluice.recurrent.head;

import org.bytedeco.javacpp.FloatPointer;

/**
 * Off-heap float32 memory that only grows and is kept from batch to batch. JavaCPP frees it when
 * its owner is collected.
 */
final class FloatBlock {
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
}
