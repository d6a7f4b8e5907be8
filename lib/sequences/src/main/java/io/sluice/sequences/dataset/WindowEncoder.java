package io.sluice.sequences.dataset;

/**
 * Turns windows of segments into network inputs and network outputs back into units, as the {@link
 * WindowContract} says.
 *
 * <p>Input order at a time step: each input channel's scaled value in contract order; then masks,
 * in the same order, where on; then time since last; then a sine and a cosine per calendar entry;
 * then each known-future channel's scaled value H steps ahead. A missing value is 0 after scaling
 * (the train mean or what else the scaler centres on).
 *
 * <p>One encoder serves one thread.
 */
public final class WindowEncoder {
  private final WindowContract contract;

  public WindowEncoder(WindowContract contract) {
    this.contract = contract;
  }

  /** An empty batch of the right shapes. */
  public WindowBatch newBatch(int capacity) {
    return new WindowBatch(contract, capacity);
  }

  /** Starts a batch of {@code size} windows; each must then be filled by {@link #encode}. */
  public void begin(WindowBatch batch, int size) {
    batch.resize(size);
  }

  /** Writes the window with its last look-back step at index {@code origin} into slot {@code b}. */
  public void encode(Segment segment, int origin, WindowBatch batch, int b) {
    throw new UnsupportedOperationException();
  }

  /**
   * Network outputs in scaled units to the target's own unit, in place.
   *
   * @param predictions (B, H, K, Q) with Q values (quantiles) per target, row-major; for remaining
   *     life (B, 1, 1, Q)
   */
  public void toOriginalUnits(WindowBatch batch, float[] predictions, int Q) {
    throw new UnsupportedOperationException();
  }

  public WindowContract contract() {
    return contract;
  }
}
