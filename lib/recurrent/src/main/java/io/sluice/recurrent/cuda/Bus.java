package io.sluice.recurrent.cuda;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Between the host's float32 and what the device stores, both ways, with time turned round on the
 * way where a layer reads it backward.
 *
 * <p>A call's tensors go through memory that the device reads and writes by itself, so that it does
 * not wait for the host between one and the next; only {@link #finish} waits.
 */
final class Bus implements AutoCloseable {
  /** Numbers on their way to the caller. */
  private record Landing(long offset, Pointer host, int rows, long rowBytes, boolean reversed) {}

  private final CudaContext context;
  private final CudaPrecision precision;
  private final PinnedBuffer out = new PinnedBuffer();
  private final PinnedBuffer in = new PinnedBuffer();
  private final DeviceBuffer wide = new DeviceBuffer();
  private final List<Landing> landings = new ArrayList<>();
  private long outUsed;
  private long inUsed;

  Bus(CudaContext context, CudaPrecision precision) {
    this.context = context;
    this.precision = precision;
  }

  /**
   * Begins a call; the one before is finished.
   *
   * @param up floats that will go up in all
   * @param down floats that will come down in all
   */
  void begin(long up, long down) {
    out.atLeast(up * Float.BYTES);
    in.atLeast(down * Float.BYTES);
    outUsed = 0;
    inUsed = 0;
    landings.clear();
  }

  /**
   * target[0, rows · rowLength) = host · scale, the last row first where time is reversed. The
   * host's memory may change after the call.
   */
  void up(Pointer host, int rows, long rowLength, boolean reversed, Pointer target, float scale) {
    long n = rows * rowLength;
    Pointer staged = out.at(outUsed);
    copyRows(host, staged, rows, rowLength * Float.BYTES, reversed);
    outUsed += n * Float.BYTES;
    up(staged, n, target, scale);
  }

  /** The same of pinned memory, which stays as it is until the copy is done. */
  void up(Pointer pinned, long n, Pointer target, float scale) {
    boolean narrows = precision.isHalf();
    Pointer first = narrows ? wide.atLeast(n * Float.BYTES, "numbers to be rounded") : target;
    copy(first, pinned, n * Float.BYTES, cudart.cudaMemcpyHostToDevice);
    if (narrows) {
      context.conversions(precision).narrow(n, first, target, scale);
    }
  }

  /**
   * host[0, rows · rowLength) = source · scale once the call is finished.
   *
   * @param watched whether they are gradients, which may overflow
   */
  void down(
      Pointer source,
      Pointer host,
      int rows,
      long rowLength,
      boolean reversed,
      float scale,
      boolean watched) {
    long n = rows * rowLength;
    Pointer last = source;
    if (precision.isHalf()) {
      last = wide.atLeast(n * Float.BYTES, "numbers that were rounded");
      context.conversions(precision).widen(n, source, last, scale, watched);
    }
    copy(in.at(inUsed), last, n * Float.BYTES, cudart.cudaMemcpyDeviceToHost);
    landings.add(new Landing(inUsed, host, rows, rowLength * Float.BYTES, reversed));
    inUsed += n * Float.BYTES;
  }

  /** Waits for the device and hands the caller what came down. */
  void finish() {
    context.await();
    for (Landing landing : landings) {
      copyRows(
          in.at(landing.offset), landing.host, landing.rows, landing.rowBytes, landing.reversed);
    }
    landings.clear();
  }

  void copy(Pointer to, Pointer from, long bytes, int kind) {
    Cuda.check(
        cudart.cudaMemcpyAsync(to, from, bytes, kind, context.stream()),
        "cudaMemcpyAsync of %d bytes".formatted(bytes));
  }

  private static void copyRows(
      Pointer from, Pointer to, int rows, long rowBytes, boolean reversed) {
    if (!reversed || rows == 1) {
      HostCopy.copy(to, from, rows * rowBytes);
      return;
    }
    for (int row = 0; row < rows; row++) {
      Pointer.memcpy(at(to, (rows - 1 - row) * rowBytes), at(from, row * rowBytes), rowBytes);
    }
  }

  /** The address {@code bytes} behind {@code start}, where that stands. */
  static Pointer at(Pointer start, long bytes) {
    return bytes == 0 ? start : new BytePointer(start).getPointer(bytes);
  }

  /** Bytes of the host's memory. */
  long hostBytes() {
    return out.bytes() + in.bytes();
  }

  /** Bytes of the device's memory. */
  long deviceBytes() {
    return wide.bytes();
  }

  @Override
  public void close() {
    out.close();
    in.close();
    wide.close();
  }
}
