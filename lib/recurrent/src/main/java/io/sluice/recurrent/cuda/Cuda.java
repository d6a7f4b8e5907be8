package io.sluice.recurrent.cuda;

import io.sluice.recurrent.kernel.DeviceMemoryException;
import java.util.Locale;
import java.util.Optional;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.cuda.global.cudnn;
import org.bytedeco.cuda.global.nvrtc;
import org.bytedeco.javacpp.SizeTPointer;

/** Whether this machine has a GPU that can be used, and which. Asking never throws. */
public final class Cuda {
  /** CUDA 13's, the version that the bindings are made for. */
  private static final int LEAST_DRIVER = 13_000;

  private static final long LEAST_CUDNN = 90_000;

  /** Turing: CUDA 13 holds no code for older ones. */
  private static final int LEAST_CAPABILITY = 75;

  private static final class Holder {
    static final int DEVICES;
    static final String PROBLEM;

    static {
      int[] devices = new int[1];
      PROBLEM = findProblem(devices);
      DEVICES = PROBLEM == null ? devices[0] : 0;
    }
  }

  private Cuda() {}

  /** Why no GPU can be used here, in one sentence or two; empty if one can. */
  public static Optional<String> problem() {
    return Optional.ofNullable(Holder.PROBLEM);
  }

  /** GPUs that can be used here, numbered from 0; 0 where there is a {@link #problem}. */
  public static int devices() {
    return Holder.DEVICES;
  }

  /**
   * What a person would call a GPU, with its memory and the versions around it.
   *
   * @throws IllegalArgumentException if there is no device of that number
   */
  public static String describe(int device) {
    requireDevice(device);
    return "%s (%.0f GiB, compute capability %s, driver for CUDA %s, CUDA runtime %s, cuDNN %s)"
        .formatted(
            name(device),
            total(device) / (double) (1L << 30),
            dotted(capability(device)),
            version(driver()),
            version(runtime()),
            cudnnVersion());
  }

  /** A device's name, e.g. "NVIDIA H100 80GB HBM3". */
  public static String name(int device) {
    requireDevice(device);
    byte[] name = new byte[256];
    checkDriver(cudart.cuDeviceGetName(name, name.length, device), "cuDeviceGetName");
    int end = 0;
    while (end < name.length && name[end] != 0) {
      end++;
    }
    return new String(name, 0, end, java.nio.charset.StandardCharsets.US_ASCII);
  }

  /** Bytes of a device's memory that nobody holds now. */
  public static long freeBytes(int device) {
    return memory(device)[0];
  }

  /** cuDNN's version, e.g. "9.19.0". */
  public static String cudnnVersion() {
    long version = cudnn.cudnnGetVersion();
    return "%d.%d.%d".formatted(version / 10_000, version / 100 % 100, version % 100);
  }

  static void requireDevice(int device) {
    if (problem().isPresent()) {
      throw new IllegalStateException(problem().get());
    }
    if (device < 0 || device >= devices()) {
      throw new IllegalArgumentException(
          "There is no GPU %d here: this machine has %d, numbered from 0"
              .formatted(device, devices()));
    }
  }

  /** 90 for compute capability 9.0. */
  static int capability(int device) {
    int[] value = new int[1];
    check(
        cudart.cudaDeviceGetAttribute(value, cudart.cudaDevAttrComputeCapabilityMajor, device),
        "cudaDeviceGetAttribute");
    int major = value[0];
    check(
        cudart.cudaDeviceGetAttribute(value, cudart.cudaDevAttrComputeCapabilityMinor, device),
        "cudaDeviceGetAttribute");
    return major * 10 + value[0];
  }

  private static long total(int device) {
    return memory(device)[1];
  }

  private static long[] memory(int device) {
    requireDevice(device);
    check(cudart.cudaSetDevice(device), "cudaSetDevice");
    try (var free = new SizeTPointer(1);
        var total = new SizeTPointer(1)) {
      check(cudart.cudaMemGetInfo(free, total), "cudaMemGetInfo");
      return new long[] {free.get(), total.get()};
    }
  }

  private static int driver() {
    int[] version = new int[1];
    check(cudart.cudaDriverGetVersion(version), "cudaDriverGetVersion");
    return version[0];
  }

  private static int runtime() {
    int[] version = new int[1];
    check(cudart.cudaRuntimeGetVersion(version), "cudaRuntimeGetVersion");
    return version[0];
  }

  private static String version(int cuda) {
    return "%d.%d".formatted(cuda / 1000, cuda % 1000 / 10);
  }

  private static String dotted(int capability) {
    return "%d.%d".formatted(capability / 10, capability % 10);
  }

