package io.sluice.recurrent.pipeline;

/**
 * How a series of T time steps is cut: chunks of as many steps each, but the last, which may have
 * fewer.
 *
 * @param timeSteps T
 * @param chunkSteps of a chunk, at most T
 */
public record Chunks(int timeSteps, int chunkSteps) {
  public Chunks {
    if (chunkSteps < 1 || chunkSteps > timeSteps) {
      throw new IllegalArgumentException(
          "A time chunk has %d steps, must have 1 to the %d of a series"
              .formatted(chunkSteps, timeSteps));
    }
  }

  /**
   * Chunks of so many steps, or of all where a series has fewer.
   *
   * @param timeSteps T
   */
  static Chunks atMost(int chunkSteps, int timeSteps) {
    return new Chunks(timeSteps, Math.min(chunkSteps, timeSteps));
  }

  /** K. */
  public int count() {
    return (timeSteps + chunkSteps - 1) / chunkSteps;
  }

  /** Time steps before a chunk. */
  public int first(int chunk) {
    return chunk * chunkSteps;
  }

  /** Time steps of a chunk. */
  public int length(int chunk) {
    return Math.min(chunkSteps, timeSteps - first(chunk));
  }
}
