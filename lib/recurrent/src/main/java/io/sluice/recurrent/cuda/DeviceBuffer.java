package io.sluice.recurrent.cuda;

import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.Pointer;

/** Memory on the device that only grows. */
final class DeviceBuffer implements AutoCloseable {
  private Pointer memory;
  private long bytes;

  /**
   * At least {@code wanted} bytes; the old content is lost when it grows.
   *
   * @param what it is for, as a person reads it in the message when there is none left
   */
  Pointer atLeast(long wanted, String what) {
    if (memory == null || wanted > bytes) {
      close();
      var allocated = new Pointer();
      long rounded = Math.max(wanted, 1);
      Cuda.checkAllocation(cudart.cudaMalloc(allocated, rounded), rounded, what);
      memory = allocated;
      bytes = rounded;
    }
    return memory;
  }

  /** What it holds; null before the first {@link #atLeast}. */
  Pointer pointer() {
    return memory;
  }

  /** Its address as a number; 0 before the first {@link #atLeast}. */
  long address() {
    return memory == null ? 0 : memory.address();
  }

  /** The address {@code offset} bytes behind its start. */
  Pointer at(long offset) {
    return offset == 0 ? memory : new DevicePointer(memory.address() + offset);
  }

  long bytes() {
    return bytes;
  }

  @Override
  public void close() {
    if (memory != null) {
      Cuda.check(cudart.cudaFree(memory), "cudaFree");
      memory = null;
      bytes = 0;
    }
  }
}
