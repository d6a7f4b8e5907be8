package io.sluice.recurrent.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUmod_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.cuda.global.nvrtc;
import org.bytedeco.cuda.nvrtc._nvrtcProgram;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;

/**
 * Between float32 and the 16 bits of one {@link CudaPrecision} on the device, by kernels compiled
 * from {@code convert.cu} for the device at hand.
 */
final class Conversions implements AutoCloseable {
  private static final int THREADS = 256;

  /** Enough blocks to fill any GPU; each takes several elements where there are more. */
  private static final long BLOCKS = 1024;

  /** Machine code by compute capability: one compilation a process. */
  private static final Map<Integer, byte[]> CODE = new ConcurrentHashMap<>();

  private final CUstream_st stream;
  private final CUmod_st module = new CUmod_st();
  private final CUfunc_st narrow = new CUfunc_st();
  private final CUfunc_st widen = new CUfunc_st();
  private final CUfunc_st add = new CUfunc_st();
  private final DeviceBuffer spoiled = new DeviceBuffer();

  /** n, in, out, scale, spoiled, each in 8 bytes, and where they lie. */
  private final LongPointer arguments = new LongPointer(5);

  private final PointerPointer<Pointer> places = new PointerPointer<>(5);

  /** For the current device. */
  Conversions(CudaPrecision precision, int capability, CUstream_st stream) {
    this.stream = stream;
    byte[] compiled = CODE.computeIfAbsent(capability, c -> compile(source(), c));
    try (var code = new BytePointer(compiled)) {
      Cuda.checkDriver(cudart.cuModuleLoadData(module, code), "cuModuleLoadData");
    }
    String type = precision.label();
    Cuda.checkDriver(
        cudart.cuModuleGetFunction(narrow, module, "narrow_" + type), "cuModuleGetFunction");
    Cuda.checkDriver(
        cudart.cuModuleGetFunction(widen, module, "widen_" + type), "cuModuleGetFunction");
    Cuda.checkDriver(cudart.cuModuleGetFunction(add, module, "add_" + type), "cuModuleGetFunction");
    for (int k = 0; k < 5; k++) {
      places.put(k, arguments.getPointer(k));
    }
    spoiled.atLeast(Integer.BYTES, "a flag");
    forgetSpoiled();
  }

  /** 16 bits: out = in · scale. */
  void narrow(long n, Pointer in, Pointer out, float scale) {
    launch(narrow, n, in, out, scale, false);
  }

  /**
   * float32: out = in · scale.
   *
   * @param watched whether numbers that are not finite count for {@link #takeSpoiled}
   */
  void widen(long n, Pointer in, Pointer out, float scale, boolean watched) {
    launch(widen, n, in, out, scale, watched);
  }

  /** float32: out += in · scale; watched. */
  void add(long n, Pointer in, Pointer out, float scale) {
    launch(add, n, in, out, scale, true);
  }

  /** Whether a watched number since the last time was not finite. Waits for the device. */
  boolean takeSpoiled() {
    try (var flag = new IntPointer(1)) {
      Cuda.check(
          cudart.cudaMemcpyAsync(
              flag, spoiled.pointer(), Integer.BYTES, cudart.cudaMemcpyDeviceToHost, stream),
          "cudaMemcpyAsync of a flag");
      forgetSpoiled();
      Cuda.check(cudart.cudaStreamSynchronize(stream), "cudaStreamSynchronize");
      return flag.get() != 0;
    }
  }

  private void forgetSpoiled() {
    Cuda.check(
        cudart.cudaMemsetAsync(spoiled.pointer(), 0, Integer.BYTES, stream), "cudaMemsetAsync");
  }

  private void launch(
      CUfunc_st function, long n, Pointer in, Pointer out, float scale, boolean watched) {
    if (n == 0) {
      return;
    }
    arguments.put(0, n);
    arguments.put(1, in.address());
    arguments.put(2, out.address());
    arguments.put(3, Integer.toUnsignedLong(Float.floatToRawIntBits(scale)));
    arguments.put(4, watched ? spoiled.pointer().address() : 0);
    int blocks = (int) Math.min(BLOCKS, (n + THREADS - 1) / THREADS);
    Cuda.checkDriver(
        cudart.cuLaunchKernel(
            function, blocks, 1, 1, THREADS, 1, 1, 0, stream, places, (PointerPointer<?>) null),
        "cuLaunchKernel");
  }

  static String source() {
    try (InputStream file = Conversions.class.getResourceAsStream("convert.cu")) {
      return new String(file.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read convert.cu from the class path", e);
    }
  }

  /**
   * Machine code for one kind of device.
   *
   * @param capability 90 for compute capability 9.0
   */
  static byte[] compile(String source, int capability) {
    try (var program = new _nvrtcProgram();
        var text = new BytePointer(source, StandardCharsets.US_ASCII);
        var name = new BytePointer("convert.cu");
        var target = new BytePointer("--gpu-architecture=sm_" + capability);
        var options = new PointerPointer<BytePointer>(1);
        var bytes = new SizeTPointer(1)) {
      options.put(0, target);
      PointerPointer<?> none = null;
      check(nvrtc.nvrtcCreateProgram(program, text, name, 0, none, none), "nvrtcCreateProgram");
      try {
        int status = nvrtc.nvrtcCompileProgram(program, 1, options);
        if (status != 0) {
          throw new CudaException(
              "nvrtcCompileProgram failed: %s (compute capability %d): %s"
                  .formatted(
                      nvrtc.nvrtcGetErrorString(status).getString(), capability, log(program)));
        }
        check(nvrtc.nvrtcGetCUBINSize(program, bytes), "nvrtcGetCUBINSize");
        byte[] code = new byte[Math.toIntExact(bytes.get())];
        check(nvrtc.nvrtcGetCUBIN(program, code), "nvrtcGetCUBIN");
        return code;
      } finally {
        nvrtc.nvrtcDestroyProgram(program);
      }
    }
  }

  private static String log(_nvrtcProgram program) {
    try (var bytes = new SizeTPointer(1)) {
      nvrtc.nvrtcGetProgramLogSize(program, bytes);
      try (var log = new BytePointer(bytes.get())) {
        nvrtc.nvrtcGetProgramLog(program, log);
        return log.getString();
      }
    }
  }

  private static void check(int status, String call) {
    if (status != 0) {
      throw new CudaException(
          "%s failed: %s".formatted(call, nvrtc.nvrtcGetErrorString(status).getString()));
    }
  }

  @Override
  public void close() {
    spoiled.close();
    if (!module.isNull()) {
      Cuda.checkDriver(cudart.cuModuleUnload(module), "cuModuleUnload");
      module.setNull();
    }
    arguments.close();
    places.close();
  }
}
