package io.sluice.recurrent.kernel;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/** Off-heap memory that only grows, aligned to cache lines. */
public final class NativeBuffer implements AutoCloseable {
  private static final int CACHE_LINE = 64;

  private BytePointer allocation;
  private BytePointer memory;
  private long bytes;

  /** Memory of at least {@code wanted} bytes; its old content is lost when it grows. */
  public Pointer atLeast(long wanted) {
    if (memory == null || wanted > bytes) {
      close();
      allocation = new BytePointer(wanted + CACHE_LINE);
      long misaligned = allocation.address() % CACHE_LINE;
      memory = allocation.getPointer(misaligned == 0 ? 0 : CACHE_LINE - misaligned);
      bytes = wanted;
    }
    return memory;
  }

  /** The same, filled with zeros in its first {@code wanted} bytes. */
  public Pointer zeros(long wanted) {
    Pointer zeroed = atLeast(wanted);
    Pointer.memset(zeroed, 0, wanted);
    return zeroed;
  }

  /** What it holds now. */
  public long bytes() {
    return bytes;
  }

  @Override
  public void close() {
    if (allocation != null) {
      allocation.deallocate();
      allocation = null;
      memory = null;
      bytes = 0;
    }
  }
}
