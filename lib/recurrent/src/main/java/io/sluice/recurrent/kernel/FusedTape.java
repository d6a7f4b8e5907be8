package io.sluice.recurrent.kernel;

import java.util.List;
import org.bytedeco.javacpp.Pointer;

/**
 * What one forward pass of a {@link FusedKernel} keeps, off-heap.
 *
 * <pre>
 * a       (T, B, G·H)  each block of rows gate by gate
 * extra   (T, B, E·H)  likewise
 * scales  (T, B, S)    likewise
 * c       (T, B, H)
 * y       (T, B, H)    the caller's own may change before backward
 * first   (2, B, H)    h and c before the first step
 * </pre>
 */
final class FusedTape implements AutoCloseable {
  final FloatMemory a = new FloatMemory();
  final FloatMemory extra = new FloatMemory();
  final FloatMemory scales = new FloatMemory();
  final FloatMemory c = new FloatMemory();
  final FloatMemory y = new FloatMemory();
  final FloatMemory first = new FloatMemory();
  int T;
  int B;
  Pointer x;

  /** Whether the first state is zero. */
  boolean fromZero;

  /** Of the hidden state on its way into RW (B, H); null is ones. */
  Pointer factors;

  long bytes() {
    return all().stream().mapToLong(FloatMemory::bytes).sum();
  }

  @Override
  public void close() {
    all().forEach(FloatMemory::close);
    T = 0;
  }

  private List<FloatMemory> all() {
    return List.of(a, extra, scales, c, y, first);
  }
}
