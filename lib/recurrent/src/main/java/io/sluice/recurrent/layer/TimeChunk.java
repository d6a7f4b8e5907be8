package io.sluice.recurrent.layer;

/**
 * Consecutive time steps of the series of a batch.
 *
 * @param firstStep time steps of the series before it
 * @param steps T, of the chunk
 * @param examples B
 * @param isLast whether the series ends with it
 */
public record TimeChunk(int firstStep, int steps, int examples, boolean isLast) {

  /** Whether the series begins with it. */
  public boolean isFirst() {
    return firstStep == 0;
  }

  /** T·B. */
  public int rows() {
    return steps * examples;
  }
}
