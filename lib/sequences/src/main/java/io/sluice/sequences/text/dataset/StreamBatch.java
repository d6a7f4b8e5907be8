package io.sluice.sequences.text.dataset;

/**
 * The next T tokens of a rank's streams, and what follows each; reused from batch to batch by its
 * owner.
 *
 * <p><b>Shapes.</b> B = streams of this rank; row-major:
 *
 * <pre>
 * ids      (T, B)   token ids
 * nextIds  (T, B)   the token after each: the target
 * </pre>
 *
 * <p>Column b goes on in the next batch where it ended: (h, c) carry over, and are zero before step
 * 0 of an epoch.
 */
public final class StreamBatch {
  private final int size;
  private final int globalSize;
  final int[] ids;
  final int[] nextIds;
  int timeSteps;
  long step;

  /**
   * @param longest T that no batch exceeds
   */
  StreamBatch(int size, int globalSize, int longest) {
    this.size = size;
    this.globalSize = globalSize;
    this.ids = new int[Math.multiplyExact(size, longest)];
    this.nextIds = new int[ids.length];
  }

  /** B, streams of this rank; 0 for a rank without one. */
  public int size() {
    return size;
  }

  /** Streams of all ranks. */
  public int globalSize() {
    return globalSize;
  }

  /** T of this batch. */
  public int timeSteps() {
    return timeSteps;
  }

  /** Number of this step in its epoch. */
  public long step() {
    return step;
  }

  /** (T, B), valid to index T·B. */
  public int[] ids() {
    return ids;
  }

  /** (T, B). */
  public int[] nextIds() {
    return nextIds;
  }
}