  private static String findProblem(int[] devices) {
    try {
      int[] driver = new int[1];
      int status = cudart.cudaDriverGetVersion(driver);
      if (status == 0 && driver[0] == 0) {
        return noDriver("no driver is loaded");
      }
      if (status == 0 && driver[0] < LEAST_DRIVER) {
        return "The NVIDIA driver is too old: it knows CUDA %s, but %s is needed. Install driver 580 or newer."
            .formatted(version(driver[0]), version(LEAST_DRIVER));
      }
      status = cudart.cudaGetDeviceCount(devices);
      if (status == cudart.cudaErrorNoDevice || status == 0 && devices[0] == 0) {
        return "This machine has no NVIDIA GPU, or none that this process may see (CUDA_VISIBLE_DEVICES).";
      }
      if (status == cudart.cudaErrorInsufficientDriver) {
        return noDriver(reason(status));
      }
      if (status != 0) {
        return "CUDA cannot count this machine's GPUs: %s.".formatted(reason(status));
      }
      for (int device = 0; device < devices[0]; device++) {
        if (capability(device) < LEAST_CAPABILITY) {
          return "GPU %d has compute capability %s, but CUDA 13 needs %s (Turing) or newer. Hide it by CUDA_VISIBLE_DEVICES."
              .formatted(device, dotted(capability(device)), dotted(LEAST_CAPABILITY));
        }
      }
      long cudnnVersion = cudnn.cudnnGetVersion();
      if (cudnnVersion < LEAST_CUDNN) {
        return "cuDNN is too old: it is version %d, but 9 is needed.".formatted(cudnnVersion);
      }
      int[] major = new int[1];
      nvrtc.nvrtcVersion(major, new int[1]);
      return null;
    } catch (LinkageError | RuntimeException e) {
      return unloadable(e);
    }
  }

  private static String noDriver(String reason) {
    return "No NVIDIA driver answers on this machine (%s). Install driver 580 or newer if it has a GPU."
        .formatted(reason);
  }

  /** What to do about a library that did not load. */
  static String unloadable(Throwable failure) {
    Throwable cause = failure;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    String message = cause.getMessage() == null ? cause.toString() : cause.getMessage();
    if (message.contains("libcuda.so")) {
      return "No NVIDIA driver is on this machine (libcuda.so.1 is not on the library path). Install driver 580 or newer if it has a GPU.";
    }
    if (failure instanceof NoClassDefFoundError || message.contains("Could not find jni")) {
      return "CUDA's bindings are not on the class path (%s). Add org.bytedeco:cuda with the natives of this platform."
          .formatted(message);
    }
    return "CUDA does not load (%s). Install CUDA 13 and cuDNN 9, and name their folders in LD_LIBRARY_PATH (in Spark: spark.executor.extraLibraryPath)."
        .formatted(message);
  }

  // what follows checks the status of a call, in the house of the call

  static void check(int status, String call) {
    if (status == cudart.cudaErrorMemoryAllocation) {
      throw memoryException("memory", call);
    }
    if (status != 0) {
      throw new CudaException(
          "%s failed: %s. An error on a GPU ends all work of its process there; start again, and check the machine's log (dmesg, Xid) if it comes back."
              .formatted(call, reason(status)));
    }
  }

  static void checkDriver(int status, String call) {
    if (status != 0) {
      throw new CudaException("%s failed with status %d of the driver.".formatted(call, status));
    }
  }

  static void checkAllocation(int status, long bytes, String what) {
    if (status == cudart.cudaErrorMemoryAllocation) {
      throw memoryException(size(bytes), what);
    }
    check(status, "cudaMalloc of %s for %s".formatted(size(bytes), what));
  }

  private static DeviceMemoryException memoryException(String amount, String what) {
    cudart.cudaGetLastError(); // or the next call would report it again
    return new DeviceMemoryException(
        "The GPU has no %s left for %s. Lower the batch size or the sequence length, give each GPU to one task, or set device = cpu."
            .formatted(amount, what));
  }

  static void checkCudnn(int status, String call, Object about) {
    if (status == cudnn.CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED) {
      throw memoryException("memory", "%s (%s)".formatted(call, about));
    }
    if (status != 0) {
      throw new CudaException(
          "%s failed: %s (%s), cuDNN %s.%s"
              .formatted(
                  call,
                  cudnn.cudnnGetErrorString(status).getString(),
                  about,
                  cudnnVersion(),
                  status >= 3000 && status < 4000
                      ? " cuDNN has no kernel for it on this GPU: choose another precision, or device = cpu."
                      : ""));
    }
  }

  static String size(long bytes) {
    if (bytes >= 1L << 30) {
      return String.format(Locale.ROOT, "%.1f GiB", bytes / (double) (1L << 30));
    }
    return String.format(Locale.ROOT, "%.1f MiB", bytes / (double) (1L << 20));
  }

  private static String reason(int status) {
    return "%s (%s)"
        .formatted(
            cudart.cudaGetErrorString(status).getString(),
            cudart.cudaGetErrorName(status).getString());
  }
}
