package io.sluice.recurrent.cuda;

import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.Pointer;

/** Memory of the host that the device copies from and to without a detour; only grows. */
final class PinnedBuffer implements AutoCloseable {
  private Pointer memory;
  private long bytes;

  /** At least {@code wanted} bytes; the old content is lost when it grows. */
  Pointer atLeast(long wanted) {
    if (memory == null || wanted > bytes) {
      close();
      var allocated = new Pointer();
      long rounded = Math.max(wanted, 1);
      Cuda.check(
          cudart.cudaHostAlloc(allocated, rounded, cudart.cudaHostAllocDefault),
          "cudaHostAlloc of %d bytes".formatted(rounded));
      memory = allocated;
      bytes = rounded;
    }
    return memory;
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
      Cuda.check(cudart.cudaFreeHost(memory), "cudaFreeHost");
      memory = null;
      bytes = 0;
    }
  }
}
