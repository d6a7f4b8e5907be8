package io.sluice.training.loop;

/**
 * Where the time of a process went.
 *
 * @param computeNanos forward, backward and update
 * @param exchangeNanos waiting for the other ranks' gradients, what overlapped with computing not
 *     counted
 * @param readNanos waiting for windows, and encoding them
 * @param bytesSent to other ranks
 * @param denseBytes the least that a sum of the whole gradient in float32 has each rank send,
 *     2(R−1)/R · 4 a number
 */
public record StepTime(
    long computeNanos, long exchangeNanos, long readNanos, long bytesSent, long denseBytes) {
  public static final StepTime NONE = new StepTime(0, 0, 0, 0, 0);

  public StepTime plus(StepTime other) {
    return new StepTime(
        computeNanos + other.computeNanos,
        exchangeNanos + other.exchangeNanos,
        readNanos + other.readNanos,
        bytesSent + other.bytesSent,
        denseBytes + other.denseBytes);
  }

  /** All of it. */
  public long nanos() {
    return computeNanos + exchangeNanos + readNanos;
  }
}
