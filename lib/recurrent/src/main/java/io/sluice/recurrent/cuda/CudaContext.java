package io.sluice.recurrent.cuda;

import io.sluice.recurrent.kernel.DeviceMemoryException;
import java.util.EnumMap;
import java.util.Map;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.cudnn.cudnnContext;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.cuda.global.cudnn;
import org.bytedeco.javacpp.Pointer;

/**
 * One GPU as one thread at a time uses it: a queue of work, cuDNN on it, and memory that calls in
 * the queue share. Stacks that are used in turn share one.
 */
public final class CudaContext implements AutoCloseable {
  private final int device;
  private final CUstream_st stream = new CUstream_st();
  private final cudnnContext handle = new cudnnContext();
  private final DeviceBuffer workspace = new DeviceBuffer();
  private final Map<CudaPrecision, Conversions> conversions = new EnumMap<>(CudaPrecision.class);
  private boolean closed;

  /**
   * @param device its number
   * @throws IllegalStateException if no GPU can be used here
   * @throws IllegalArgumentException if there is none of that number
   * @throws io.sluice.recurrent.kernel.DeviceMemoryException if its memory is used up
   */
  public CudaContext(int device) {
    Cuda.requireDevice(device);
    this.device = device;
    enter();
    Cuda.check(
        cudart.cudaStreamCreateWithFlags(stream, cudart.cudaStreamNonBlocking),
        "cudaStreamCreateWithFlags");
    try {
      checkCudnn(cudnn.cudnnCreate(handle), "cudnnCreate", "GPU " + device);
    } catch (DeviceMemoryException e) {
      Cuda.check(cudart.cudaStreamDestroy(stream), "cudaStreamDestroy");
      throw e;
    }
    checkCudnn(cudnn.cudnnSetStream(handle, stream), "cudnnSetStream", "GPU " + device);
  }

  /** The number of its GPU. */
  public int device() {
    return device;
  }

  /** Makes the GPU the calling thread's. */
  void enter() {
    if (closed) {
      throw new IllegalStateException("The context of GPU %d is closed".formatted(device));
    }
    Cuda.check(cudart.cudaSetDevice(device), "cudaSetDevice");
  }

  cudnnContext cudnn() {
    return handle;
  }

  CUstream_st stream() {
    return stream;
  }

  /** Scratch memory of the call that is queued next. */
  Pointer workspace(long bytes) {
    return workspace.atLeast(bytes, "cuDNN's work space");
  }

  /** Of a precision with 16 bits; compiled the first time. */
  Conversions conversions(CudaPrecision precision) {
    return conversions.computeIfAbsent(
        precision, p -> new Conversions(p, Cuda.capability(device), stream));
  }

  /** Waits until everything queued is done. */
  void await() {
    Cuda.check(cudart.cudaStreamSynchronize(stream), "cudaStreamSynchronize");
  }

  /** Bytes of the device's memory that it holds itself. */
  long deviceBytes() {
    return workspace.bytes();
  }

  static void checkCudnn(int status, String call, Object about) {
    Cuda.checkCudnn(status, call, about);
  }

  @Override
  public void close() {
    if (!closed) {
      enter();
      await();
      closed = true;
      conversions.values().forEach(Conversions::close);
      workspace.close();
      checkCudnn(cudnn.cudnnDestroy(handle), "cudnnDestroy", "GPU " + device);
      Cuda.check(cudart.cudaStreamDestroy(stream), "cudaStreamDestroy");
    }
  }
}
